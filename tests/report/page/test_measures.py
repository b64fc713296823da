"""What each layer knows, how alike layers are, training: charts are there and say in words what they show."""

import math

import pytest

from strata.artifacts.measure_registry import Interval
from strata.measures.registry import MEASURES, REGISTRY
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS
from tests.report.page.synthetic import LAYERS, MARKUP

TITLES = {panel.title: [measure.key for measure in REGISTRY.shown_in(panel)] for panel in REGISTRY.panels}
OF_CONTROLS = [place for place, panel in enumerate(REGISTRY.panels) if panel.lines == "controls"]
OF_MAP = list(TITLES).index("The map against its layer")
CHARTS = len(TITLES) + 2  # and two of training
MEASURE = {measure.key: measure for measure in MEASURES}
# Places and looks of a chart's lines, and the bands below them.
LINES = """(place) => {
  const array = (values) => Array.from(values, Number);
  const { lines, bands } = strata.charts.filter((each) => each.place !== "difference-charts")[place];
  return {
    lines: lines.map(([x, y, colour]) => [array(x), array(y), colour]),
    bands: bands.map(([low, high]) => [array(low), array(high)]),
  };
}"""
# The number of marks that a chart has inked: the points of its lines.
DRAWN = (
    "(area) => [...area.querySelectorAll('path.line')].reduce((sum, line) => sum + line.getAttribute('d').length, 0)"
)


def in_words(run, measure):
    table = run.inputs.measures.table
    chosen = table[(table["measure"] == measure) & (table["control"] == "none")]
    values = [f"{layer} {value}" for layer, value in zip(chosen["layer"], chosen["value"], strict=True)]
    return f"{MEASURE[measure].title}, trained network: {', '.join(values)}"


def test_each_measure_has_a_chart_that_says_its_values(explorer):
    charts = explorer.page.locator("#measure-charts .chart")
    assert charts.locator("h3").all_inner_texts() == list(TITLES)
    for place, measures in enumerate(TITLES.values()):
        area = charts.nth(place).locator(".area")
        assert area.get_attribute("aria-label") == ". ".join(in_words(explorer.run, each) for each in measures)
        assert area.evaluate(DRAWN) > 30
        note = charts.nth(place).locator(".hint").all_inner_texts()
        assert note == ([MEASURE[measures[0]].meaning] if place in OF_CONTROLS else [])
    names = charts.nth(OF_MAP).locator(".key > span").all_inner_texts()
    assert names == ["kNN recall", "trustworthiness", "continuity", "neighbourhood hit"]
    assert "Hatched: the range over networks" in explorer.page.inner_text("#measure-key")
    key = explorer.page.locator("#measure-key .key > span").all_inner_texts()
    assert key == ["trained network", "untrained twin", "random projection of the input", "shuffled labels"]


def values_of(run, measure, control, column="value"):
    table = run.inputs.measures.table
    return table[(table["measure"] == measure) & (table["control"] == control)][column].tolist()


@pytest.mark.parametrize("place", OF_CONTROLS)
def test_a_measures_chart_has_the_values_of_the_network_and_its_controls_with_their_bands(explorer, place):
    measure = next(iter(list(TITLES.values())[place]))
    found = explorer.page.evaluate(LINES, place)
    controls = ["untrained", "random projection", "shuffled labels", "none"]
    assert [values for _, values, _ in found["lines"]] == [values_of(explorer.run, measure, each) for each in controls]
    assert [colour for _, _, colour in found["lines"]] == [CONTROL_LOOKS[each].colour for each in controls]
    assert all(x == list(range(len(values))) for x, values, _ in found["lines"])
    bands = [[values_of(explorer.run, measure, each, end) for end in ("low", "high")] for each in controls]
    values = explorer.run.inputs.measures.networks.groupby(["measure", "layer"], sort=False)["value"]
    networks = [getattr(values, end)()[measure].tolist() for end in ("min", "max")]  # behind the others
    assert found["bands"] == [networks, *([] if MEASURE[measure].interval == Interval.NONE else bands)]


def test_the_maps_chart_and_those_of_training_have_their_values(explorer):
    lines = explorer.page.evaluate(LINES, OF_MAP)["lines"]
    assert [values for _, values, _ in lines] == [
        values_of(explorer.run, each, "none") for each in list(TITLES.values())[OF_MAP]
    ]
    assert [colour for _, _, colour in lines] == [look.colour for look in MEASURE_LOOKS[:4]]
    batches, epochs = explorer.run.inputs.batches, explorer.run.inputs.epochs
    for place, name in ((CHARTS - 2, "loss"), (CHARTS - 1, "accuracy")):
        lines = explorer.page.evaluate(LINES, place)["lines"]
        found = [(x, values) for x, values, _ in lines]
        wanted = [(batches, f"train_{name}"), (epochs, f"test_{name}")]
        assert found == [(table["epoch"].tolist(), table[column].tolist()) for table, column in wanted]


def test_training_has_charts_that_say_how_it_ended(explorer):
    charts = explorer.page.locator("#training-charts .chart")
    assert charts.locator("h3").all_inner_texts() == ["Loss", "Accuracy"]
    for place, name in enumerate(("loss", "accuracy")):
        last = explorer.run.inputs.epochs[f"test_{name}"].iloc[-1]
        area = charts.nth(place).locator(".area")
        assert area.get_attribute("aria-label").endswith(f"at the end: {last}")
        assert f"(at the end {last})" in charts.nth(place).locator(".hint").inner_text()
        assert area.evaluate(DRAWN) > 30


@pytest.mark.parametrize(("place", "control"), [(0, "none"), (1, "untrained")])
def test_likeness_of_layers_is_that_of_the_table(explorer, place, control):
    cka = explorer.run.inputs.measures.cka
    lines = explorer.page.locator(f"#cka > div:nth-child({place + 1}) tbody tr").all_inner_texts()
    for layer, line in zip(LAYERS, lines, strict=True):
        values = cka[(cka["layer"] == layer) & (cka["control"] == control)]["value"]
        assert line.split() == [layer, *("–" if math.isnan(value) else f"{value:.2f}" for value in values)]
    assert explorer.page.locator("#cka caption").all_inner_texts() == ["trained network", "untrained twin"]


def test_sections_figures_and_facts_are_there(explorer):
    links = explorer.page.eval_on_selector_all("nav a", "(all) => all.map((each) => each.getAttribute('href'))")
    for link in links:
        assert explorer.page.locator(link).count() == 1
    assert "#figures" in links
    assert (
        explorer.page.eval_on_selector("#figures img", "(image) => image.decode().then(() => image.naturalWidth)") == 16
    )
    assert explorer.page.locator("#run .facts td").all_inner_texts() == [f"made up {MARKUP}", "x" * 150]
    captions = [explorer.page.inner_text(f"#map-0-{layer} figcaption").split() for layer in (0, 5)]
    assert captions == [["input", "1", "×", "16", "×", "16"], ["h5", "8"]]
