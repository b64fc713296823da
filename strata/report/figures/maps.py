"""Maps: all layers as small multiples, and one layer large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from strata.report.figures.style import ACCENT, INK, MAX_NAMED, MUTED, class_colour, strata_style

COLUMNS = 4
# Above this many points, an SVG contains the points as an image: as shapes they would take tens of megabytes.
VECTOR_POINTS = 2000
MAX_LISTED = 20  # classes in a legend


@dataclass(frozen=True)
class Numbers:
    """A number per sample, float (n,), that colours maps where there are no labels, and its name."""

    name: str
    values: NDArray[np.float32]

    @property
    def scale(self) -> ScalarMappable:
        """The colours of the numbers, from the least to the largest."""
        return ScalarMappable(Normalize(float(self.values.min()), float(self.values.max())), mpl.colormaps["viridis"])


def draw_all_maps(
    maps: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    subtitles: Mapping[str, str],
    method: str,
    numbers: Numbers | None = None,
) -> Figure:
    """Return the maps, layer's name -> points (n, 2), side by side, coloured by label (n,), with one legend.

    Without labels they are coloured by `numbers`, if there are any. `method` names the axes: "t-SNE" gives "t-SNE 1"
    and "t-SNE 2".
    """
    rows = -(-(len(maps) + 1) // COLUMNS)
    with strata_style():
        figure = Figure(figsize=(3.6 * COLUMNS, 3.75 * rows), layout="constrained")
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axis, (layer, points) in zip(axes, maps.items(), strict=False):
            _draw_map(axis, points, labels, classes, method, _marker_size(len(points), 7.0), numbers)
            axis.set_title(layer)
            axis.set_title(subtitles.get(layer, ""), loc="right", fontsize=10, fontweight="normal", color=MUTED)
        for axis in axes[len(maps) :]:
            axis.set_axis_off()
        if labels is not None:
            axes[len(maps)].legend(
                handles=legend_handles(classes),
                title="label",
                loc="center",
                ncols=1 if len(classes) <= 10 else 2,
                fontsize=11 if len(classes) <= 10 else 7,
            )
        elif numbers is not None:
            figure.colorbar(numbers.scale, ax=axes[len(maps)], label=numbers.name, location="left")
    return figure


def draw_map(
    points: NDArray[np.float32],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    title: str,
    subtitle: str,
    method: str,
    numbers: Numbers | None = None,
) -> Figure:
    """Return one large map, points (n, 2) coloured by label (n,), with a legend; `method` names the axes.

    Without labels it is coloured by `numbers`, if there are any.
    """
    with strata_style():
        figure = Figure(figsize=(9.2, 8), layout="constrained")
        axis = figure.subplots()
        _draw_map(axis, points, labels, classes, method, _marker_size(len(points), 26.0), numbers)
        axis.set_title(title, fontsize=16)
        axis.set_title(subtitle, loc="right", fontsize=11, fontweight="normal", color=MUTED)
        if labels is not None:
            axis.legend(handles=legend_handles(classes), title="label", loc="center left", bbox_to_anchor=(1.0, 0.5))
        elif numbers is not None:
            figure.colorbar(numbers.scale, ax=axis, label=numbers.name, shrink=0.6)
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
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    method: str,
    size: float,
    numbers: Numbers | None,
) -> None:
    scatter_labels(axis, points, labels, size, numbers)
    for label in np.unique(labels) if labels is not None and len(classes) <= MAX_NAMED else ():
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


def point_colours(labels: NDArray[np.integer] | None, numbers: Numbers | None = None) -> Any:
    """Return the colours of points: by label (n,), by number, or one for all."""
    if labels is not None:
        return [class_colour(int(label)) for label in labels]
    return ACCENT if numbers is None else numbers.scale.to_rgba(numbers.values)


def scatter_labels(
    axis: Axes,
    points: NDArray[np.float32],
    labels: NDArray[np.integer] | None,
    size: float,
    numbers: Numbers | None = None,
) -> None:
    """Draw points (n, 2) in the colours of their labels or numbers into a square frame without ticks."""
    axis.scatter(
        points[:, 0],
        points[:, 1],
        c=point_colours(labels, numbers),
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
