"""A view's address: it has the whole view, so that it can be sent; and the way back to earlier views."""

import pytest

from tests.report.page.reader import wait_for
from tests.report.page.test_maps import ids_where, told_places

BRUSH = """([id, value]) => {
  const end = document.getElementById(id);
  end.value = value;
  end.dispatchEvent(new Event("input"));
}"""


@pytest.fixture
def sent_to(explorer):
    """Open the address of the view in a page of its own, as the one who gets it would."""
    opened = []

    def open_it():
        explorer.wait_for_address()
        other = explorer.page.context.new_page()
        opened.append(other)
        other.goto(explorer.page.url)
        wait_for(other, "window.strata && strata.ready")
        return other

    yield open_it
    for other in opened:
        other.close()


def test_back_and_forward_go_through_the_views_and_the_address_has_the_view(explorer):
    page = explorer.page
    explorer.select(explorer.ids[:4])
    explorer.wait_for_address()
    explorer.set_slider(2)
    explorer.wait_for_address()
    page.select_option("#colour", "trust")
    explorer.wait_for_address()
    sent = page.url
    assert "layer=h2" in sent and "colour=trust" in sent and f"sel={explorer.ids[0]}.{explorer.ids[1]}" in sent

    def shown():
        return page.input_value("#colour"), page.inner_text("#large-0 .layer")

    page.click("#back")
    assert shown() == ("label", "h2")
    page.click("#back")
    assert shown() == ("label", "input")
    assert explorer.selected() == explorer.ids[:4]
    page.click("#forward")
    page.click("#forward")
    assert shown() == ("trust", "h2")
    other = page.context.new_page()
    other.goto(sent)
    wait_for(other, "window.strata && strata.ready")
    assert other.evaluate("strata.selectedIds()") == explorer.ids[:4]
    assert other.input_value("#colour") == "trust" and other.inner_text("#large-0 .layer") == "h2"
    other.close()


def test_the_address_of_the_view_is_copied(explorer):
    explorer.select(explorer.ids[:2])
    explorer.page.click("#more")
    explorer.page.click("#link")
    assert explorer.status() == "the address of this view is copied"
    copied = explorer.page.evaluate("navigator.clipboard.readText()")
    assert copied == explorer.page.url
    assert copied.endswith(f"#layer=input&colour=label&sel={explorer.ids[0]}.{explorer.ids[1]}")


def test_the_address_has_the_queue(explorer, sent_to):
    explorer.page.click("#queues [data-queue=mistakes]")
    listed = "[...document.querySelectorAll('#thumbs .thumb')].map((each) => each.dataset.row)"
    wanted = explorer.page.evaluate(listed)
    other = sent_to()
    assert "queue=mistakes" in explorer.page.url
    assert other.get_attribute("#queues [data-queue=mistakes]", "aria-pressed") == "true"
    assert wanted and other.evaluate(listed) == wanted
    explorer.page.click("#back")
    explorer.settle()
    assert explorer.page.get_attribute("#queues [data-queue=mistakes]", "aria-pressed") == "false"


def test_the_address_has_the_part_of_the_map_that_is_shown(explorer, sent_to):
    explorer.wait_for_address()
    whole = told_places(explorer, None)
    explorer.page.mouse.move(*explorer.in_window(0, None)[50])
    explorer.page.mouse.wheel(0, -400)
    explorer.settle()
    wanted = told_places(explorer, None)
    code = "strata.visibleIds().map((id) => strata.placeOf(id, 0, null))"
    assert abs(wanted - sent_to().evaluate(code)).max() < 0.1 < 50 < abs(wanted - whole).max()
    explorer.page.click("#reset-view")
    explorer.wait_for_address()
    assert "window" not in explorer.page.url
    explorer.page.click("#back")
    assert abs(wanted - told_places(explorer, None)).max() < 0.1
    explorer.page.click("#back")
    assert abs(whole - told_places(explorer, None)).max() < 0.1


def test_the_address_has_what_the_histograms_leave(explorer, sent_to):
    run, page = explorer.run, explorer.page
    page.click("#more")
    page.evaluate(BRUSH, ["confidence-low", 0.7])
    fits = ids_where(explorer, run.confidence >= 0.7 - 1e-6)
    assert explorer.visible() == fits != explorer.ids
    other = sent_to()
    assert "in-confidence=0.7%7E1" in page.url
    assert other.evaluate("strata.visibleIds()") == fits
    assert other.input_value("#confidence-low") == "0.7"
    page.click("#reset-filters")
    explorer.wait_for_address()
    page.click("#back")
    assert explorer.visible() == fits


@pytest.mark.parametrize(
    "ending",
    ["queue=none", "queue=constructor", "window=1~x~2", "window=0~0~-1", "in-confidence=a~b", "time=7", "in-x=1~2"],
)
def test_what_an_address_says_that_the_page_lacks_is_passed_over(explorer, ending):
    other = explorer.page.context.new_page()
    problems = []
    other.on("pageerror", lambda error: problems.append(str(error)))
    other.goto(f"{explorer.page.url.partition('#')[0]}#layer=h2&{ending}")
    wait_for(other, "window.strata && strata.ready")
    assert other.inner_text("#large-0 .layer") == "h2"
    assert other.evaluate("strata.visibleIds()") == explorer.ids
    assert other.locator("#queues [aria-pressed=true]").count() == 0
    code = "strata.visibleIds().map((id) => strata.placeOf(id, 0, null))"
    assert abs(explorer.in_window(0, None, shown=2) - other.evaluate(code)).max() < 1.5
    assert not problems
    other.close()
