"""The page of two runs: the maps of both, one selection across them, the differences, and each run's predictions."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.report.page.reader import WINDOW
from tests.report.page.synthetic import CLASSES, COLOURS, DIFFERENCES, LAYERS, MARKUP, NAMES, PARAMS
from tests.report.page.test_class_pairs import assert_cells
from tests.report.page.test_hover import AROUND, card_text, percent, told
from tests.report.page.test_maps import NOTCHED, ids_where, shape_between
from tests.report.page.test_measures import DRAWN, LINES, TITLES, in_words, values_of


def test_both_runs_have_all_their_maps(compared):
    page = compared.page
    assert page.locator(".map").count() == len(compared.maps) == 16
    assert page.locator(".small > h3").all_inner_texts() == [f"A: {NAMES[0]}", f"B: {NAMES[1]}"]
    for run in (0, 1):
        assert page.locator(f"[id^=map-{run}-] strong").all_inner_texts() == LAYERS
        assert page.inner_text(f"#large-{run} figcaption").split("\n")[-1].endswith(f"{'AB'[run]}: {NAMES[run]}")
        for layer in (None, 0, 6):
            wanted = compared.in_window(run, layer)
            code = "([run, layer]) => strata.visibleIds().map((id) => strata.placeOf(id, run, layer))"
            np.testing.assert_allclose(page.evaluate(code, [run, layer]), wanted, atol=2)


@pytest.mark.parametrize(("run", "layer"), [(0, 3), (1, None)])
def test_a_lasso_in_one_runs_map_selects_the_same_samples_in_all_maps_of_both(compared, run, layer):
    corners, inside = shape_between(compared.in_window(run, layer), NOTCHED)
    compared.drag(corners)
    assert compared.selected() == ids_where(compared, inside)
    compared.assert_overlays_show(compared.selected())


def test_one_slider_moves_the_large_maps_of_both(compared):
    compared.set_slider(2)
    for run in (0, 1):
        found = compared.page.evaluate("(run) => Array.from(strata.largeMap(run).x)", run)
        np.testing.assert_array_equal(np.float32(found), compared.runs[run].places[2][:, 0])
        assert compared.page.inner_text(f"#large-{run} .layer") == "h2"


def test_the_prediction_colours_each_run_by_its_own(compared):
    compared.page.select_option("#colour", "predicted")
    for run in (0, 1):
        found = compared.page.evaluate("(run) => Array.from(strata.largeMap(run).colour)", run)
        assert found == [COLOURS[predicted] for predicted in compared.runs[run].predicted]


def test_a_filter_shows_what_fits_in_either_run(compared):
    first, second = compared.runs
    wrong = (first.labels != first.predicted) | (second.labels != second.predicted)
    doubtful = [run.fields["false_neighbours"] >= 0.5 for run in (first, second)]
    for box, fits in (
        ("wrong", wrong),
        ("late", first.late | second.late),
        ("doubtful", doubtful[0][0] | doubtful[1][0]),
    ):
        compared.click(f"#only-{box}")
        assert compared.visible() == ids_where(compared, fits)
        compared.click(f"#only-{box}")


def test_the_card_tells_of_both_runs_and_rings_are_each_runs_own_neighbours(compared):
    first, second = compared.runs
    row = next(
        row
        for row in range(30, 200)
        if first.predicted[row] != second.predicted[row] and all(run.commit[row] is not None for run in compared.runs)
    )
    for run, layer in ((0, 3), (1, 3), (1, 6), (0, 6)):
        compared.page.mouse.move(*compared.in_window(run, layer)[row])
        compared.settle()
        one = [card_text(each, row, layer) for each in compared.runs]
        spot = f"spot at {LAYERS[layer]}"
        assert told(compared, "#tooltip") == {
            "sample": one[0]["sample"],
            "label": one[0]["label"],
            "prediction A": one[0]["prediction"],
            "commit layer A": one[0]["commit layer"],
            "prediction B": one[1]["prediction"],
            "commit layer B": one[1]["commit layer"],
            spot: one[run][spot],
        }
    for run, layer in compared.maps:
        radius = (3.4 if layer is not None else 6) * (1000 / 200) ** 0.22 / 2 + 1.5
        places = compared.inside_map(run, layer)
        rings = (compared.overlay_at(run, layer, places[:, None] + radius * AROUND, "marks")[..., 3] > 0).all(axis=1)
        neighbours = compared.runs[run].neighbours[6][compared.ids[row]]
        assert set(ids_where(compared, rings)) - {compared.ids[row]} == set(neighbours)


def test_what_differs_is_told(compared):
    cells = [
        line.split("\t")
        for line in compared.page.locator("#differences tr").evaluate_all(
            "(all) => all.map((line) => [...line.cells].map((cell) => cell.textContent).join('\\t'))"
        )
    ]
    assert cells == [["parameter", f"A: {NAMES[0]}", f"B: {NAMES[1]}"], *map(list, DIFFERENCES)]
    assert compared.page.locator("#differences i").count() == 0


def test_the_first_screen_shows_all_maps_and_the_inspector_without_scrolling(compared):
    bottoms = "(all) => all.map((each) => each.getBoundingClientRect().bottom)"
    assert max(compared.page.eval_on_selector_all(".map, #inspector", bottoms)) <= WINDOW["height"]
    assert compared.page.evaluate("scrollY") == 0
    told = compared.page.inner_text(".differences summary")
    assert told == "What differs: " + "; ".join(f"{name} {first} → {second}" for name, first, second in DIFFERENCES)


def test_the_table_has_columns_for_both_runs(compared):
    chosen = range(20, 40)
    compared.select([compared.ids[row] for row in chosen])
    compared.wait_for_table()

    def cells(row):
        found = [str(compared.ids[row]), CLASSES[compared.run.labels[row]]]
        for run in compared.runs:
            commit = run.commit[row]
            where = "not measured" if commit is None else [*LAYERS, "after h6"][commit]
            found += [CLASSES[run.predicted[row]], percent(float(run.confidence[row])), where]
        return found

    heads = compared.page.locator("#selection thead th").all_inner_texts()
    runs = [f"{name} {side}" for side in "AB" for name in ("prediction", "confidence", "commits")]
    assert heads == ["image", "id ▲", "label", *runs]
    compared.page.click("#selection thead button:text-is('confidence B')")
    rows = sorted(chosen, key=lambda row: compared.runs[1].confidence[row])
    lines = compared.page.locator("#selection tbody tr").all_inner_texts()
    assert [line.split("\t")[1:] for line in lines] == [cells(row) for row in rows]
    assert compared.page.evaluate("document.activeElement.textContent") == "confidence B ▲"
    with compared.page.expect_download() as caught:
        compared.page.click("#download")
    text = Path(caught.value.path()).read_text(encoding="utf-8").splitlines()
    assert text[0] == "id,label," + ",".join(name.replace(" ", "_") for name in runs)
    assert [line.split(",")[0] for line in text[1:]] == [str(compared.ids[row]) for row in rows]


def test_pairs_of_classes_are_there_for_both_runs_and_move_together(compared):
    for layer in (0, 4):
        compared.set_slider(layer, "pair-depth")
        for run in (0, 1):
            assert_cells(compared, layer, run)
    captions = compared.page.locator("#pairs caption").all_inner_texts()
    assert captions == [f"A: {NAMES[0]}", f"B: {NAMES[1]}"]
    compared.page.click("#ladder-1 button[data-pair='3 1']")
    assert compared.selected() == ids_where(compared, np.isin(compared.run.labels, (1, 3)))


def test_measures_likeness_training_and_facts_are_there_for_both_runs(compared):
    page = compared.page
    charts = page.locator("#measure-charts .chart")
    assert charts.locator("h3").all_inner_texts() == list(TITLES)
    for place, measures in enumerate(TITLES.values()):
        area = charts.nth(place).locator(".area")
        assert in_words(compared.run, measures[0]) in area.get_attribute("aria-label")
        assert area.evaluate(DRAWN) > 30
        lines = [values for _, values, _ in page.evaluate(LINES, place)["lines"]]
        for run in compared.runs:
            assert all(values_of(run, measure, "none") in lines for measure in measures)
    assert f"Solid: A, {NAMES[0]}. Dashed: B, {NAMES[1]}." in page.inner_text("#measures")
    assert page.locator("#cka caption").all_inner_texts() == [f"A: {NAMES[0]}", f"B: {NAMES[1]}"]
    for place, run in enumerate(compared.runs):
        cka = run.inputs.measures.cka
        values = cka[(cka["layer"] == "h2") & (cka["control"] == "none")]["value"]
        line = page.locator(f"#cka > div:nth-child({place + 1}) tbody tr").nth(2).inner_text()
        assert line.split() == ["h2", *("–" if math.isnan(value) else f"{value:.2f}" for value in values)]
    last = [run.inputs.epochs["test_loss"].iloc[-1] for run in compared.runs]
    assert f"at the end {last[0]} and {last[1]}" in page.locator("#training-charts .hint").first.inner_text()
    assert page.locator("#run h3").all_inner_texts() == [f"A: {NAMES[0]}", f"B: {NAMES[1]}"]
    assert page.locator("#run .facts tr:first-child td").all_inner_texts() == [f"made up {MARKUP}"] * 2
    assert [text.strip() for text in page.locator("#run pre").all_text_contents()] == [PARAMS.strip()] * 2
    assert page.locator("#figures").count() == 0
