"""One sample through the network: its output, and the response of each channel of a convolutional layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.report.figures.image_grid import MARGIN, Around, image_grid
from strata.report.figures.style import ACCENT, MAX_NAMED, MUTED, WARM, strata_style


def draw_output(
    image: NDArray[np.uint8],
    log_probabilities: NDArray[np.float32],
    label: int,
    classes: Sequence[str],
    title: str,
    grey_map: str = "gray_r",
) -> Figure:
    """Return the exercise's line plot of one sample's output, log-probabilities (classes,), beside its image."""
    with strata_style():
        figure = Figure(figsize=(11, 4.2), layout="constrained")
        picture, axis = figure.subplots(1, 2, width_ratios=(1, 2.4))
        picture.imshow(image, cmap=grey_map, vmin=0, vmax=255)
        picture.set_axis_off()
        picture.set_title(title)
        ticks = np.arange(len(classes))
        axis.plot(ticks, log_probabilities, "o-", color=ACCENT, linewidth=2, markersize=7)
        axis.plot(
            label, log_probabilities[label], "o", color=WARM, markersize=12, fillstyle="none", markeredgewidth=2.5
        )
        axis.annotate(
            f"label {classes[label]}: {np.exp(log_probabilities[label]):.2%}",
            (label, log_probabilities[label]),
            xytext=(-12, 6),
            textcoords="offset points",
            ha="right",
            color=WARM,
            fontweight="bold",
        )
        long_names = max(map(len, classes)) > 3
        if len(classes) <= MAX_NAMED:
            axis.set_xticks(ticks, classes, rotation=45 if long_names else 0, ha="right" if long_names else "center")
        axis.set(xlabel="class", ylabel="log-probability (nats)", title="Output of the network")
        axis.margins(x=0.16, y=0.18)
        axis.grid(axis="y", color="#e5e5e5")
        axis.set_axisbelow(True)
    return figure


def draw_feature_maps(activation: NDArray[np.float32], title: str) -> Figure:
    """Return a convolutional layer's activation (C, H, W) for one sample, with one image per channel on one scale."""
    channels = len(activation)
    scale = {"cmap": "viridis", "vmin": min(0.0, float(activation.min())), "vmax": float(activation.max()) or 1.0}
    with strata_style():
        grid = image_grid(activation, min(channels, 10), 1.1, Around(above=0.22), top=0.25, right=1.0, **scale)
        for channel, (x, y) in enumerate(grid.corners):
            grid.axis.text(x, y - 0.05, str(channel), fontsize=8, color=MUTED)
        width, height = grid.figure.get_size_inches()
        grid.figure.suptitle(
            title, x=MARGIN / width, y=1 - MARGIN / height, ha="left", va="top", fontweight="bold", fontsize=12
        )
        box = grid.axis.get_position()
        axis = grid.figure.add_axes((box.x1 + 0.2 / width, box.y0, 0.16 / width, box.height - 0.22 / height))
        bar = grid.figure.colorbar(grid.axis.images[0], cax=axis)
        bar.set_label("activation")
        bar.outline.set_visible(False)
    return grid.figure
