"""Plots in dvc.yaml and the page of measures: as the tool writes them from the registry, which holds every measure."""

import yaml

from strata.artifacts.measure_registry import Interval, MeasureEntry, MeasureRegistry, Panel
from strata.artifacts.needs import Need
from strata.measures.registry import MEASURES, PANELS, REGISTRY
from tests.tiny_pipeline import ROOT
from tools.measure_documents import PAGE, PIPELINE, measures_page, with_current_plots

TEXTS = {
    "title": "size",
    "unit": "m",
    "interval": Interval.MEAN,
    "meaning": "How long.",
    "source": "own",
    "not_shown": "More.",
}
TWO = MeasureRegistry(
    measures=(
        MeasureEntry(key="a", panel="p", **TEXTS),
        MeasureEntry(key="b", panel="p", **TEXTS),
        MeasureEntry(key="c", panel="q", needs=(Need.LABELS, Need.MAP), **TEXTS),
        MeasureEntry(key="d", **TEXTS),
    ),
    panels=(Panel(key="q", title="Q: x", axis="#1"), Panel(key="p", title="P", axis="metres", lines="measures")),
)


def test_the_plots_of_panels_are_written_anew_and_nothing_else_changes():
    stages = "# words\n\nstages:\n  one:\n    plots:\n    - reports/measures_by_layer.csv: {cache: false}\n\n"
    loss = "- loss:\n    x: epoch\n    y: {reports/epochs.csv: [train_loss, \n          test_loss]}\n"
    old = "- old:\n    x: depth\n    y: {reports/measures_by_layer.csv: [a, b]}\n"
    text = with_current_plots(f"{stages}plots:\n{old}{loss}- reports/a.png\n{old}", TWO)
    assert text.startswith(f"{stages}plots:\n{loss}- ") and text.endswith("\n- reports/a.png\n")
    common = {"x": "depth", "x_label": "layer, counted from the input"}
    assert yaml.safe_load(text)["plots"][1:3] == [
        {"Q: x": {"title": "Q: x", "y": {"reports/measures_by_layer.csv": "c"}, "y_label": "#1", **common}},
        {"P": {"title": "P", "y": {"reports/measures_by_layer.csv": ["a", "b"]}, "y_label": "metres", **common}},
    ]
    assert with_current_plots(text, TWO) == text


def test_the_page_has_a_row_for_every_measure():
    table = measures_page(TWO).splitlines()[-4:]
    interval = "normal interval of the mean over the points"
    assert table[0] == f"| size `a` | How long. | More. | m | {interval} | – | own |"
    assert table[2] == f"| size `c` | How long. | More. | m | {interval} | labels, the layer's map | own |"


def test_dvc_yaml_is_as_the_tool_writes_it():
    text = PIPELINE.read_text(encoding="utf-8")
    assert with_current_plots(text, REGISTRY) == text, "run `make deps`"
    plots = yaml.safe_load(text)["plots"]
    assert [title for plot in plots if isinstance(plot, dict) for title in plot][-len(PANELS) :] == [
        panel.title for panel in PANELS
    ]


def test_the_page_is_as_the_tool_writes_it():
    text = PAGE.read_text(encoding="utf-8")
    assert text == measures_page(REGISTRY), "run `make deps`"
    assert [one.key for one in MEASURES if f"`{one.key}`" in text] == [one.key for one in MEASURES]
    assert "docs/measures.md" in (ROOT / "README.md").read_text(encoding="utf-8")
