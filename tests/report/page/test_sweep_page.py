"""The page of several runs: a chart of each measure with a line per run, and maps of the first two."""

import math

import pytest

from tests.report.page.conftest import checked, opened
from tests.report.page.synthetic import LAYERS, make_run, write_page

NAMES = ("base", "wide", "<i>slow</i>", "wide-again")


@pytest.fixture(scope="module")
def shared(browser, tmp_path_factory):
    runs = [make_run(seed) for seed in (0, 1, 2, 1)]
    path = write_page(tmp_path_factory.mktemp("sweep") / "sweep.html", dict(zip(NAMES, runs, strict=True)))
    with opened(browser, path, runs, "light") as explorer:
        yield explorer


@pytest.fixture
def sweep(shared):
    yield from checked(shared)


def drawn(sweep):
    return [chart for chart in sweep.page.evaluate("strata.charts") if chart["place"] == "sweep-charts"]


def test_each_measure_is_a_chart_with_the_tables_values_of_each_run(sweep):
    registry = sweep.run.inputs.registry
    measures = [(panel, measure) for panel in registry.panels for measure in registry.shown_in(panel)]
    titles = sweep.page.locator("#sweep-charts h3").all_inner_texts()
    assert titles == [
        title if title.startswith("kNN") else title[0].upper() + title[1:]
        for title in (panel.title if panel.lines == "controls" else measure.title for panel, measure in measures)
    ]
    found = drawn(sweep)
    assert len(found) == len(measures)
    for chart, (_, measure) in zip(found, measures, strict=True):
        lines = [(values, colour) for _, values, colour in chart["lines"]]
        table = [run.inputs.measures.table for run in sweep.runs]
        of = [each[each["measure"] == measure.key] for each in table]
        trained = [each[each["control"] == "none"]["value"].tolist() for each in of]
        twins = [each[each["control"] == "untrained"]["value"].tolist() for each in of]
        # B and D are the same, so they share a line, and all grey lines are the untrained networks of A, B and C.
        assert [values for values, colour in lines if colour != "#9aa0a6"] == trained[:3]
        assert [values for values, colour in lines if colour == "#9aa0a6"] == twins[:3]


def test_lines_have_their_letters_and_whiskers_their_intervals(sweep):
    first = sweep.page.locator("#sweep-charts .chart").first
    assert sorted(first.locator("text[data-run]").all_text_contents()) == ["A", "BD", "C"]
    assert first.locator("path.whiskers").count() == 3
    moves = first.locator("path.whiskers").first.get_attribute("d").count("M")
    assert moves == len(LAYERS)
    places = [float(text.get_attribute("y")) for text in first.locator("text[data-run], text.soft[x]").all()[1:]]
    assert min(abs(a - b) for i, a in enumerate(places) for b in places[:i]) >= 10.9


def test_the_key_names_the_runs_and_says_which_are_identical(sweep):
    buttons = sweep.page.locator("#sweep-key button")
    last = [run.inputs.epochs["test_accuracy"].iloc[-1] for run in sweep.runs]
    told = [
        f"{letter}: {name} accuracy {100 * each:.2f}%" for letter, name, each in zip("ABCD", NAMES, last, strict=True)
    ]
    told[3] += "; identical to B in every prediction, map and measure"
    assert [" ".join(text.split()) for text in buttons.all_inner_texts()] == told
    heads = sweep.page.locator("#differences thead th").all_inner_texts()
    assert heads == ["parameter", *(f"{letter}: {name}" for letter, name in zip("ABCD", NAMES, strict=True))]
    assert sweep.page.locator("#sweep i").count() == 0


def test_a_click_on_a_run_leaves_only_its_lines_bright(sweep):
    faint = "() => [...document.querySelectorAll('#sweep-charts .chart:first-child g')].map((g) => g.matches('.faint'))"
    sweep.click("#sweep-key [data-run=D]")
    assert sweep.page.evaluate(faint) == [True, False, True]
    assert sweep.page.get_attribute("#sweep-key [data-run=D]", "aria-pressed") == "true"
    sweep.click("#sweep-key [data-run=D]")
    assert sweep.page.evaluate(faint) == [False] * 3


def test_what_differs_from_the_first_is_said_in_words(sweep):
    payload = sweep.page.evaluate("JSON.parse(document.getElementById('payload').textContent).sweep")
    notes = sweep.page.locator("#sweep-charts .chart").first.locator(".hint").all_inner_texts()
    clear = payload["charts"][0]["clear"]
    assert notes[0].startswith("Clearly differs from A: B at ")
    # Every layer that is clear is named, at least as an end of a stretch of layers.
    told = notes[0].split("; ")[0].removeprefix("Clearly differs from A: B at ").split(", ")
    named = [
        layer
        for part in told
        for layer in (
            LAYERS[LAYERS.index(part.split(" to ")[0]) : LAYERS.index(part.split(" to ")[-1]) + 1]
            if part != "all layers"
            else LAYERS
        )
    ]
    assert named == clear[1]
    assert notes[1] == payload["charts"][0]["meaning"]


def test_the_maps_are_those_of_the_first_two_and_all_works(sweep):
    assert sweep.page.locator(".large .map").count() == 2
    for run in (0, 1):
        assert sweep.page.inner_text(f"#large-{run} figcaption").split("\n")[-1].endswith(f"{'AB'[run]}: {NAMES[run]}")
    values = sweep.page.locator("#sweep-charts .area").first.get_attribute("aria-label")
    table = sweep.run.inputs.measures.table
    hit = table[(table["measure"] == "neighbourhood_hit") & (table["control"] == "none")]["value"].tolist()
    assert ", ".join(f"{layer} {value}" for layer, value in zip(LAYERS, hit, strict=True)) in values
    assert not any(math.isnan(value) for value in hit)
    assert sweep.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
