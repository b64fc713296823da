"""Tidy tables of measures: a row a layer, measure and control, with the value and its 95% interval."""

from collections.abc import Mapping, Sequence
from math import isfinite

import pandas as pd

from strata.artifacts.measured import MEASURES
from strata.measures.intervals import Estimate

COLUMNS = ("layer", "measure", "value", "low", "high", "control")

CHIEF = ("neighbourhood_hit", "probe_accuracy", "intrinsic_dimension", "map_trustworthiness")

# (layer, measure, control) -> estimate
Estimates = Mapping[tuple[str, str, str], Estimate]


def measure_table(estimates: Estimates, layers: Sequence[str], controls: Sequence[str]) -> pd.DataFrame:
    """Return the tidy table, ordered by control, measure and layer as given; a measure without bounds has NaN there."""
    rows = [
        (layer, measure, found.value, found.low, found.high, control)
        for control in controls
        for measure in MEASURES
        for layer in layers
        if (found := estimates.get((layer, measure, control))) is not None
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def layer_table(estimates: Estimates, layers: Sequence[str], control: str) -> pd.DataFrame:
    """Return one row a layer and one column a measure, for `dvc plots`; `depth` counts the layers from 0."""
    columns: dict[str, list[object]] = {"depth": list(range(len(layers))), "layer": list(layers)}
    for measure in MEASURES:
        found = [estimates.get((layer, measure, control)) for layer in layers]
        columns[measure] = [estimate.value if estimate else float("nan") for estimate in found]
    return pd.DataFrame(columns)


def metrics(estimates: Estimates, layers: Sequence[str], control: str) -> dict[str, object]:
    """Return measure -> layer -> rounded value of the chief measures: few and readable in `dvc metrics diff`."""
    return {
        measure: {
            layer: round(found.value, 4)
            for layer in layers
            if (found := estimates.get((layer, measure, control))) is not None and isfinite(found.value)
        }
        for measure in CHIEF
    }
