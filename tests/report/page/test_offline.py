"""The page alone: it holds all it needs, asks for nothing, and shows texts of the data as texts."""

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from strata.report.page.packing import unpacked
from tests.report.page.synthetic import CLASSES, COUNT, LAYERS, MARKUP, NOTE, PARAMS, SIDE, K


class Tags(HTMLParser):
    """The tags of a page with their attributes, and the text in its payload."""

    def __init__(self, page):
        super().__init__()
        self.found, self.payload, self._inside = [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") == "payload"

    def handle_endtag(self, tag):  # noqa: ARG002
        self._inside = False

    def handle_data(self, data):
        self.payload += data if self._inside else ""


@pytest.fixture(scope="module")
def tags(page_path):
    return Tags(page_path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def payload(tags):
    return json.loads(tags.payload)


def test_the_page_names_no_address_but_its_own_and_those_that_hold_their_content(tags):
    addresses = [
        v for _, found in tags.found for name, v in found.items() if name in ("src", "href", "action", "srcset")
    ]
    assert [v[:80] for v in addresses if not v.startswith(("#", "data:image/png;base64,"))] == []
    assert sum(v.startswith("data:") for v in addresses) == 1
    assert {tag for tag, _ in tags.found} & {"link", "iframe", "object", "embed", "base", "b", "i"} == set()


def test_the_policy_allows_no_address(tags):
    policy = next(found["content"] for _, found in tags.found if found.get("http-equiv") == "Content-Security-Policy")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    allowed = {source for sources in rules.values() for source in sources}
    assert rules["style-src"] == ["'unsafe-inline'"]
    (script,) = rules["script-src"]
    assert re.fullmatch("'sha256-[A-Za-z0-9+/]{43}='", script)
    assert allowed - {script} <= {"'none'", "'unsafe-inline'", "data:", "blob:"}
    assert "connect-src" not in rules


def test_all_is_there_without_network(explorer):
    assert explorer.page.evaluate("strata.ready") > 0
    assert explorer.page.evaluate("navigator.onLine") is False
    assert (explorer.visible(), explorer.selected()) == (explorer.ids, [])
    assert (
        explorer.page.evaluate("performance.getEntriesByType('resource').filter((each) => /^http/.test(each.name))")
        == []
    )


def test_the_tests_see_errors_and_the_policy_stops_requests(explorer):
    blocked = """() => fetch("https://example.org/").then(() => "fetched", () => "blocked")"""
    assert explorer.page.evaluate(blocked) == "blocked"
    explorer.page.evaluate("() => { console.warn('careful'); setTimeout(() => { throw new Error('broken'); }, 0); }")
    explorer.page.wait_for_timeout(20)
    explorer.settle()
    found = "\n".join(explorer.problems)
    explorer.problems.clear()
    assert "Content Security Policy" in found and "warning: careful" in found and "broken" in found


def test_texts_of_the_data_are_shown_as_texts(explorer):
    page = explorer.page
    assert page.title() == f"Strata: {MARKUP}" == page.inner_text("h1")
    explorer.select(explorer.ids[:50])
    wrong = int(np.flatnonzero(explorer.run.labels == CLASSES.index(MARKUP))[0])
    page.mouse.move(*explorer.in_window(0, 2)[wrong])
    explorer.settle()
    explorer.wait_for_table()
    for place in ("#classes", "#thumbs", "#tooltip", "#selection", "#ladder-0", "#figures h3", "#run .facts"):
        assert MARKUP in page.inner_text(place)
    assert page.inner_text("#run .caveats") == NOTE
    assert page.text_content("#run pre").strip() == PARAMS.strip()
    assert page.locator("b, i").count() == 0
    assert page.get_attribute("#figures img", "alt") == f"A picture {MARKUP}. It shows noise."


def test_the_payload_holds_the_samples_value_by_value(payload, runs):
    run, told = runs[0], payload["runs"][0]
    samples = run.inputs.samples
    assert payload["classes"] == CLASSES
    for name, wanted in (("ids", run.ids), ("predicted", run.predicted), ("confidence", run.confidence)):
        np.testing.assert_array_equal(unpacked(told[name]), wanted, strict=True)
    np.testing.assert_array_equal(unpacked(payload["labels"]), samples.label[run.rows], strict=True)
    commit = np.array([-9 if commit is None else commit for commit in run.commit], dtype=np.int16)
    np.testing.assert_array_equal(unpacked(told["commit"]), commit, strict=True)
    late = unpacked(told["late"])
    np.testing.assert_array_equal(late == 1, run.late)
    np.testing.assert_array_equal(late == -9, commit == -9)
    assert np.isin(samples.sample_id, run.ids).sum() == len(run.ids) < COUNT


@pytest.mark.parametrize("layer", range(7))
def test_the_payload_holds_each_layer_value_by_value(payload, runs, layer):
    run, told = runs[0], payload["runs"][0]["layers"][LAYERS[layer]]
    np.testing.assert_array_equal(unpacked(told["x"]), run.places[layer][:, 0], strict=True)
    np.testing.assert_array_equal(unpacked(told["y"]), run.places[layer][:, 1], strict=True)
    for name, values in run.fields.items():
        np.testing.assert_array_equal(unpacked(told[name]), values[layer].astype(np.float32), strict=True)
    neighbours = unpacked(told["neighbours"])
    assert neighbours.shape == (len(run.ids), K) and neighbours.min() == -1
    for row, sample in enumerate(run.ids):
        assert [int(run.ids[n]) for n in neighbours[row] if n >= 0] == run.neighbours[layer][int(sample)]


def test_the_payload_holds_every_image(payload, runs):
    sprite = payload["sprite"]
    sheet = np.asarray(Image.open(io.BytesIO(b64decode(re.sub("^.*,", "", sprite["sheets"][0])))))
    assert (sprite["height"], sprite["width"]) == (SIDE, SIDE)
    for place, image in enumerate(runs[0].inputs.images[runs[0].rows]):
        line, column = divmod(place, sprite["columns"])
        found = sheet[line * SIDE : (line + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
        np.testing.assert_array_equal(found, image, strict=True)
