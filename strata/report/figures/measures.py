"""Measures by depth, one panel per entry of the registry: values as lines, intervals and networks as bands."""

from collections.abc import Iterator, Sequence
from math import ceil, sqrt
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from strata.artifacts.measure_registry import MeasureRegistry, Panel
from strata.artifacts.measured import CONTROLS, SHUFFLED, TRAINED
from strata.artifacts.needs import Need
from strata.report.figures.style import CONTROL_LOOKS, INK, MEASURE_LOOKS, MUTED, LineLook, strata_style

# Hatched, so that it differs from an interval even without colour.
RANGE_LOOK: dict[str, Any] = {"facecolor": "none", "edgecolor": "#1d5a94", "hatch": "////", "linewidth": 0.6}
# A line in a panel: the measure and the control in the tables, its name, its look.
Line = tuple[str, str, str, LineLook]


def draw_measures(
    registry: MeasureRegistry, table: pd.DataFrame, networks: pd.DataFrame, layers: Sequence[str]
) -> Figure:
    """Return the measures of the tidy table by depth, each with its 95% band, next to the controls.

    Behind them lies the range over all networks that were trained, if there are several: the other kind of spread.
    """
    with strata_style():
        figure = Figure(figsize=grid_size(len(registry.panels)), layout="constrained")
        ranges = network_ranges(networks)
        for axis, panel in zip(grid_of(figure, len(registry.panels)), registry.panels, strict=True):
            lines = list(_lines_of(registry, panel))
            if panel.lines == "controls":
                _draw_range(axis, ranges[ranges["measure"] == lines[0][0]], layers)
            for measure, control, _, look in lines:
                _draw_line(axis, table, measure, control, layers, look)
            axis.set_xlabel("layer", color=MUTED)
            axis.set_xticks(range(len(layers)), layers)
            finish(axis, panel.title, panel)
            if panel.lines == "measures":
                _legend(axis, [_handle(name, look) for _, _, name, look in lines])
        labelled = any(Need.LABELS in measure.needs for measure in registry.measures)
        handles: list[Artist] = [
            _handle(CONTROLS[control], look)
            for control, look in CONTROL_LOOKS.items()
            if labelled or control != SHUFFLED
        ]
        handles.append(Patch(facecolor=CONTROL_LOOKS[TRAINED].colour, alpha=0.25, label="95% over samples"))
        if (count := networks["network"].nunique()) > 1:
            handles.append(Patch(**RANGE_LOOK, label=f"range of {count} trained networks"))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=12)
    return figure


def _lines_of(registry: MeasureRegistry, panel: Panel) -> Iterator[Line]:
    measures = registry.shown_in(panel)
    if panel.lines == "controls":
        yield from ((measures[0].key, control, CONTROLS[control], look) for control, look in CONTROL_LOOKS.items())
    else:
        for place, measure in enumerate(measures):
            yield measure.key, TRAINED, measure.legend or measure.title, MEASURE_LOOKS[place % len(MEASURE_LOOKS)]


def grid_size(panels: int) -> tuple[float, float]:
    """Return width and height, in inches, of a figure with this many panels."""
    columns = ceil(sqrt(panels))
    return 5 * columns, 3.7 * ceil(panels / columns) + 0.5


def grid_of(figure: Figure, panels: int) -> list[Axes]:
    """Return axes for this many panels, row by row in a grid about as wide as high; spare axes are switched off."""
    columns = ceil(sqrt(panels))
    axes = list(figure.subplots(ceil(panels / columns), columns, squeeze=False).flat)
    for axis in axes[panels:]:
        axis.set_axis_off()
    return axes[:panels]


def finish(axis: Axes, title: str, panel: Panel) -> None:
    """Give the axes of a panel their title, label, limits and grid."""
    axis.set_title(title)
    axis.set_ylabel(panel.axis)
    axis.set_ylim(*((0, None) if panel.end is None else (-0.03 * panel.end, 1.03 * panel.end)))
    axis.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axis.set_axisbelow(True)


def network_ranges(networks: pd.DataFrame) -> pd.DataFrame:
    """Return the range of each measure of each layer over the trained networks; empty if there is only one."""
    table = networks if len(set(networks["network"])) > 1 else networks.iloc[:0]
    return table.groupby(["measure", "layer"], sort=False)["value"].agg(least="min", most="max").reset_index()


def _draw_range(axis: Axes, ranges: pd.DataFrame, layers: Sequence[str]) -> None:
    """Draw a measure's range over the networks, by layer."""
    if not ranges.empty:
        values = ranges.set_index("layer").reindex(list(layers))
        axis.fill_between(range(len(layers)), values["least"], values["most"], **RANGE_LOOK)


def _draw_line(
    axis: Axes, table: pd.DataFrame, measure: str, control: str, layers: Sequence[str], look: LineLook
) -> None:
    rows = table[(table["measure"] == measure) & (table["control"] == control)].set_index("layer")
    rows = rows.reindex([layer for layer in layers if layer in rows.index])
    if rows.empty:
        return
    depth = [list(layers).index(layer) for layer in rows.index]
    axis.fill_between(depth, rows["low"], rows["high"], color=look.colour, alpha=0.18, linewidth=0)
    axis.plot(depth, rows["value"], look.dashes, color=look.colour, marker=look.marker, markersize=5, linewidth=1.8)


def _legend(axis: Axes, handles: Sequence[Line2D]) -> None:
    axis.legend(handles=handles, fontsize=9, loc="best", labelcolor=INK, frameon=True, framealpha=0.8, edgecolor="none")


def _handle(name: str, look: LineLook) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, label=name)
