"""Galleries of input images: the mistakes that the network was surest of."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.figures.style import INK, WARM, strata_style
from strata.samples import Samples

COLUMNS = 6


def surest_mistakes(samples: Samples, most: int) -> NDArray[np.intp]:
    """Return the rows of at most `most` misclassified samples, the most confident first, ties by sample id."""
    wrong = np.flatnonzero(samples.label != samples.predicted)
    order = np.lexsort((samples.sample_id[wrong], -samples.confidence[wrong]))
    return wrong[order[:most]]


def draw_mistakes(
    images: NDArray[np.uint8], samples: Samples, rows: NDArray[np.intp], classes: Sequence[str]
) -> Figure:
    """Return the images (r, H, W) of the r given rows with label, prediction and confidence; a note where none is."""
    with strata_style():
        lines = max(1, -(-len(rows) // COLUMNS))
        figure = Figure(figsize=(11, 2.25 * lines), layout="constrained")
        axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for axis, image, row in zip(axes, images, rows, strict=False):
            axis.imshow(image, cmap="gray_r", vmin=0, vmax=255)
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
