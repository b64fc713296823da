"""Writes what documents say about the measures, from the registry: plots by depth in dvc.yaml, and docs/measures.md.

python -m tools.measure_documents    # make deps
"""

import re
from pathlib import Path

from dvc.utils.serialize import dumps_yaml

from strata.artifacts.measure_registry import MeasureEntry, MeasureRegistry, Panel
from strata.measures.registry import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
PIPELINE, PAGE = ROOT / "dvc.yaml", ROOT / "docs/measures.md"
BY_LAYER = "reports/measures_by_layer.csv"
X_LABEL = "layer, counted from the input"
HEAD = """# The measures

This page lists every scalar measure of a layer, in the order of `reports/measures.csv`. Each is one row of
`strata/measures/registry.py`, from which `make deps` writes this page. CKA, stability and the measurements of single
samples have their own tables.

Shuffled labels are used only for measures that need labels. Measures that need a map are taken for the trained network
only. Measures that need neither the map, nor the next layer, nor all pairs of points are also taken over training.

## What the intervals say

A 95% interval is about other samples of the same size from the same source, for the network as it is trained and the
map as it is drawn. It says nothing about networks from other seeds, nor about other maps. [coverage.md](coverage.md)
shows how often the intervals hold, on data whose truth is known.

- *By each point's influence*: a point counts through its own score and through every score in which it is a neighbour.
  Both are added up before the spread over the points is taken. Where neighbours are counted, the truth is that for the
  same number of points: with more points, neighbours lie nearer.
- *Normal interval of the mean*: used where a score depends on its own point alone.
- *Wilson's*: the readers are taken as fitted. Other training images would give other readers; that is left out.
- *Differences between halves*: estimates from two random halves that share no point are independent. An intrinsic
  dimension is that at the scale of the nearest neighbours of the same number of points.
- The participation ratio is estimated without bias: its truth is that of the source, whatever the number of points. By
  chance it can exceed the number of units.
- Neural collapse has influences that are derivatives by the distribution of each class. The probe's weights are taken
  as fitted.
- *None*: points dropped as duplicates and dead units are counts of these very points. Spearman's correlation and the KL
  divergence have no interval, because none was tried; effective rank and spectrum exponent, because those that were
  tried do not hold in wide layers.

## What some of them depend on

- Neural collapse is that of the measured points, not of the training images, as in the paper. All classes count alike.
  NC1 looks only at the span of the class means, which has at most one dimension less than there are classes, so layers
  may have more units than points. In the ten outputs one direction is nearly fixed by the others, and weighs as much.
- NC3 compares class means with the weights of the layer's own linear probe, which is not the network's classifier.
- Effective rank and spectrum exponent grow and fall with the number of points: compare them for equal numbers only. At
  most 1,000 points are used, at equal steps. There is no exponent of a layer with fewer than 100 eigenvalues.
- The dimension within classes is that at the scale of neighbours among the points of one class, which are fewer.
- An image exits at the first layer whose linear probe gives some class 90% or more, and stays if there is none. The
  agreement with the network is taken only where the held-out images are the measured points (`extract.split: test`).

## All of them

| measure | meaning | what it does not show | unit | 95% interval | needs besides activations | source |
|---|---|---|---|---|---|---|
"""


def plot_of(registry: MeasureRegistry, panel: Panel) -> dict[str, object]:
    """Return a panel as an entry of dvc.yaml's plots: its measures by depth, for the trained network."""
    keys = [measure.key for measure in registry.shown_in(panel)]
    return {
        panel.title: {
            "title": panel.title,
            "x": "depth",
            "y": {BY_LAYER: keys if len(keys) > 1 else keys[0]},
            "x_label": X_LABEL,
            "y_label": panel.axis,
        }
    }


def with_current_plots(pipeline: str, registry: MeasureRegistry) -> str:
    """Return the text of dvc.yaml with the plots of the panels replaced, in DVC's layout, before the pictures.

    Everything else stays.
    """
    stages, plots = re.split(r"^plots:\n", pipeline, flags=re.MULTILINE)
    others = [entry for entry in re.split(r"^(?=- )", plots, flags=re.MULTILINE) if f"{BY_LAYER}:" not in entry]
    pictures = [entry for entry in others if ":" not in entry]
    charts = [entry for entry in others if ":" in entry]
    panels = dumps_yaml([plot_of(registry, panel) for panel in registry.panels])
    return "".join([stages, "plots:\n", *charts, panels, *pictures])


def measures_page(registry: MeasureRegistry) -> str:
    """Return docs/measures.md: a table of all measures."""
    return HEAD + "".join(f"| {' | '.join(_cells(measure))} |\n" for measure in registry.measures)


def _cells(measure: MeasureEntry) -> list[str]:
    name = f"{measure.title} `{measure.key}`"
    needs = ", ".join(measure.needs) or "–"
    return [name, measure.meaning, measure.not_shown, measure.unit, str(measure.interval), needs, measure.source]


def main() -> None:
    PIPELINE.write_text(with_current_plots(PIPELINE.read_text(encoding="utf-8"), REGISTRY), encoding="utf-8")
    PAGE.write_text(measures_page(REGISTRY), encoding="utf-8")


if __name__ == "__main__":
    main()
