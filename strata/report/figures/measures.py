"""Measures by depth: every layer's value with its interval, and the same for the controls, as bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from strata.report.figures.style import INK, MUTED, strata_style


@dataclass(frozen=True)
class LineLook:
    """How one line looks: colour, dashes, marker; told apart without colour, too."""

    colour: str
    dashes: Literal["-", "--", ":", "-."]
    marker: str


# Control, as the tables name it -> name for people and look.
CONTROLS = {
    "none": ("trained network", LineLook("#3f90da", "-", "o")),
    "untrained": ("untrained twin", LineLook("#e76300", "--", "s")),
    "random projection": ("random projection of the input", LineLook("#717581", ":", "D")),
    "shuffled labels": ("shuffled labels", LineLook("#832db6", "-.", "v")),
}
MAP_MEASURES = {
    "map_trustworthiness": ("trustworthiness", LineLook("#3f90da", "-", "o")),
    "map_continuity": ("continuity", LineLook("#e76300", "--", "s")),
    "map_recall": ("kNN recall", LineLook("#717581", ":", "D")),
    "map_hit": ("neighbourhood hit", LineLook("#832db6", "-.", "v")),
}
ACTIVITY = {
    "zero_share": ("zero activations", LineLook("#3f90da", "-", "o")),
    "dead_share": ("dead units", LineLook("#e76300", "--", "s")),
}
SHARES = (-0.03, 1.03)


def draw_measures(table: pd.DataFrame, layers: Sequence[str]) -> Figure:
    """Return the measures of the tidy table against depth, each with its 95% band, beside the controls."""
    with strata_style():
        figure = Figure(figsize=(15, 7.6), layout="constrained")
        panels = figure.subplots(2, 4)
        by_control = (
            ("neighbourhood_hit", "Neighbourhood hit", "share of neighbours", SHARES),
            ("knn_accuracy", "kNN accuracy", "accuracy on held-out images", SHARES),
            ("probe_accuracy", "Linear probe", "accuracy on held-out images", SHARES),
            ("intrinsic_dimension", "Intrinsic dimension", "TwoNN dimension", None),
            ("participation_ratio", "Participation ratio", "effective number of directions", None),
            ("overlap_with_next", "Overlap with the next layer", "share of neighbours kept", SHARES),
        )
        for axis, (measure, title, label, limits) in zip(panels.flat, by_control, strict=False):
            for control, (_, look) in CONTROLS.items():
                _draw_line(axis, table, measure, control, layers, look)
            _finish(axis, title, label, layers, limits)
        for axis, measures, title, label in (
            (panels.flat[6], ACTIVITY, "Silence (trained)", "share"),
            (panels.flat[7], MAP_MEASURES, "The map against the layer", "share, or score"),
        ):
            for measure, (_, look) in measures.items():
                _draw_line(axis, table, measure, "none", layers, look)
            _finish(axis, title, label, layers, SHARES)
            _legend(axis, measures)
        handles = [_handle(name, look) for name, look in CONTROLS.values()]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=12)
    return figure


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


def _finish(axis: Axes, title: str, label: str, layers: Sequence[str], limits: tuple[float, float] | None) -> None:
    axis.set_title(title)
    axis.set_ylabel(label)
    axis.set_xlabel("layer", color=MUTED)
    axis.set_xticks(range(len(layers)), layers)
    axis.set_ylim(*(limits or (0, None)))
    axis.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axis.set_axisbelow(True)


def _legend(axis: Axes, measures: dict[str, tuple[str, LineLook]]) -> None:
    handles = [_handle(name, look) for name, look in measures.values()]
    axis.legend(handles=handles, fontsize=9, loc="best", labelcolor=INK, frameon=True, framealpha=0.8, edgecolor="none")


def _handle(name: str, look: LineLook) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, label=name)
