"""Maps: all layers as small multiples, and one layer large."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from strata.report.figures.style import INK, MAX_NAMED, MUTED, class_colour, strata_style

COLUMNS = 4
# Above this many points, an SVG contains the points as an image: as shapes they would take tens of megabytes.
VECTOR_POINTS = 2000
MAX_LISTED = 20  # classes in a legend


def draw_all_maps(
    maps: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    subtitles: Mapping[str, str],
    method: str,
) -> Figure:
    """Return the maps, layer's name -> points (n, 2), side by side, coloured by label (n,), with one legend.

    `method` names the axes: "t-SNE" gives "t-SNE 1" and "t-SNE 2".
    """
    rows = -(-(len(maps) + 1) // COLUMNS)
    with strata_style():
        figure = Figure(figsize=(3.6 * COLUMNS, 3.75 * rows), layout="constrained")
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axis, (layer, points) in zip(axes, maps.items(), strict=False):
            _draw_map(axis, points, labels, classes, method, size=_marker_size(len(points), 7.0))
            axis.set_title(layer)
            axis.set_title(subtitles.get(layer, ""), loc="right", fontsize=10, fontweight="normal", color=MUTED)
        for axis in axes[len(maps) :]:
            axis.set_axis_off()
        axes[len(maps)].legend(
            handles=legend_handles(classes),
            title="label",
            loc="center",
            ncols=1 if len(classes) <= 10 else 2,
            fontsize=11 if len(classes) <= 10 else 7,
        )
    return figure


def draw_map(
    points: NDArray[np.float32],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    title: str,
    subtitle: str,
    method: str,
) -> Figure:
    """Return one large map, points (n, 2) coloured by label (n,), with a legend; `method` names the axes."""
    with strata_style():
        figure = Figure(figsize=(9.2, 8), layout="constrained")
        axis = figure.subplots()
        _draw_map(axis, points, labels, classes, method, size=_marker_size(len(points), 26.0))
        axis.set_title(title, fontsize=16)
        axis.set_title(subtitle, loc="right", fontsize=11, fontweight="normal", color=MUTED)
        axis.legend(handles=legend_handles(classes), title="label", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def legend_handles(classes: Sequence[str]) -> list[Line2D]:
    """Return one legend entry per class, for the first 20, with its number if its name is not written on the maps."""
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", markersize=8, color=class_colour(index), label=_legend_name(index, name)
        )
        for index, name in enumerate(classes[:MAX_LISTED])
    ]
    more = len(classes) - MAX_LISTED
    return handles + ([Line2D([], [], linestyle="", label=f"and {more:,} more")] if more > 0 else [])


def _draw_map(
    axis: Axes,
    points: NDArray[np.float32],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    method: str,
    size: float,
) -> None:
    scatter_labels(axis, points, labels, size)
    for label in np.unique(labels) if len(classes) <= MAX_NAMED else ():
        centre = np.median(points[labels == label], axis=0)
        axis.annotate(
            _short_name(int(label), classes[label]),
            centre,
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold",
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    axis.set_xlabel(f"{method} 1", color=MUTED, fontsize=9)
    axis.set_ylabel(f"{method} 2", color=MUTED, fontsize=9)


def scatter_labels(axis: Axes, points: NDArray[np.float32], labels: NDArray[np.integer], size: float) -> None:
    """Draw points (n, 2) in their labels' colours into a square frame without ticks."""
    axis.scatter(
        points[:, 0],
        points[:, 1],
        c=[class_colour(int(label)) for label in labels],
        s=size,
        linewidths=0,
        alpha=0.8,
        rasterized=len(points) > VECTOR_POINTS,
    )
    # A square frame, so that both axes have the same scale.
    half = float(np.abs(points).max()) * 1.05 if len(points) else 1.0
    axis.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])


def _marker_size(count: int, at_thousand: float) -> float:
    return float(np.clip(at_thousand * (1000 / max(count, 1)) ** 0.7, 0.6, at_thousand * 2))


def _short_name(index: int, name: str) -> str:
    return name if len(name) <= 2 else str(index)


def _legend_name(index: int, name: str) -> str:
    short = _short_name(index, name)
    return name if short == name else f"{short}  {name}"
