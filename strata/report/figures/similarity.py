"""How similar the layers are: matrices of CKA, one per control."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from strata.artifacts.measured import CONTROLS, PROJECTION, TRAINED, UNTRAINED
from strata.report.figures.style import strata_style

SHOWN = (TRAINED, UNTRAINED, PROJECTION)


def draw_cka(table: pd.DataFrame, layers: Sequence[str]) -> Figure:
    """Return the matrices of debiased linear CKA for the trained network and the controls, side by side."""
    with strata_style():
        figure = Figure(figsize=(15, 5), layout="constrained")
        panels = figure.subplots(1, len(SHOWN))
        images = []
        for axis, control in zip(panels, SHOWN, strict=True):
            rows = table[table["control"] == control]
            matrix = rows.pivot_table(index="layer", columns="other_layer", values="value", dropna=False)
            values = matrix.reindex(index=list(layers), columns=list(layers)).to_numpy()
            images.append(axis.imshow(values, cmap="cividis", vmin=0, vmax=1))
            axis.set_title(CONTROLS[control])
            axis.set_xticks(range(len(layers)), layers)
            axis.set_yticks(range(len(layers)), layers)
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
            for (row, column), value in np.ndenumerate(values):
                text = f"{value:.2f}" if np.isfinite(value) else "–"
                colour = "white" if value < 0.6 else "black"  # black, too, where there is no value and no cell
                axis.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
        figure.colorbar(images[0], ax=panels, label="debiased linear CKA", shrink=0.85, pad=0.01)
    return figure
