"""What the measure stage writes of single samples and of the maps, from the jobs' results."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measured import NEVER, TRAINED, LayerPoints, SampleDecisions, StabilityMap
from strata.artifacts.samples import Samples
from strata.measures.geometry import Geometry
from strata.measures.labels import Decisions, class_pair_hits, decide, neighbourhood_hit, votes
from strata.measures.plan import Key, Plan
from strata.measures.similarity import drift, neighbourhood_overlap
from strata.measures.stability import StabilityRuns


def sample_decisions(plan: Plan, results: Mapping[Key, Any], samples: Samples) -> SampleDecisions:
    """Return where along the layers each measured sample is decided."""
    ballots = np.stack([layer_votes(plan, results, layer) for layer in plan.layers])
    rows = plan.rows
    found: Decisions = decide(ballots, samples.predicted[rows], samples.label[rows], plan.params.late_layers)
    return SampleDecisions(
        samples.sample_id[rows],
        found.commit_layer,
        found.flips,
        found.late,
        found.flip_flopper,
        found.right_then_lost,
    )


def layer_votes(plan: Plan, results: Mapping[Key, Any], layer: str) -> NDArray[np.intp]:
    """Return the majority label (n,) of each measured sample's neighbours in a layer, itself left out."""
    labels = plan.labels[TRAINED]
    return votes(labels.points[results["geometry", TRAINED, layer].neighbours], labels.classes)


def layer_points(plan: Plan, results: Mapping[Key, Any], ids: NDArray[np.int32]) -> dict[str, LayerPoints]:
    """Return what is known of each measured sample, ids (n,), in each layer."""
    found = {}
    labels = plan.labels[TRAINED].points
    for place, layer in enumerate(plan.layers):
        geometry: Geometry = results["geometry", TRAINED, layer]
        if geometry.map is None:
            raise ValueError(f"layer {layer} was measured without its map")
        trust = geometry.map.trust
        moved = np.full(len(ids), np.nan)
        if place + 1 < len(plan.layers):
            following = results["geometry", TRAINED, plan.layers[place + 1]].neighbours
            moved = drift(neighbourhood_overlap(geometry.neighbours, following))
        stability = np.full(len(ids), np.nan)
        stability[plan.stability_rows] = np.mean([run.stability.points for run in _runs(results, layer)], axis=0)
        found[layer] = LayerPoints(
            sample_id=ids,
            vote=layer_votes(plan, results, layer).astype(np.int16),
            hit=neighbourhood_hit(labels[geometry.neighbours], labels).astype(np.float32),
            recall=trust.recall.astype(np.float32),
            trustworthiness=trust.trustworthiness.astype(np.float32),
            continuity=trust.continuity.astype(np.float32),
            false_neighbours=trust.false_neighbours.astype(np.float32),
            missing_neighbours=trust.missing_neighbours.astype(np.float32),
            drift=moved.astype(np.float32),
            stability=stability.astype(np.float32),
            neighbours=ids[geometry.neighbours],
        )
    return found


def _runs(results: Mapping[Key, Any], layer: str) -> list[StabilityRuns]:
    return [result for key, result in results.items() if key[:2] == ("stability", layer)]


def stability_maps(plan: Plan, results: Mapping[Key, Any], ids: NDArray[np.int32]) -> list[StabilityMap]:
    """Return the first run's map of every layer and perplexity; ids (n,) are those of the measured samples."""
    return [
        StabilityMap(
            layer,
            perplexity,
            ids[plan.stability_rows],
            results["stability", layer, perplexity].points.astype(np.float32),
        )
        for layer in plan.layers
        for perplexity in plan.again
    ]


def stability_table(plan: Plan, results: Mapping[Key, Any]) -> pd.DataFrame:
    """Return, by layer and perplexity, how far runs from random starts agree: means over their pairs."""
    rows = []
    for layer in plan.layers:
        for perplexity in plan.again:
            found = results["stability", layer, perplexity].stability
            rows.append(
                (
                    layer,
                    perplexity,
                    len(plan.stability_rows),
                    plan.params.stability_seeds,
                    found.overlaps.mean(),
                    found.disparities.mean(),
                )
            )
    return pd.DataFrame(rows, columns=["layer", "perplexity", "points", "runs", "knn_overlap", "procrustes_disparity"])


def class_pair_table(plan: Plan, results: Mapping[Key, Any]) -> pd.DataFrame:
    """Return how separable each pair of classes is in each layer: the neighbourhood hit of the pair."""
    labels = plan.labels[TRAINED]
    rows = []
    for layer in plan.layers:
        neighbours = results["geometry", TRAINED, layer].neighbours
        pairs = class_pair_hits(labels.points[neighbours], labels.points, labels.classes)
        rows += [
            (layer, first, second, pairs[first, second])
            for first in range(labels.classes)
            for second in range(first, labels.classes)
        ]
    return pd.DataFrame(rows, columns=["layer", "class", "other_class", "separability"])


def decision_counts(decisions: SampleDecisions) -> dict[str, int]:
    """Return how many samples are late, never committed, flip-floppers, and right then lost."""
    return {
        "late": int(decisions.late.sum()),
        "never_committed": int((decisions.commit_layer == NEVER).sum()),
        "flip_floppers": int(decisions.flip_flopper.sum()),
        "right_then_lost": int(decisions.right_then_lost.sum()),
    }
