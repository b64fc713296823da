"""The confusion matrix: what each class was taken for."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strata.report.figures.style import INK, MAX_NAMED, strata_style


def confusion_counts(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Return counts (classes, classes): row, the label; column, the prediction."""
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def draw_confusion(counts: NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Return the matrix of counts, coloured by the share of each label, with numbers and names if there is room."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    long_names = max(map(len, classes)) > 3
    with strata_style():
        figure = Figure(figsize=(8.6, 7.4), layout="constrained")
        axis = figure.subplots()
        # The square root makes a few mistakes visible.
        image = axis.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
        named = len(classes) <= MAX_NAMED
        for row, column in np.argwhere(counts) if named else ():
            colour = "white" if shares[row, column] > 0.4 else INK
            axis.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour, fontsize=11)
        ticks = range(len(classes)) if named else []
        classes = classes if named else []
        axis.set_xticks(ticks, classes, rotation=45 if long_names else 0, ha="right" if long_names else "center")
        axis.set_yticks(ticks, classes)
        axis.set(xlabel="predicted", ylabel="label", title="What each class was taken for (counts)")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axis, shrink=0.8, ticks=np.sqrt([0, 0.01, 0.1, 0.25, 0.5, 1]))
        bar.ax.set_yticklabels(["0%", "1%", "10%", "25%", "50%", "100%"])
        bar.set_label("share of the label's samples (square-root scale)")
        bar.outline.set_visible(False)
    return figure
