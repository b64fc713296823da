"""The page: all text of the data is escaped, everything it shows lies in it, and it fetches nothing."""

import base64
import hashlib
import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.artifacts.measured import CONTROLS
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS, class_colour
from strata.report.page.explorer import (
    FOLDER,
    STYLE,
    json_for_html,
    page_payload,
    page_script,
    render_explorer,
    script_files,
)
from strata.report.page.figure_row import PageFigure
from strata.report.page.packing import sprite_of, unpacked

PLAIN = "plain"
EVIL = """<script>alert("x")</script> & 'quoted' --> <b>&lt;"""
LABELS = np.array([0, 1, 1], dtype=np.int16)
IMAGES = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
# Attributes that a browser may fetch from.
ADDRESSES = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href", "ping"}
VOID = {"meta", "input", "img", "br", "hr", "link", "base", "source", "embed", "col"}


class Page(HTMLParser):
    """The page as a browser reads it: its tags, their attributes, and the text in each."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} ends, but does not stand open"

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def values(self, name):
        """Return the values of an attribute, in order."""
        return [value for _, attribute, value in self.attributes if attribute == name]

    def inside(self, tag):
        """Return the texts that stand in a tag, in order."""
        return [text for found, text in self.texts if found == tag]


def run_of(text, classes=2):
    """Return what the template reads of a run, with `text` in every text of the data."""
    layer = {"shape": f"shape {text}", "about": f"about {text}", "neighbours": {"shape": [len(LABELS), 7]}}
    return {
        "measured": 40,
        "mapped": 50,
        "findings": {"recall": f"recall {text}", "measured": f"measured {text}"},
        "stability_meaning": f"agreement {text}",
        "method": {"title": f"method {text}", "caveats": [f"caveat {text}"], "start": f"start {text}"},
        "layers": {"input": layer, "h1": layer},
        "earlier": {},
        "facts": {f"fact {text}": f"value {text}", "Source": f"source {text}"},
        "params": f"# network\n{text}\nseed: {classes}\n",
    }


def payload_of(text=PLAIN, runs=1):
    names = [f"run {place} {text}" for place in range(runs)]
    return page_payload([f"zero {text}", f"one {text}"], LABELS, IMAGES, {name: run_of(text) for name in names})


def figures_of(text=PLAIN):
    """Return four figures in two groups, which come mixed."""
    groups = {"b": "second", "a": "first", "d": "second", "c": "first"}
    return [
        PageFigure(f"figure_{name}", f"heading {name} {text}", f"caption {name} {text}", f"group {group} {text}")
        for name, group in groups.items()
    ]


@pytest.fixture
def folder(tmp_path):
    """A folder with a file a figure; what they hold is not looked at."""
    for figure in figures_of():
        (tmp_path / f"{figure.name}.png").write_bytes(figure.name.encode() * 50)
    return tmp_path


def render(folder, text=PLAIN, runs=1):
    differences = [(f"name {text}", f"left {text}", f"right {text}")] if runs > 1 else []
    return render_explorer(
        f"title {text}", payload_of(text, runs), figures_of(text), folder, [f"note {text}"], differences
    )


@pytest.fixture(params=[1, 2], ids=["one run", "two runs"])
def runs(request):
    return request.param


def test_hostile_texts_add_no_tag_and_no_attribute(folder, runs):
    plain, evil = Page(render(folder, PLAIN, runs)), Page(render(folder, EVIL, runs))
    assert evil.tags == plain.tags
    assert [pair[:2] for pair in evil.attributes] == [pair[:2] for pair in plain.attributes]
    assert len(evil.texts) == len(plain.texts)
    assert not evil.open


def test_hostile_texts_are_shown_as_they_are(folder, runs):
    page = Page(render(folder, EVIL, runs))
    assert page.inside("title") == page.inside("h1") == [f"title {EVIL}"]
    shown = "\n".join(text for tag, text in page.texts if tag not in {"script", "style"})
    expected = ["zero", "one", "shape", "fact", "value", "source", "caveat", "note", "group first", "group second"]
    expected += [f"heading {name}" for name in "abcd"] + [f"caption {name}" for name in "abcd"]
    expected += ["name", "left", "right", "A: run 0", "B: run 1"] if runs > 1 else []
    for name in expected:
        assert f"{name} {EVIL}" in shown, name
    assert page.inside("pre") == [f"# network\n{EVIL}\nseed: 2"] * runs
    alternatives = [f"heading {name} {EVIL}. caption {name} {EVIL}" for name in "bdac"]
    assert page.values("alt") == alternatives


def test_caveats_are_those_of_the_runs_methods_each_said_once(folder):
    payload = payload_of(runs=2)
    page = Page(render_explorer("title", payload, [], folder, []))
    assert page.inside("strong").count(f"How to read method {PLAIN} maps.") == 1
    assert page.inside("li").count(f"caveat {PLAIN}") == 1
    payload["runs"][1]["method"] = {"title": "UMAP", "caveats": ["Sizes mean little."], "start": f"start {PLAIN}"}
    page = Page(render_explorer("title", payload, [], folder, []))
    assert f"How to read method {PLAIN} and UMAP maps." in page.inside("strong")
    assert {f"method {PLAIN}: caveat {PLAIN}", "UMAP: Sizes mean little."} <= set(page.inside("li"))


def test_the_start_is_said_once_or_for_each_run_or_not_at_all(folder):
    def said(*starts):
        payload = payload_of(runs=len(starts))
        for run, start in zip(payload["runs"], starts, strict=True):
            run["method"]["start"] = start
        items = Page(render_explorer("title", payload, [], folder, [])).inside("li")
        return [text for text in items if text.endswith(("from input.", "from its own."))]

    assert said("All from input.") == said("All from input.", "All from input.") == ["All from input."]
    assert said("All from input.", "Each from its own.") == ["A: All from input.", "B: Each from its own."]
    assert said("All from input.", "") == ["A: All from input."]
    assert said("") == []  # maps from before the start was recorded


def test_the_raw_text_holds_no_hostile_script(folder, runs):
    text = render(folder, EVIL, runs)
    assert "<script>alert" not in text
    assert text.count("<script") == text.count("</script") == 2


@pytest.mark.parametrize("text", [PLAIN, EVIL, "\u2028 \u2029 é 数 😀"])
def test_the_payload_in_the_page_is_the_one_given(folder, runs, text):
    scripts = Page(render(folder, text, runs)).inside("script")
    assert json.loads(scripts[0]) == json.loads(json.dumps(payload_of(text, runs)))


JSON_TEXT = st.text() | st.sampled_from(["</script>", "<!--", "]]>", "\u2028", "\u2029", "\\u003c", "</SCRIPT "])


@given(content=st.dictionaries(JSON_TEXT, JSON_TEXT | st.floats(allow_nan=False, allow_infinity=False) | st.none()))
@settings(deadline=None, max_examples=50)
def test_json_for_html_is_the_same_json_without_what_ends_a_script(content):
    text = json_for_html(content)
    assert json.loads(text) == content
    assert not set(text) & {"<", "\u2028", "\u2029"}


def test_json_for_html_by_hand():
    assert json_for_html({"a": "</script>\u2028\u2029", "b": [1, None]}) == (
        '{"a":"\\u003c/script>\\u2028\\u2029","b":[1,null]}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_json_for_html_refuses_what_json_cannot_hold(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_for_html({"a": {"b": [0.5, value]}})


def test_the_page_refuses_a_payload_with_nan(folder):
    payload = {**payload_of(), "extra": float("nan")}
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_explorer("title", payload, [], folder, [])


def test_figures_lie_in_the_page_in_groups_each_in_order(folder):
    text = render(folder)
    content = [src.removeprefix("data:image/png;base64,") for src in Page(text).values("src")]
    assert [base64.b64decode(part, validate=True) for part in content] == [
        (folder / f"figure_{name}.png").read_bytes() for name in "bdac"
    ]
    section = text[text.index('<section id="figures"') : text.index('<section id="run"')]
    found = re.findall(r"<(h2|h3)[^>]*>(.*?)</\1>|<(figcaption)>(.*?)</figcaption>", section)
    assert ["".join(parts) for parts in found] == [
        *("h2group second plain", "h3heading b plain", "figcaptioncaption b plain"),
        *("h3heading d plain", "figcaptioncaption d plain"),
        *("h2group first plain", "h3heading a plain", "figcaptioncaption a plain"),
        *("h3heading c plain", "figcaptioncaption c plain"),
    ]


def test_without_figures_there_is_no_section_and_no_link_to_it():
    page = Page(render_explorer("title", payload_of(), [], None, []))
    assert "figures" not in page.values("id")
    assert "#figures" not in page.values("href")
    assert page.values("src") == []


def test_without_differences_there_is_no_table_of_them(folder):
    assert "differences" not in Page(render(folder)).values("id")
    page = render(folder, runs=2)
    rows = re.search(r'id="differences">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)[1]
    assert re.findall(r"<t[hd][^>]*>(.*?)</t", rows) == ["name plain", "left plain", "right plain"]


def test_every_address_is_data_or_a_place_on_the_page(folder, runs):
    page = Page(render(folder, runs=runs))
    addresses = [(name, value) for _, name, value in page.attributes if name in ADDRESSES]
    assert {name for name, _ in addresses} == {"src", "href"}
    ids = page.values("id")
    for name, value in addresses:
        assert value.startswith("data:image/png;base64,") if name == "src" else value.startswith("#"), value
        assert name == "src" or value[1:] in ids, f"{value} leads nowhere"
    assert not {"link", "iframe", "object", "embed", "base", "audio", "video"} & set(page.tags)


def test_no_id_stands_twice_and_every_name_of_another_element_is_there(folder, runs):
    page = Page(render(folder, runs=runs))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "list", "for"):
        assert set(page.values(name)) <= set(ids), name


def test_every_element_that_the_script_looks_up_by_its_id_is_there(folder):
    script = "\n".join(path.read_text(encoding="utf-8") for path in script_files())
    wanted = set(re.findall(r'getElementById\("([^"]+)"\)', script))
    # What shows training's time is there only where weights were kept, what compares only with two runs, or more.
    elsewhere = {"time", "over-training", "over-training-key", "difference-charts", "sweep-key"}
    elsewhere |= {"pad", "pad-erase", "try-classes"}  # made once the network is loaded
    assert wanted - elsewhere <= set(Page(render(folder)).values("id"))
    assert {"depth", "time"} <= wanted


def test_the_policy_forbids_every_address_but_data(folder):
    page = Page(render(folder))
    policy = next(value for value in page.values("content") if "default-src" in value)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    digest = base64.b64encode(hashlib.sha256(page.inside("script")[1].encode()).digest()).decode()
    assert rules.pop("script-src") == f"'sha256-{digest}'"
    sources = {source for value in rules.values() for source in value.split()}
    assert sources <= {"'unsafe-inline'", "data:", "blob:"}
    assert "content-security-policy" in [value.lower() for value in page.values("http-equiv")]


def test_style_and_script_fetch_nothing(folder):
    page = Page(render(folder))
    own = [*page.inside("style"), page.inside("script")[-1], *page.values("style")]
    for text in own:
        assert "@import" not in text
        # Of itself, and `address`, which is a blob made of the payload's images.
        assert all(
            address.startswith(("data:", "#", "${address}"))
            for address in re.findall(r"url\(\s*[\"']?([^\"')]*)", text)
        )
        named = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\b|sendBeacon|EventSource", named)
    for text in page.inside("script"):
        assert "@import" not in text


def test_the_payload_and_one_script_of_all_files_in_order_stand_in_the_page(folder):
    scripts = Page(render(folder)).inside("script")
    assert len(scripts) == 2
    own = scripts[-1]
    places = [own.index(path.read_text(encoding="utf-8").strip()) for path in script_files()]
    assert places == sorted(places)
    body = "\n".join(path.read_text(encoding="utf-8") for path in script_files())
    assert own == page_script() == f'(async () => {{\n"use strict";\n{body}\n}})();'


def test_every_script_is_in_the_page_and_exists():
    scripts = script_files()
    assert len(set(scripts)) == len(scripts)
    assert set(scripts) == {path for path in (FOLDER / "script").rglob("*") if path.is_file() and path.name[0] != "."}
    assert all(path.is_file() for path in scripts)


def test_no_script_or_style_could_end_its_element():
    for path in (*script_files(), STYLE):
        assert not re.search(r"</(script|style)|<!--", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_the_same_input_gives_the_same_bytes(folder, runs):
    assert render(folder, EVIL, runs).encode() == render(folder, EVIL, runs).encode()


def test_the_payload_holds_what_the_runs_share_and_the_runs_in_order():
    payload = payload_of(runs=2)
    assert payload["classes"] == ["zero plain", "one plain"]
    assert payload["class_colours"] == [class_colour(0), class_colour(1)]
    np.testing.assert_array_equal(unpacked(payload["labels"]), LABELS)
    assert payload["sprite"] == asdict(sprite_of(IMAGES))
    assert [run["name"] for run in payload["runs"]] == ["run 0 plain", "run 1 plain"]
    assert payload["runs"][0] == {"name": "run 0 plain", **run_of(PLAIN)}
    assert (payload["scale"][0], payload["scale"][-1], len(payload["scale"])) == ("#440154", "#fde725", 64)


def test_the_payload_names_every_control_and_has_the_looks_of_lines():
    payload = payload_of()
    assert list(payload["controls"]) == list(CONTROLS)
    for name, look in CONTROL_LOOKS.items():
        assert payload["controls"][name] == {"title": CONTROLS[name], "colour": look.colour, "dash": look.dashes}
    assert payload["looks"] == [{"colour": look.colour, "dash": look.dashes} for look in MEASURE_LOOKS]
    json.dumps(payload, allow_nan=False)
