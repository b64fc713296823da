"""The same points from random starts, at several perplexities if the method has one: the effect of the method."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.report.figures.maps import Numbers, legend_handles, point_colours
from strata.report.figures.style import MUTED, strata_style


def draw_perplexity_grid(
    maps: Mapping[tuple[str, float | None], NDArray[np.float32]],
    overlaps: Mapping[tuple[str, float | None], float],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    numbers: Numbers | None = None,
) -> Figure:
    """Return maps (m, 2) by (layer, perplexity), one column per layer and row per perplexity, coloured by label (m,).

    Or else by numbers, if there are any. A method without a perplexity (None) has one row. `overlaps` are the shares of
    neighbours that runs from different random starts have in common.
    """
    layers = list(dict.fromkeys(layer for layer, _ in maps))
    perplexities = sorted({perplexity for _, perplexity in maps}, key=lambda each: each or 0)
    colours = point_colours(labels, numbers)
    with strata_style():
        figure = Figure(figsize=(2.15 * len(layers) + 0.6, 2.35 * len(perplexities) + 0.7), layout="constrained")
        grid = figure.subplots(len(perplexities), len(layers), squeeze=False)
        for row, perplexity in enumerate(perplexities):
            for column, layer in enumerate(layers):
                axis, points = grid[row, column], maps[layer, perplexity]
                middle = (points.max(axis=0) + points.min(axis=0)) / 2
                half = 1.06 * float(np.abs(points - middle).max())
                axis.scatter(*(points - middle).T, c=colours, s=7, linewidths=0, alpha=0.85)
                axis.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
                axis.spines[:].set_color("#dddddd")
                if row == 0:
                    axis.set_title(layer)
                if column == 0 and perplexity is not None:
                    axis.set_ylabel(f"perplexity {perplexity:g}")
                axis.set_xlabel(f"runs agree {overlaps[layer, perplexity]:.0%}", fontsize=9, color=MUTED)
        if labels is None:
            if numbers is not None:
                figure.colorbar(numbers.scale, ax=grid, label=numbers.name, shrink=0.5)
            return figure
        columns = min(10, len(classes)) if len(classes) <= 10 else max(1, len(layers))
        small = {} if len(classes) <= 10 else {"fontsize": 7}
        handles = legend_handles(classes)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, title="label", **small)
    return figure
