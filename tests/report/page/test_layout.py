"""Themes, narrow and wide windows, and paper."""

import numpy as np
import pytest

from tests.report.page.reader import wait_for

DARK, WHITE = "rgb(20, 23, 27)", "rgb(255, 255, 255)"
LAID_OUT = """() => [...document.querySelectorAll(".plot")].every((plot) => {
  const overlay = plot.querySelector("canvas.overlay");
  return overlay.width === plot.clientWidth && overlay.height === plot.clientHeight;
})"""

# What is cut, or lies beyond the right edge.
CUT = """() => [...document.body.querySelectorAll("*")].filter((each) => {
  if (!each.checkVisibility() || !each.clientWidth || each.matches("svg *, option, canvas")) return false;
  const cuts = getComputedStyle(each).overflowX !== "visible"
    && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1);
  return cuts || each.getBoundingClientRect().right > innerWidth + 1;
}).map((each) => `${each.tagName} ${each.id} ${each.className} ${each.textContent.trim().slice(0, 40)}`)"""


def background(explorer):
    return explorer.page.evaluate("getComputedStyle(document.body).backgroundColor")


def resize(explorer, width, height):
    explorer.page.set_viewport_size({"width": width, "height": height})
    explorer.settle()
    explorer.page.wait_for_timeout(150)
    explorer.select(explorer.selected())
    wait_for(explorer.page, LAID_OUT)


def test_the_button_changes_the_theme_also_of_the_maps(explorer):
    page = explorer.page
    explorer.select(explorer.ids[:20])
    for theme, ground, veil, text in (("light", WHITE, 255, "Dark"), ("dark", DARK, (20, 23, 27), "Light")) * 2:
        assert page.get_attribute("html", "data-theme") == theme
        assert background(explorer) == ground
        assert page.inner_text("#theme") == text
        assert page.get_attribute("#theme", "aria-pressed") == str(theme == "dark").lower()
        for layer in (None, 3):
            apart = explorer.apart(0, layer)[20:]
            under = explorer.overlay_at(0, layer, explorer.inside_map(0, layer)[20:])[apart]
            assert set(under[:, 3].tolist()) == {199}
            np.testing.assert_allclose(under[:, :3] - np.array(veil), 0, atol=1)
        page.click("#theme")
        explorer.settle()


def test_who_likes_it_dark_gets_it_dark_at_first(explorer, compared):
    assert explorer.theme_at_start == "dark"
    assert compared.theme_at_start == "light"


@pytest.mark.parametrize("kind", ["explorer", "compared"])
def test_the_page_never_scrolls_sideways(kind, request):
    reader = request.getfixturevalue(kind)
    reader.select(reader.ids[:40])
    reader.wait_for_table()
    for width, height in ((1440, 900), (390, 844)):
        resize(reader, width, height)
        assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_maps_work_on_a_small_screen(explorer):
    width, height = 390, 844
    resize(explorer, width, height)
    for layer in (None, 0, 6):
        wanted = explorer.in_window(0, layer)
        told = explorer.page.evaluate("(layer) => strata.visibleIds().map((id) => strata.placeOf(id, 0, layer))", layer)
        np.testing.assert_allclose(told, wanted, atol=2)
    explorer.page.mouse.click(*explorer.in_window(0, None)[33])
    assert explorer.selected() == [explorer.ids[33]]
    explorer.select(explorer.ids[:20])
    explorer.assert_overlays_show(explorer.ids[:20])
    explorer.page.mouse.move(*explorer.in_window(0, None)[50])
    explorer.settle()
    box = explorer.page.locator("#tooltip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] >= 0 and box["y"] + box["height"] <= height


def test_paper_has_the_maps_but_no_controls(explorer):
    page = explorer.page
    explorer.emulate(media="print")
    for hidden in ("nav", "#controls", "#status", "#play", "#selection", "#inspector", ".skip", "#tooltip"):
        assert page.is_hidden(hidden), hidden
    for run, layer in explorer.maps:
        assert page.locator(f"{explorer.plot(run, layer)} canvas").first.is_visible()
        assert page.locator(explorer.plot(run, layer)).bounding_box()["width"] > (300 if layer is None else 60)
    for shown in ("h1", "#findings", "#classes", "#sparks", "#measure-charts", "#cka", "#run .facts"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("kind", ["explorer", "compared"])
@pytest.mark.parametrize("width", [718, 794, 1047])  # A4 with margins, without, and across
def test_paper_cuts_nothing(kind, width, request):
    reader = request.getfixturevalue(kind)
    reader.emulate(media="print")
    resize(reader, width, 1123)
    assert reader.page.evaluate(CUT) == []


def test_paper_has_fine_maps_and_how_sure_each_finding_is(explorer):
    page = explorer.page
    sure = [each["sure"] for each in explorer.run.payload()["headlines"]]
    sizes = "[...document.querySelectorAll('.plot')].map((each) => each.firstChild.width / each.clientWidth)"
    assert page.locator("#findings details[open]").count() == 0
    page.click("#findings summary >> nth=1")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#findings details[open] p").all_inner_texts() == sure
    assert page.evaluate(sizes) == [4] * 8
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    explorer.settle()
    assert page.locator("#findings details[open] p").all_inner_texts() == sure[1:2]
    assert page.evaluate(sizes) == [1] * 8


def test_a_tap_on_a_phone_shows_the_samples_card(browser, page_path, runs):
    window = {"width": 390, "height": 844}
    with browser.new_context(viewport=window, has_touch=True, is_mobile=True, offline=True) as context:
        page = context.new_page()
        page.goto(page_path.as_uri())
        wait_for(page, "window.strata && strata.chartsReady", seconds=30)
        page.click("#more")
        page.uncheck("#show-names")
        page.click("#more")
        sample = int(runs[0].ids[20])
        page.locator("#large-0 .plot").scroll_into_view_if_needed()
        x, y = page.evaluate("(id) => strata.placeOf(id, 0, null)", sample)
        page.touchscreen.tap(x, y)
        page.wait_for_timeout(100)
        assert page.evaluate("strata.selectedIds()") == [sample]
        assert page.inner_text("#tooltip dd >> nth=0") == str(sample)
        box = page.locator("#tooltip").bounding_box()
        assert box["x"] >= 0 and box["y"] + box["height"] <= window["height"]
