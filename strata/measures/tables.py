"""Tidy tables, one row for each layer, measure and control, or whatever else was measured; and the chief metrics."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd

from strata.artifacts.needs import NOTHING, Lacking, is_there
from strata.measures.between_networks import numbered
from strata.measures.estimates import Estimates, estimates_of_networks, estimates_over_training
from strata.measures.intervals import from_half_samples, from_influences
from strata.measures.plan import Plan
from strata.measures.registry import MEASURES
from strata.measures.results import Results
from strata.measures.similarity import cka_influences
from strata.measures.space_files import SPACES
from strata.measures.subsets import PARTS

COLUMNS = ("layer", "measure", "value", "low", "high", "control")


def measure_table(estimates: Estimates, layers: Sequence[str], controls: Sequence[str]) -> pd.DataFrame:
    """Return the tidy table, ordered by control, measure and layer as given; a measure without bounds has NaN there."""
    rows = [
        (layer, measure.key, found.value, found.low, found.high, control)
        for control in controls
        for measure in MEASURES
        for layer in layers
        if (found := estimates.get((layer, measure.key, control))) is not None
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def layer_table(estimates: Estimates, layers: Sequence[str], control: str) -> pd.DataFrame:
    """Return one row per layer and one column per measure, for `dvc plots`; `depth` counts the layers from 0."""
    columns: dict[str, list[object]] = {"depth": list(range(len(layers))), "layer": list(layers)}
    for measure in MEASURES:
        found = [estimates.get((layer, measure.key, control)) for layer in layers]
        columns[measure.key] = [estimate.value if estimate else float("nan") for estimate in found]
    return pd.DataFrame(columns)


def metrics(estimates: Estimates, layers: Sequence[str], control: str, lacks: Lacking = NOTHING) -> dict[str, object]:
    """Return measure -> layer -> rounded value of the chief measures: few and readable in `dvc metrics diff`.

    Without those that need what a run `lacks`.
    """
    return {
        measure.key: {
            layer: round(found.value, 4)
            for layer in layers
            if (found := estimates.get((layer, measure.key, control))) is not None and isfinite(found.value)
        }
        for measure in MEASURES
        if measure.chief and is_there(measure.needs, lacks)
    }


def training_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return the measures of the weights kept in training by time, layer and measure; empty where none were kept."""
    estimates = estimates_over_training(plan, results)
    rows = [
        (float(epochs), layer, measure.key, found.value, found.low, found.high)
        for space, epochs in plan.earlier.items()
        for layer in plan.layers
        for measure in MEASURES
        if (found := estimates.get((layer, measure.key, space))) is not None
    ]
    return pd.DataFrame(rows, columns=["epochs", "layer", "measure", "value", "low", "high"])


def cka_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return the debiased linear CKA of all pairs of layers, with intervals by influences, by control.

    Without pairs of layers that share a random projection: there it is 1 by construction.
    """
    rows = []
    for space in SPACES:
        for left, others in zip(plan.layers, cka_influences(results.gram_sums[space]), strict=True):
            for right, influences in zip(plan.layers, others, strict=True):
                if left != right and plan.same_projection(space, left, right):
                    continue
                likeness = from_influences(influences)
                rows.append((left, right, likeness.value, likeness.low, likeness.high, space))
    return pd.DataFrame(rows, columns=["layer", "other_layer", "value", "low", "high", "control"])


def network_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return the measures of every trained network by number, measure and layer; number 1 is the one that is mapped."""
    estimates = estimates_of_networks(plan, results)
    rows = [
        (number, layer, measure.key, found.value, found.low, found.high)
        for space, number in numbered(plan).items()
        for measure in MEASURES
        for layer in plan.layers
        if (found := estimates.get((layer, measure.key, space))) is not None
    ]
    return pd.DataFrame(rows, columns=["network", "layer", "measure", "value", "low", "high"])


def dimension_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return the intrinsic dimension against the number of points, by layer, estimator and control.

    From all points with the interval by half-samples; from halves, quarters and eighths the mean of the disjoint parts,
    with the least and the most as bounds.
    """
    rows: list[tuple[str, str, int, float, float, float, str]] = []
    sizes = [len(plan.rows)] + [len(plan.rows) // number for number in PARTS]
    for space in SPACES:
        for layer in plan.layers:
            dimensions = results.geometries[space, layer].dimensions
            for estimator in ("maximum_likelihood", "linear_fit"):
                values = np.array([getattr(dimension, estimator) for dimension in dimensions])
                split = np.cumsum([plan.halves.shape[1], *PARTS])
                whole, *parts = np.split(values, split[:-1])
                everything = from_half_samples(whole)
                rows.append((layer, estimator, sizes[0], everything.value, everything.low, everything.high, space))
                for size, part in zip(sizes[1:], parts, strict=True):
                    rows.append((layer, estimator, size, part.mean(), part.min(), part.max(), space))
    return pd.DataFrame(rows, columns=["layer", "estimator", "points", "value", "low", "high", "control"])


def stability_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return, by layer and perplexity, how far runs from random starts agree: means over their pairs."""
    rows = []
    for layer in plan.layers:
        for perplexity in plan.again:
            runs = results.stabilities[layer, perplexity].stability
            agreement = runs.overlaps.mean(), runs.disparities.mean()
            rows.append((layer, perplexity, len(plan.stability_rows), plan.params.stability_seeds, *agreement))
    return pd.DataFrame(rows, columns=["layer", "perplexity", "points", "runs", "knn_overlap", "procrustes_disparity"])
