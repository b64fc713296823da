"""The first screen: findings drive the maps, the inspector shows what is selected, and all fits without a scroll."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.report.page.synthetic import LAYERS
from tests.report.page.test_address import BRUSH
from tests.report.page.test_maps import ids_where

FITS = """(selector) => [...document.querySelectorAll(selector)].every((each) => {
  const box = each.getBoundingClientRect();
  return box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1;
})"""


def listed(explorer):
    """The ids of the thumbnails in the inspector's list, in order."""
    rows = explorer.page.eval_on_selector_all("#thumbs .thumb", "(all) => all.map((each) => Number(each.dataset.row))")
    return [explorer.ids[row] for row in rows]


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_few_layers_fit_too_and_their_controls_stand_in_one_row(explorer, layers):
    """The small maps of three layers were so large that their names lay below the window."""
    page = explorer.page
    shown = """(count) => {
      document.getElementById("explore").style.setProperty("--layers", count);
      const small = [...document.querySelectorAll(".small > *:not(h3)")];
      small.forEach((each, place) => { each.style.display = place < count ? "" : "none"; });
      return small.length;
    }"""
    try:
        assert page.evaluate(shown, layers) == 7
        explorer.settle()
        low = page.evaluate("document.querySelector('.small').getBoundingClientRect().bottom")
        tops = page.locator("#colour, #reset-view, #play").evaluate_all(
            "(all) => all.map((each) => each.getBoundingClientRect()).map((box) => (box.top + box.bottom) / 2)"
        )
        assert low <= 900 and len(tops) == 3 and max(tops) - min(tops) < 8
    finally:
        page.evaluate(shown, 7)
        explorer.settle()


def test_all_of_the_first_screen_fits_into_1440_by_900(explorer):
    for part in ("#findings", "#classes", "#large-0 .plot", ".small", "#inspector", "#queues", "#thumbs", "#depth"):
        assert explorer.page.evaluate(FITS, part), part
    boxes = [explorer.box(0, layer, scroll=False) for layer in range(7)]
    assert len({round(box["y"]) for box in boxes}) == 1
    slider = explorer.page.locator("#depth").bounding_box()
    middles = [box["x"] + box["width"] / 2 for box in boxes]
    assert slider["x"] + 8 == pytest.approx(middles[0], abs=3)
    assert slider["x"] + slider["width"] - 8 == pytest.approx(middles[-1], abs=3)


def test_a_finding_drives_the_maps_and_says_how_sure_it_is(explorer):
    page, told = explorer.page, explorer.run.payload()["headlines"]
    assert page.locator("#findings button").all_inner_texts() == [each["sentence"] for each in told]
    for each in told:
        page.click(f"#findings button[data-key={each['key']}]")
        explorer.settle()
        assert page.input_value("#colour") == each["colour"]
        assert page.inner_text("#large-0 .layer") == each["layer"]
        wrong = explorer.run.labels != explorer.run.predicted
        fits = wrong if each["kept"] == "wrong" else np.isin(explorer.run.labels, each["classes"])
        assert explorer.selected() == ids_where(explorer, fits)
        page.click(f"#findings li:has([data-key={each['key']}]) summary")
        assert page.inner_text(f"#findings li:has([data-key={each['key']}]) p") == each["sure"]


def test_a_layer_is_explained_where_it_stands(explorer):
    explorer.set_slider(3)
    assert explorer.page.inner_text("#about") == "4 maps of 2 × 2"
    assert explorer.page.get_attribute("#depth", "aria-valuetext") == "h3: 4 maps of 2 × 2"


def test_one_sample_has_the_votes_and_true_neighbours_of_every_layer_with_other_labels_marked(explorer):
    run = explorer.run
    row = next(row for row, commit in enumerate(run.commit) if commit is not None)
    explorer.select([explorer.ids[row]])
    lines = explorer.page.locator(".votes tr")
    assert lines.locator("th").all_inner_texts() == LAYERS
    for layer in range(7):
        thumbs = lines.nth(layer).locator(".thumb")
        rows = thumbs.evaluate_all("(all) => all.map((each) => Number(each.dataset.row))")
        assert [explorer.ids[other] for other in rows] == run.neighbours[layer][explorer.ids[row]]
        marked = thumbs.evaluate_all("(all) => all.map((each) => each.classList.contains('false'))")
        assert marked == [bool(run.labels[other] != run.labels[row]) for other in rows]
    explorer.page.click("#like")
    nearest = {explorer.ids[row], *run.neighbours[0][explorer.ids[row]]}
    assert set(explorer.selected()) == nearest


def test_histograms_filter_and_cross(explorer):
    run, page = explorer.run, explorer.page
    page.click("#more")
    page.evaluate(BRUSH, ["confidence-low", 0.7])
    explorer.settle()
    assert explorer.visible() == ids_where(explorer, run.confidence >= 0.7 - 1e-6)
    page.evaluate(BRUSH, ["commit-high", 2])
    commits = np.array([99 if commit is None else commit for commit in run.commit])
    assert explorer.visible() == ids_where(explorer, (run.confidence >= 0.7 - 1e-6) & (commits <= 2))
    page.click("#reset-filters")
    assert explorer.visible() == explorer.ids


def test_select_all_shown_and_escape_clears(explorer):
    explorer.page.uncheck("#classes input[value='0']")
    explorer.page.click("#select-shown")
    assert explorer.selected() == ids_where(explorer, explorer.run.labels != 0)
    explorer.page.keyboard.press("Escape")
    assert explorer.selected() == []


def test_arrow_keys_walk_on_the_large_map_and_enter_selects(explorer):
    explorer.page.focus("#large-0 .plot")
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.keyboard.press("Enter")
    first = explorer.selected()
    explorer.page.keyboard.press("ArrowUp")
    explorer.page.keyboard.press("Enter")
    assert len(first) == len(explorer.selected()) == 1 and first != explorer.selected()
    places = explorer.run.places[0]
    low, high = (places[explorer.ids.index(each[0])] for each in (first, explorer.selected()))
    assert high[1] > low[1]


def test_each_thumbnail_shows_its_samples_image(explorer):
    explorer.select(explorer.ids[100:103])
    explorer.settle()
    pictures = explorer.page.locator("#thumbs .thumb .small-image")
    rows = explorer.page.eval_on_selector_all("#thumbs .thumb", "(all) => all.map((each) => Number(each.dataset.row))")
    assert sorted(rows) == [100, 101, 102]
    for place, row in enumerate(rows):
        content = io.BytesIO(pictures.nth(place).screenshot())
        seen = np.asarray(Image.open(content).convert("L").resize((16, 16), Image.Resampling.BOX)).astype(float)
        images = explorer.run.inputs.images[explorer.run.rows].reshape(len(explorer.ids), -1)
        alike = [np.corrcoef(seen.ravel(), image)[0, 1] for image in images]
        assert np.argmax(alike) == row and alike[row] > 0.5
