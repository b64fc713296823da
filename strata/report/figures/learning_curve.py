"""The learning curve: loss and accuracy against the images seen."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from strata.report.figures.style import MUTED, WARM, strata_style


def draw_learning_curve(batches: pd.DataFrame, epochs: pd.DataFrame) -> Figure:
    """Return the curves of the train stage's two tables.

    `batches` has epoch, train_loss and train_accuracy at each log interval; `epochs` has epoch, test_loss and
    test_accuracy after each epoch.
    """
    with strata_style():
        figure = Figure(figsize=(11, 4.2), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        for axis, name in ((loss, "loss"), (accuracy, "accuracy")):
            axis.plot(batches["epoch"], batches[f"train_{name}"], color=MUTED, linewidth=1.2, label="training batches")
            axis.plot(
                epochs["epoch"],
                epochs[f"test_{name}"],
                "o-",
                color=WARM,
                linewidth=2,
                markersize=6,
                label="test images",
            )
            axis.set_xlabel("epoch")
            axis.grid(axis="y", color="#e5e5e5")
            axis.set_axisbelow(True)
        loss.set(ylabel="negative log-likelihood (nats)", yscale="log", title="Loss")
        accuracy.set(ylabel="accuracy", title="Accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
        last = epochs.iloc[-1]
        accuracy.annotate(
            f"{last['test_accuracy']:.1%}",
            (last["epoch"], last["test_accuracy"]),
            xytext=(0, -18),
            textcoords="offset points",
            ha="center",
            color=WARM,
            fontweight="bold",
        )
        accuracy.legend(loc="lower right")
    return figure
