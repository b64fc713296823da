"""Layers over training: their maps at each kept time, and their measures by epoch."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.artifacts.measure_registry import MeasureEntry, MeasureRegistry, Panel
from strata.report.figures.maps import Numbers, legend_handles, scatter_labels
from strata.report.figures.measures import finish, grid_of, grid_size
from strata.report.figures.style import MUTED, as_title, strata_style

MARKERS = "osDv^<>Pp*X"


def draw_maps_over_training(
    maps: Mapping[str, Mapping[str, NDArray[np.float32]]],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    numbers: Numbers | None = None,
) -> Figure:
    """Return a grid of maps, time's name -> layer -> points (n, 2), with one row per time and one column per layer.

    Coloured by label (n,), or else by numbers, if there are any.
    """
    layers = list(next(iter(maps.values())))
    with strata_style():
        figure = Figure(figsize=(2.2 * len(layers) + 1.6, 2.25 * len(maps) + 0.5), layout="constrained")
        axes = figure.subplots(len(maps), len(layers), squeeze=False)
        for row, (time, of_layers) in enumerate(maps.items()):
            for column, (layer, points) in enumerate(of_layers.items()):
                axis = axes[row, column]
                scatter_labels(axis, points, labels, max(0.5, 2.5 * (1000 / len(points)) ** 0.7), numbers)
                if row == 0:
                    axis.set_title(layer)
                if column == 0:
                    axis.set_ylabel(time, color=MUTED)
        if labels is not None:
            figure.legend(handles=legend_handles(classes), title="label", loc="outside right upper")
        elif numbers is not None:
            figure.colorbar(numbers.scale, ax=axes, label=numbers.name, shrink=0.5)
    return figure


def charts_over_training(registry: MeasureRegistry, table: pd.DataFrame) -> list[tuple[str, Panel, MeasureEntry]]:
    """Return title, panel and measure of each chart: the panels' measures that exist at the first kept time."""
    first = set(table.loc[table["epochs"] == table["epochs"].min(), "measure"])
    charts = []
    for panel in registry.panels:
        measures = registry.shown_in(panel)
        for measure in measures:
            title = panel.title if len(measures) == 1 else as_title(measure.title)
            charts += [(title, panel, measure)] if measure.key in first else []
    return charts


def draw_measures_over_training(registry: MeasureRegistry, table: pd.DataFrame, layers: Sequence[str]) -> Figure:
    """Return the measures of each layer by epochs trained, with 95% bands.

    `table` has epochs, layer, measure, value, low and high.
    """
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    charts = charts_over_training(registry, table)
    with strata_style():
        figure = Figure(figsize=grid_size(len(charts)), layout="constrained")
        for axis, (title, panel, measure) in zip(grid_of(figure, len(charts)), charts, strict=True):
            for index, layer in enumerate(layers):
                rows = table[(table["measure"] == measure.key) & (table["layer"] == layer)].sort_values("epochs")
                marker = MARKERS[index % len(MARKERS)]
                axis.fill_between(rows["epochs"], rows["low"], rows["high"], color=colours[index], alpha=0.15, lw=0)
                axis.plot(rows["epochs"], rows["value"], color=colours[index], marker=marker, markersize=5, label=layer)
            axis.set_xlabel("epochs trained")
            finish(axis, title, panel)
        handles, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(layers))
    return figure
