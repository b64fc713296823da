"""Galleries of input images: the network's most confident mistakes, and the samples decided late."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.artifacts.measured import SampleDecisions
from strata.artifacts.samples import Samples
from strata.report.figures.image_grid import Around, fitting_size, image_grid
from strata.report.figures.style import INK, MUTED, WARM, strata_style

COLUMNS = 6
LONGEST_BESIDE = 4  # letters; two names up to this long fit side by side above an image


def surest_mistakes(samples: Samples, limit: int) -> NDArray[np.intp]:
    """Return the rows of at most `limit` misclassified samples, the most confident first, ties by sample id."""
    wrong = np.flatnonzero(samples.labels != samples.predictions)
    order = np.lexsort((samples.sample_id[wrong], -samples.confidences[wrong]))
    return wrong[order[:limit]]


def draw_mistakes(
    images: NDArray[np.uint8],
    samples: Samples,
    rows: NDArray[np.intp],
    classes: Sequence[str],
    grey_map: str = "gray_r",
) -> Figure:
    """Return the images (r, H, W[, 3]) of r rows with label, prediction and confidence, or a note if there are none."""
    titles = [
        joined(classes[samples.labels[row]], f"taken for {classes[samples.predictions[row]]}", " ", classes)
        + f"\n{samples.confidences[row]:.0%} sure · id {samples.sample_id[row]}"
        for row in rows
    ]
    with strata_style():
        grid = image_grid(images, COLUMNS, 1.75, Around(above=_height(titles)), cmap=grey_map, vmin=0, vmax=255)
        for row, title, (x, y) in zip(rows, titles, grid.corners, strict=True):
            colour = WARM if samples.confidences[row] > 0.9 else INK
            grid.axis.text(x + 0.875, y - 0.06, title, fontsize=9.5, ha="center", color=colour)
        if not len(rows):
            grid.figure.text(0.5, 0.5, "No sample was misclassified.", ha="center", va="center", fontsize=14)
    return grid.figure


def late_rows(decisions: SampleDecisions, limit: int) -> NDArray[np.intp]:
    """Return the rows of at most `limit` late deciders: the latest first, then the most changes, ties by id."""
    late = np.flatnonzero(decisions.late)
    commit, flips = (values[late].astype(int) for values in (decisions.commit_layer, decisions.flips))
    order = np.lexsort((decisions.sample_id[late], -flips, -commit))
    return late[order[:limit]]


def draw_late_deciders(
    images: NDArray[np.uint8],
    titles: Sequence[str],
    votes: NDArray[np.integer],
    labels: NDArray[np.integer],
    layers: Sequence[str],
    classes: Sequence[str],
    grey_map: str = "gray_r",
) -> Figure:
    """Return images (r, H, W[, 3]) with titles and, under each, its vote in every layer (layers, r).

    A vote is dark if it is the label (r,). If there are no images, there is a note instead.
    """
    with strata_style():
        around = Around(above=_height(titles), below=0.42, between=0.2)
        grid = image_grid(images, COLUMNS, 2.0, around, cmap=grey_map, vmin=0, vmax=255)
        share = 2.1 / max(1, len(layers))  # of the width, for each layer's vote
        names = [_short(name) for name in classes]
        layer_size, vote_size = (
            fitting_size(max(texts, key=len), share - 0.05, limit) for texts, limit in ((layers, 7), (names, 10))
        )
        for row, (x, y) in enumerate(grid.corners):
            grid.axis.text(x + 1, y - 0.06, titles[row], fontsize=9.5, ha="center")
            for index, layer in enumerate(layers):
                right = votes[index, row] == labels[row]
                at, below = x - 0.05 + (index + 0.5) * share, y + grid.height
                grid.axis.text(at, below + 0.16, layer, ha="center", fontsize=layer_size, color=MUTED)
                grid.axis.text(
                    at,
                    below + 0.33,
                    names[votes[index, row]],
                    ha="center",
                    fontsize=vote_size,
                    fontweight="bold" if right else "normal",
                    color=INK if right else WARM,
                )
        if not len(images):
            grid.figure.text(0.5, 0.5, "No sample was decided late.", ha="center", va="center", fontsize=14)
    return grid.figure


def joined(first: str, second: str, between: str, classes: Sequence[str]) -> str:
    """Return two texts with class names on one line, or on two lines if the names are words."""
    return first + ("\n" if max(map(len, classes)) > LONGEST_BESIDE else between) + second


def _height(titles: Sequence[str]) -> float:
    """Return the height, in inches, that titles need above their images."""
    return 0.12 + 0.17 * max((title.count("\n") + 1 for title in titles), default=1)


def _short(name: str) -> str:
    return name if len(name) <= 4 else name[:3] + "."
