"""From the jobs' results to estimates: every measure of every layer and control, with its interval."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED
from strata.measures.activity import participation_ratios
from strata.measures.geometry import Geometry
from strata.measures.intervals import Estimate, from_half_samples, mean_of
from strata.measures.labels import neighbourhood_hit
from strata.measures.plan import PARTS, Key, Plan
from strata.measures.readout import Readout
from strata.measures.similarity import debiased_cka, joined, neighbourhood_overlap
from strata.measures.space_files import SPACES

Found = dict[tuple[str, str, str], Estimate]


def all_estimates(plan: Plan, results: Mapping[Key, Any]) -> Found:
    """Return (layer, measure, control) -> estimate of every measure."""
    found: Found = {}
    for space in SPACES:
        for place, layer in enumerate(plan.layers):
            geometry: Geometry = results["geometry", space, layer]
            found |= {(layer, measure, space): estimate for measure, estimate in _shape(plan, geometry).items()}
            for control, labels in plan.labels.items() if space == TRAINED else [(space, plan.labels[TRAINED])]:
                readout: Readout = results["readout", space, layer]
                found[layer, "knn_accuracy", control] = readout.knn_accuracy[control]
                found[layer, "probe_accuracy", control] = readout.probe_accuracy[control]
                found |= {
                    (layer, measure, control): estimate for measure, estimate in _hits(geometry, labels.points).items()
                }
            if place + 1 < len(plan.layers):
                following: Geometry = results["geometry", space, plan.layers[place + 1]]
                overlap = neighbourhood_overlap(geometry.neighbours, following.neighbours)
                found[layer, "overlap_with_next", space] = mean_of(overlap)
        ratios = participation_ratios(_gram_sums(results, space), half_subsets(plan))
        for layer, ratio in zip(plan.layers, ratios, strict=True):
            found[layer, "participation_ratio", space] = from_half_samples(ratio)
    for layer in plan.layers:
        if ("divergence", layer) in results:  # for maps by t-SNE only
            found[layer, "map_kl_divergence", TRAINED] = Estimate(results["divergence", layer])
    return found


def training_table(plan: Plan, results: Mapping[Key, Any]) -> pd.DataFrame:
    """Return the measures of the weights kept in training, a row a time, layer and measure; empty where none were.

    Without what needs a map, or all pairs of points and layers.
    """
    rows: list[tuple[float, str, str, float, float, float]] = []
    labels = plan.labels[TRAINED]
    for space, epochs in plan.earlier.items():
        for layer in plan.layers:
            geometry: Geometry = results["geometry", space, layer]
            readout: Readout = results["readout", space, layer]
            found = {
                **_hits(geometry, labels.points),
                "knn_accuracy": readout.knn_accuracy[space],
                "probe_accuracy": readout.probe_accuracy[space],
                **_shape(plan, geometry),
            }
            rows += [
                (float(epochs), layer, measure, estimate.value, estimate.low, estimate.high)
                for measure, estimate in found.items()
            ]
    return pd.DataFrame(rows, columns=["epochs", "layer", "measure", "value", "low", "high"])


def half_subsets(plan: Plan) -> NDArray[np.bool_]:
    """Return the subsets that are all points, or half-samples of them."""
    return plan.subsets[:, : 1 + plan.params.half_samples]


def _gram_sums(results: Mapping[Key, Any], space: str) -> Any:
    return joined([result for key, result in results.items() if key[:2] == ("similarity", space)])


def _shape(plan: Plan, geometry: Geometry) -> dict[str, Estimate]:
    halves = geometry.dimensions[: 1 + plan.params.half_samples]
    found = {
        "intrinsic_dimension": from_half_samples(np.array([half.maximum_likelihood for half in halves])),
        "intrinsic_dimension_fit": from_half_samples(np.array([half.linear_fit for half in halves])),
        "duplicates_dropped": Estimate(float(halves[0].dropped)),
        "zero_share": mean_of(geometry.zero_shares),
        "dead_share": Estimate(geometry.dead_share),
    }
    if geometry.map is not None:
        trust = geometry.map.trust
        found |= {
            "map_recall": mean_of(trust.recall),
            "map_trustworthiness": mean_of(trust.trustworthiness),
            "map_continuity": mean_of(trust.continuity),
            "map_distance_correlation": Estimate(geometry.map.distance_correlation),
        }
    return found


def _hits(geometry: Geometry, labels: NDArray[np.int16]) -> dict[str, Estimate]:
    found = {"neighbourhood_hit": mean_of(neighbourhood_hit(labels[geometry.neighbours], labels))}
    if geometry.map is not None:
        found["map_hit"] = mean_of(neighbourhood_hit(labels[geometry.map.neighbours], labels))
    return found


def cka_table(plan: Plan, results: Mapping[Key, Any]) -> pd.DataFrame:
    """Return the debiased linear CKA of all pairs of layers, with intervals by half-samples, by control."""
    rows = []
    for space in SPACES:
        cka = debiased_cka(_gram_sums(results, space), half_subsets(plan))
        for first, left in enumerate(plan.layers):
            for second, right in enumerate(plan.layers):
                found = from_half_samples(cka[first, second])
                rows.append((left, right, found.value, found.low, found.high, space))
    return pd.DataFrame(rows, columns=["layer", "other_layer", "value", "low", "high", "control"])


def dimension_table(plan: Plan, results: Mapping[Key, Any]) -> pd.DataFrame:
    """Return the intrinsic dimension against the number of points, by layer, estimator and control.

    From all points with the interval by half-samples; from halves, quarters and eighths the mean of the disjoint parts,
    with the least and the most as bounds.
    """
    rows: list[tuple[str, str, int, float, float, float, str]] = []
    sizes = [len(plan.rows)] + [len(plan.rows) // number for number in PARTS]
    for space in SPACES:
        for layer in plan.layers:
            dimensions = results["geometry", space, layer].dimensions
            for estimator in ("maximum_likelihood", "linear_fit"):
                values = np.array([getattr(found, estimator) for found in dimensions])
                split = np.cumsum([1 + plan.params.half_samples, *PARTS])
                whole, *parts = np.split(values, split[:-1])
                everything = from_half_samples(whole)
                rows.append((layer, estimator, sizes[0], everything.value, everything.low, everything.high, space))
                for size, part in zip(sizes[1:], parts, strict=True):
                    rows.append((layer, estimator, size, part.mean(), part.min(), part.max(), space))
    return pd.DataFrame(rows, columns=["layer", "estimator", "points", "value", "low", "high", "control"])
