"""How alike the layers of networks are that differ in their seed only: all pairs of layers, and the same layer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.artifacts.measured import UNTRAINED
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS, MUTED, strata_style

# What is compared, as the table names it -> title, and upper end of its axis.
SAME_LAYER = {
    "cka": ("CKA", 1.0),
    "mutual_neighbours": ("Neighbours in common", 1.0),
    "procrustes_distance": ("Procrustes distance", None),
}


def network_pairs(between: pd.DataFrame, layers: Sequence[str]) -> list[NDArray[np.float64]]:
    """Return the CKA (L, L) of the given layers of every two networks that differ in their seed only.

    NaN where layers are equal by construction.
    """
    rows = between[(between["measure"] == "cka") & (between["other_network"] != UNTRAINED)]
    return [
        pair.pivot_table(index="layer", columns="other_layer", values="value", dropna=False)
        .reindex(index=list(layers), columns=list(layers))
        .to_numpy(dtype=np.float64)
        for _, pair in rows.groupby(["network", "other_network"])
    ]


def mean_likeness(between: pd.DataFrame, layers: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean CKA (L, L) of a layer (row) and another network's layer (column), over all pairs of networks.

    Both orders of a pair count, so the matrix is symmetric. NaN where layers are equal by construction.
    """
    values = np.mean(network_pairs(between, layers), axis=0)
    return (values + values.T) / 2


def draw_networks(between: pd.DataFrame, layers: Sequence[str]) -> Figure:
    """Return the mean CKA of all pairs of layers between networks, and three comparisons of the same layer by depth."""
    with strata_style():
        figure = Figure(figsize=(15, 8), layout="constrained")
        left, right = np.asarray(figure.subfigures(1, 2, width_ratios=(1.15, 1)))
        _draw_matrix(left, mean_likeness(between, layers), layers)
        axes = right.subplots(3, 1, sharex=True)
        for axis, (measure, (title, end)) in zip(axes, SAME_LAYER.items(), strict=True):
            _draw_same_layer(axis, between[between["measure"] == measure], layers)
            axis.set_title(title)
            axis.set_ylim(0, end if end is None else 1.03 * end)
            axis.grid(axis="y", color="#e6e6e6", linewidth=0.8)
        axes[-1].set_xlabel("layer", color=MUTED)
        handles, names = axes[0].get_legend_handles_labels()
        right.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def _draw_matrix(figure: Figure, values: NDArray[np.float64], layers: Sequence[str]) -> None:
    axis = figure.subplots()
    image = axis.imshow(values, cmap="cividis", vmin=0, vmax=1)
    axis.set_title("CKA of layers in two networks, mean over the pairs")
    axis.set_xticks(range(len(layers)), layers)
    axis.set_yticks(range(len(layers)), layers)
    axis.set_xlabel("layer of the other network", color=MUTED)
    axis.set_ylabel("layer", color=MUTED)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    size = max(5, min(10, 90 // len(layers)))
    for (row, column), value in np.ndenumerate(values):
        text = f"{value:.2f}" if np.isfinite(value) else "–"
        weight = "bold" if row == column else "normal"
        colour = "white" if value < 0.6 else "black"
        axis.text(column, row, text, ha="center", va="center", fontsize=size, color=colour, fontweight=weight)
    figure.colorbar(image, ax=axis, shrink=0.7, pad=0.01)


def _draw_same_layer(axis: Axes, table: pd.DataFrame, layers: Sequence[str]) -> None:
    table = table[table["layer"] == table["other_layer"]]
    seeds, twin = table[table["other_network"] != UNTRAINED], table[table["other_network"] == UNTRAINED]
    layers = [layer for layer in layers if layer in set(seeds["layer"])]
    values = seeds.groupby("layer")["value"].agg(["min", "mean", "max"]).reindex(list(layers))
    depth, look, other = range(len(layers)), MEASURE_LOOKS[0], CONTROL_LOOKS[UNTRAINED]
    axis.fill_between(depth, values["min"], values["max"], color=look.colour, alpha=0.25, linewidth=0)
    axis.plot(depth, values["mean"], look.dashes, color=look.colour, marker=look.marker, label="two seeds: mean, range")
    untrained = twin.set_index("layer")["value"].reindex(list(layers))
    axis.plot(
        depth,
        untrained,
        other.dashes,
        color=other.colour,
        marker=other.marker,
        label="network 1 and its untrained twin",
    )
    axis.set_xticks(depth, layers)
