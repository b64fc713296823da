"""A figure of the page: what it is called, what it shows, and how it is drawn."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from strata.artifacts.measured import NEVER
from strata.report.figures.digits import draw_late_deciders, joined, late_rows
from strata.report.figures.dimension import draw_dimension
from strata.report.figures.measures import draw_measures
from strata.report.figures.perplexity_grid import draw_perplexity_grid
from strata.report.figures.similarity import draw_cka
from strata.report.page.inputs import ReportInputs


@dataclass(frozen=True)
class PageFigure:
    """The stem of a figure's files, its heading, what it shows and does not show, and its group on the page."""

    name: str
    heading: str
    caption: str
    group: str


# A figure's entry in the page, and the call that draws it: it can be sent to another process.
Planned = tuple[PageFigure, Callable[[], Figure]]


def data_address(path: Path) -> str:
    """Return a PNG file as an address that holds the file itself."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


KNOWS, TRUST, DECIDED = "What each layer knows", "How far to trust the maps", "Where samples are decided"


def measure_figures(inputs: ReportInputs, late: int) -> Iterator[Planned]:
    """Yield the figures of the measures, undrawn."""
    measures, layers = inputs.measures, list(inputs.maps)
    count = len(measures.rows)
    yield (
        PageFigure(
            "measures",
            "Measures by depth, with controls",
            f"Taken in the full space of each layer, on {count:,} {inputs.provenance.split} images; bands are 95%"
            " intervals. What the untrained twin or a random projection reaches is not learned; what shuffled labels"
            " reach is chance. Shown: what can be read from a layer. Not shown: whether the network uses it. The bands"
            " of means are somewhat too narrow, as points share neighbours.",
            KNOWS,
        ),
        partial(draw_measures, measures.table, layers),
    )
    yield (
        PageFigure(
            "cka",
            "How alike the layers are",
            "Debiased linear CKA of all pairs of layers: 1 where two layers are equal up to rotation and scale, about 0"
            " where they have nothing in common. It follows the directions of most variance; layers that differ in"
            " small directions look alike.",
            KNOWS,
        ),
        partial(draw_cka, measures.cka, layers),
    )
    yield (
        PageFigure(
            "intrinsic_dimension",
            "Intrinsic dimension against the number of points",
            "TwoNN sees the data at the scale of nearest neighbours, which grows as points are left out. A level line"
            " is a dimension; a slope says that the value holds for this number of points only. Bars: half-samples at"
            " all points, the range of disjoint parts elsewhere.",
            KNOWS,
        ),
        partial(draw_dimension, measures.dimension, layers),
    )
    yield from _stability_figure(inputs)
    yield from _late_figure(inputs, late)


def _stability_figure(inputs: ReportInputs) -> Iterator[Planned]:
    maps = inputs.measures.stability_maps
    ids = maps[0].sample_id
    labels = inputs.samples.label[np.searchsorted(inputs.samples.sample_id, ids)]
    table = inputs.measures.stability
    overlaps = {
        (layer, None if np.isnan(perplexity) else float(perplexity)): float(overlap)
        for layer, perplexity, overlap in zip(table["layer"], table["perplexity"], table["knn_overlap"], strict=True)
    }
    title, runs = inputs.method.title, int(table["runs"].max())
    drawn = (
        f"{len(ids):,} points, {title} from {runs} random starts each; the first is shown, turned to the layer's map."
        " Below each, the share of neighbours that two starts have in common."
    )
    start = "The maps above start from principal components instead, and vary less."
    at_perplexities = any(found.perplexity is not None for found in maps)
    yield (
        PageFigure(
            "perplexity_grid",
            "The same points at other perplexities" if at_perplexities else "The same points from random starts",
            f"{drawn} What changes along a column is the perplexity's doing, not the layer's. {start}"
            if at_perplexities
            else f"{drawn} {title} has no perplexity: its settings are those of the maps above. {start}",
            TRUST,
        ),
        partial(
            draw_perplexity_grid,
            {(found.layer, found.perplexity): found.points for found in maps},
            overlaps,
            labels,
            inputs.names_in_figures,
        ),
    )


def _late_figure(inputs: ReportInputs, most: int) -> Iterator[Planned]:
    measures, samples, classes = inputs.measures, inputs.samples, inputs.names_in_figures
    decisions = measures.decisions
    chosen = late_rows(decisions, most)
    rows = measures.rows[chosen]
    layers = list(inputs.maps)
    titles = []
    for row, place in zip(rows, chosen, strict=True):
        commit = decisions.commit_layer[place]
        where = "never commits" if commit == NEVER else f"commits at {layers[commit]}"
        label, predicted = classes[samples.label[row]], classes[samples.predicted[row]]
        pair = joined(f"label {label}", f"predicted {predicted}", ", ", classes)
        titles.append(f"{pair}\n{where} · id {samples.sample_id[row]}")
    yield (
        PageFigure(
            "late_deciders",
            "Late deciders",
            f"{len(chosen)} of {int(decisions.late.sum()):,} samples whose neighbours agree with the network's final"
            " prediction only in the last layers, or never. Below each image, the majority label of its nearest"
            " neighbours in every layer; red where it is not the label. The vote is that of the neighbours: the"
            " network itself decides at its output.",
            DECIDED,
        ),
        partial(
            draw_late_deciders,
            inputs.images[rows],
            titles,
            np.stack([measures.points[layer].vote[chosen] for layer in layers]),
            samples.label[rows],
            layers,
            classes,
            inputs.grey_map,
        ),
    )
