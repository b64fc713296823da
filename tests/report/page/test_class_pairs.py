"""The ladder of class pairs: each cell holds its table's value at the layer chosen, and selects its pair."""

import math

import pytest

from tests.report.page.synthetic import CLASSES, LAYERS

TEXTS = "(all) => Object.fromEntries(all.map((each) => [each.dataset.pair, [each.textContent, each.ariaLabel]]))"


def rounded(share):
    return math.floor(100 * share + 0.5)


def separability(run, layer):
    """(class, other class) in both orders -> separability, NaN if not measured."""
    table = run.inputs.measures.pairs
    table = table[table["control"] == "none"][["layer", "class", "other_class", "separability"]]
    found = {}
    for name, first, second, value in table.itertuples(index=False):
        if name == LAYERS[layer]:
            found[first, second] = found[second, first] = value
    return found


def assert_cells(explorer, layer, run=0):
    found = explorer.page.eval_on_selector_all(f"#ladder-{run} button", TEXTS)
    values = separability(explorer.runs[run], layer)
    assert len(found) == len(values) == 100
    for (first, second), value in values.items():
        text, told = found[f"{first} {second}"]
        share = "not measured" if math.isnan(value) else f"{rounded(value)}%"
        assert text == ("–" if math.isnan(value) else str(rounded(value)))
        assert told == (
            f"{LAYERS[layer]}: {share} of the neighbours of class {CLASSES[first]} are of that class"
            if first == second
            else f"{LAYERS[layer]}: classes {CLASSES[first]} and {CLASSES[second]} are {share} apart"
        )


def test_cells_hold_the_values_of_the_layer_chosen(explorer):
    for layer in (*range(7), 0):
        explorer.set_slider(layer, "pair-depth")
        assert explorer.page.inner_text("#pair-layer") == LAYERS[layer]
        assert_cells(explorer, layer)


def test_arrow_keys_choose_the_layer_and_leave_the_maps_alone(explorer):
    explorer.page.focus("#pair-depth")
    explorer.page.keyboard.press("ArrowRight")
    assert_cells(explorer, 1)
    assert explorer.page.inner_text("#large-0 .layer") == "input"


def test_a_cell_that_was_not_measured_says_so(explorer):
    pair = explorer.run.inputs.measures.pairs.iloc[2]
    cell = explorer.page.locator(f"#ladder-0 button[data-pair='{pair['class']} {pair['other_class']}']")
    assert cell.inner_text() == "–" and "not measured" in cell.get_attribute("title")


def test_rows_and_columns_are_named(explorer):
    for scope in ("row", "col"):
        assert explorer.page.locator(f"#ladder-0 th[scope={scope}]").all_inner_texts() == CLASSES


@pytest.mark.parametrize(("first", "second"), [(5, 3), (7, 7)])
def test_a_cell_selects_exactly_the_visible_samples_of_its_pair(explorer, first, second):
    labels = explorer.run.labels
    explorer.page.click(f"#ladder-0 button[data-pair='{first} {second}']")
    pair = [i for i, label in zip(explorer.ids, labels, strict=True) if label in (first, second)]
    assert explorer.selected() == pair
    explorer.assert_overlays_show(pair)
    explorer.click("#only-late", f"#ladder-0 button[data-pair='{first} {second}']", "#only-late")
    late = {i for i, late in zip(explorer.ids, explorer.run.late, strict=True) if late}
    assert explorer.selected() == [i for i in pair if i in late]


def test_a_cell_of_a_hidden_class_selects_the_other_class_only(explorer):
    explorer.click("#classes input[value='2']", "#ladder-0 button[data-pair='2 6']")
    wanted = [i for i, label in zip(explorer.ids, explorer.run.labels, strict=True) if label == 6]
    assert explorer.selected() == wanted


COURSE = """(all) => all.map((button) => ({
  pair: button.dataset.spark,
  told: button.title,
  lines: ["course", "control"].map((name) => button.querySelector(`polyline.${name}`).getAttribute("points")),
  shades: [...button.querySelectorAll("path.shade")].map((path) => path.getAttribute("d").split(/[ML]/).length - 1),
}))"""


def test_each_pairs_course_is_the_tables_beside_the_untrained_networks(explorer):
    table = explorer.run.inputs.measures.pairs
    sparks = explorer.page.eval_on_selector_all("#sparks button", COURSE)
    assert len(sparks) == 45
    for spark in sparks:
        first, second = (int(label) for label in spark["pair"].split())
        of_pair = table[(table["class"] == first) & (table["other_class"] == second)]
        told = []
        for control, points in zip(("none", "untrained"), spark["lines"], strict=True):
            values = of_pair[of_pair["control"] == control].set_index("layer")["separability"].reindex(LAYERS)
            known = [(place, value) for place, value in enumerate(values) if not math.isnan(value)]
            # 84 x 24 pixels, 3 of margin; the scale is from one half to 1, and what is less lies on its lower end.
            wanted = [(3 + place * 13, 21 - 18 * (max(0.5, value) - 0.5) / 0.5) for place, value in known]
            found = [tuple(float(number) for number in point.split(",")) for point in points.split()]
            assert found == [pytest.approx(point, abs=0.051) for point in wanted]
            texts = ("not measured" if math.isnan(value) else f"{rounded(value)}%" for value in values)
            told.append(", ".join(f"{layer} {text}" for layer, text in zip(LAYERS, texts, strict=True)))
        assert spark["told"] == f"{told[0]}; untrained: {told[1]}"
        assert spark["shades"] == [2 * len(LAYERS)] * 2
