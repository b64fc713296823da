"""A run that lacks labels, predictions or measures of samples: the page opens, and leaves out what needs them."""

import json

import pytest

from strata.report.page.explorer import json_for_html
from tests.report.page.conftest import checked, opened
from tests.report.page.synthetic import LAYERS

SAMPLE = ("predicted", "confidence", "commit", "flips", "late")
POINT = ("vote", "false_neighbours", "missing_neighbours", "drift", "stability", "neighbours")


@pytest.fixture
def page_without(browser, page_path, runs, tmp_path):
    """Open the page of a run without some fields."""

    def opens(shared=(), sample=(), point=()):
        start = '<script type="application/json" id="payload">'
        before, _, rest = page_path.read_text(encoding="utf-8").partition(start)
        text, end, after = rest.partition("</script>")
        payload = json.loads(text)
        for name in shared:
            payload[name] = None
        for run in payload["runs"]:
            for name in sample:
                del run[name]
            for name in point:
                for layer in run["layers"].values():
                    del layer[name]
        path = tmp_path / "page.html"
        path.write_text(before + start + json_for_html(payload) + end + after, encoding="utf-8")
        return opened(browser, path, runs[:1], "light")

    return opens


def test_without_labels(page_without):
    with page_without(shared=["labels"], point=["vote"]) as explorer:
        for page in checked(explorer):
            page.select(page.ids[:1])
            page.page.wait_for_timeout(50)
            texts = page.page.locator("#details dt").all_inner_texts()
            assert texts == ["sample", "prediction", "commit layer", "spot at input"]
            assert page.page.locator(".votes tr").count() in (0, len(LAYERS))
            assert page.page.is_hidden("#pairs")
            page.set_slider(2.5)


def test_with_maps_and_images_only(page_without):
    with page_without(shared=["labels"], sample=SAMPLE, point=POINT) as explorer:
        for page in checked(explorer):
            page.set_slider(2.5)
            page.select(page.ids[:1])
            assert page.page.locator("#details dt").all_inner_texts() == ["sample"]
            assert page.page.is_hidden("#queues")
            page.select(page.ids[:9])
            page.page.wait_for_timeout(50)
            assert page.page.locator("#thumbs .thumb").count() == 9
            page.page.click("#more")
