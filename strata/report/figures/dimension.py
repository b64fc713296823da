"""Intrinsic dimension against the number of points: is there a plateau, or only a finer scale?"""

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from strata.artifacts.measured import CONTROLS, TRAINED, UNTRAINED
from strata.report.figures.style import MUTED, strata_style

SHOWN = (TRAINED, UNTRAINED)
MARKERS = "osD^vP*X"


def draw_dimension(table: pd.DataFrame, layers: Sequence[str]) -> Figure:
    """Return TwoNN's maximum-likelihood dimension of every layer by number of points, trained and untrained."""
    with strata_style():
        figure = Figure(figsize=(12.5, 5), layout="constrained")
        panels = figure.subplots(1, len(SHOWN), sharey=True)
        colours = mpl.colormaps["viridis"].resampled(max(2, len(layers)) + 1)
        for axis, control in zip(panels, SHOWN, strict=True):
            chosen = table[(table["control"] == control) & (table["estimator"] == "maximum_likelihood")]
            for index, layer in enumerate(layers):
                rows = chosen[chosen["layer"] == layer].sort_values("points")
                colour = colours(index)
                shifted = rows["points"] * 2 ** (0.035 * (index - (len(layers) - 1) / 2))  # bars side by side
                axis.errorbar(
                    shifted,
                    rows["value"],
                    yerr=[rows["value"] - rows["low"], rows["high"] - rows["value"]],
                    color=colour,
                    marker=MARKERS[index % len(MARKERS)],
                    markersize=6,
                    elinewidth=0.9,
                    label=layer,
                )
            sizes = sorted(chosen["points"].unique())
            axis.set_xscale("log", base=2)
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axis.xaxis.set_minor_locator(NullLocator())
            axis.set_title(CONTROLS[control])
            axis.set_xlabel("number of points (the scale of the nearest neighbours)", color=MUTED)
            axis.grid(axis="y", color="#e6e6e6", linewidth=0.8)
        panels[0].set_ylim(0, None)
        panels[0].set_ylabel("intrinsic dimension (TwoNN)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", title="layer")
    return figure
