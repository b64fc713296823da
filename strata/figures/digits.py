"""Galleries of input images: the mistakes that the network was surest of, and the samples decided late."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.figures.style import INK, MUTED, WARM, strata_style
from strata.measure_files import SampleDecisions
from strata.measures.decisions import NEVER
from strata.samples import Samples

COLUMNS = 6


def surest_mistakes(samples: Samples, most: int) -> NDArray[np.intp]:
    """Return the rows of at most `most` misclassified samples, the most confident first, ties by sample id."""
    wrong = np.flatnonzero(samples.label != samples.predicted)
    order = np.lexsort((samples.sample_id[wrong], -samples.confidence[wrong]))
    return wrong[order[:most]]


def draw_mistakes(
    images: NDArray[np.uint8],
    samples: Samples,
    rows: NDArray[np.intp],
    classes: Sequence[str],
    grey_map: str = "gray_r",
) -> Figure:
    """Return the r given rows' images (r, H, W[, 3]) with label, prediction and confidence; a note where none is."""
    with strata_style():
        lines = max(1, -(-len(rows) // COLUMNS))
        figure = Figure(figsize=(11, 2.25 * lines), layout="constrained")
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for axis, image, row in zip(axes, images, rows, strict=False):
            axis.imshow(image, cmap=grey_map, vmin=0, vmax=255)
            label, predicted = classes[samples.label[row]], classes[samples.predicted[row]]
            axis.set_title(
                f"{label} taken for {predicted}\n{samples.confidence[row]:.0%} sure · id {samples.sample_id[row]}",
                fontsize=10,
                fontweight="normal",
                loc="center",
                color=WARM if samples.confidence[row] > 0.9 else INK,
            )
        if not len(rows):
            figure.text(0.5, 0.5, "No sample was misclassified.", ha="center", va="center", fontsize=14)
    return figure


def late_rows(decisions: SampleDecisions, most: int) -> NDArray[np.intp]:
    """Return the rows of at most `most` late deciders: never committed first, then the most changes, ties by id."""
    late = np.flatnonzero(decisions.late)
    never = decisions.commit_layer[late] == NEVER
    order = np.lexsort((decisions.sample_id[late], -decisions.flips[late].astype(int), ~never))
    return late[order[:most]]


def draw_late_deciders(
    images: NDArray[np.uint8],
    titles: Sequence[str],
    votes: NDArray[np.integer],
    labels: NDArray[np.integer],
    layers: Sequence[str],
    classes: Sequence[str],
    grey_map: str = "gray_r",
) -> Figure:
    """Return images (r, H, W[, 3]) with titles and, under each, the vote of its neighbours in every layer (layers, r).

    A vote is dark where it is the label (r,). A note where there is no image.
    """
    with strata_style():
        lines = max(1, -(-len(images) // COLUMNS))
        figure = Figure(figsize=(12.5, 2.9 * lines), layout="constrained")
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for row, (axis, image) in enumerate(zip(axes, images, strict=False)):
            axis.imshow(image, cmap=grey_map, vmin=0, vmax=255)
            axis.set_title(titles[row], fontsize=10, fontweight="normal", loc="center")
            for place, layer in enumerate(layers):
                right = votes[place, row] == labels[row]
                at = (place + 0.5) / len(layers)
                axis.text(at, -0.07, layer, transform=axis.transAxes, ha="center", fontsize=7, color=MUTED)
                axis.text(
                    at,
                    -0.17,
                    _short(classes[votes[place, row]]),
                    transform=axis.transAxes,
                    ha="center",
                    fontsize=10,
                    fontweight="bold" if right else "normal",
                    color=INK if right else WARM,
                )
        if not len(images):
            figure.text(0.5, 0.5, "No sample was decided late.", ha="center", va="center", fontsize=14)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 4 else name[:3] + "."
