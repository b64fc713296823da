"""What is known of single samples, from the jobs' results: decisions, points of every layer, and small maps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import (
    TRAINED,
    LayerPoints,
    MeasuredSamples,
    SampleDecisions,
    StabilityMap,
    commit_names,
)
from strata.artifacts.samples import Samples
from strata.measures.estimates import layer_results
from strata.measures.labels import decide, neighbourhood_hit, votes
from strata.measures.plan import Plan
from strata.measures.results import LayerResults, Results
from strata.measures.similarity import drift, neighbourhood_overlap
from strata.measures.space_files import POINTS


def measured_samples(plan: Plan, results: Results, samples: Samples) -> MeasuredSamples:
    """Return where along the layers each measured sample is decided, by the clock of `layer_votes`.

    Only which samples are measured where there are no labels to vote with, or no predictions to decide for.
    """
    if not plan.labels or plan.predicted is None:
        return MeasuredSamples(samples.sample_id[plan.rows])
    return _decided(plan, samples, plan.predicted, [layer_votes(plan, results, layer) for layer in plan.layers])


def probe_decisions(plan: Plan, results: Results, samples: Samples) -> SampleDecisions | None:
    """Return the same by a second clock: the votes of each layer's linear probe (Belrose et al. 2023, the tuned lens).

    None where the measured samples are not the held-out images: the probes are fitted to training images. Or where
    there are none of these, no labels, or no predictions.
    """
    if plan.held_out != POINTS or not plan.reads or plan.predicted is None:
        return None
    votes = [
        plan.predicted if layer == plan.output else results.readouts[TRAINED, layer][TRAINED].votes.classes
        for layer in plan.layers
    ]
    return _decided(plan, samples, plan.predicted, votes)


def _decided(
    plan: Plan, samples: Samples, predicted: NDArray[np.int16], votes: Sequence[NDArray[np.integer]]
) -> SampleDecisions:
    ballots, rows = np.stack(votes), plan.rows
    decisions = decide(ballots, predicted, samples.labels[rows], plan.params.late_layers)
    return SampleDecisions(sample_id=samples.sample_id[rows], **vars(decisions))


def layer_votes(plan: Plan, results: Results, layer: str) -> NDArray[np.intp]:
    """Return each measured sample's vote (n,) in a layer: the most frequent label of its neighbours, itself left out.

    The network's output votes by the prediction itself.
    """
    if layer == plan.output and plan.predicted is not None:
        return plan.predicted.astype(np.intp)
    labels = plan.labels[TRAINED]
    return votes(labels.points[results.geometries[TRAINED, layer].neighbours], labels.classes)


def layer_points(plan: Plan, results: Results, all_ids: NDArray[np.int32]) -> dict[str, LayerPoints]:
    """Return what is known of each measured sample in each layer; `all_ids` are those of all mapped samples.

    Its neighbours are sought among all mapped samples, all else is measured among the measured ones.
    """
    ids = all_ids[plan.rows]
    points = {}
    for layer in plan.layers:
        known = layer_results(plan, results, TRAINED, layer, TRAINED)
        trust, vote, hit = known.map.trust, None, None
        if known.known_labels is not None:
            vote = layer_votes(plan, results, layer).astype(np.int16)
            hit = neighbourhood_hit(known.labels[known.neighbours], known.labels).astype(np.float32)
        points[layer] = LayerPoints(
            sample_id=ids,
            vote=vote,
            hit=hit,
            recall=trust.recall.astype(np.float32),
            trustworthiness=trust.trustworthiness.astype(np.float32),
            continuity=trust.continuity.astype(np.float32),
            false_neighbours=trust.false_neighbours.astype(np.float32),
            missing_neighbours=trust.missing_neighbours.astype(np.float32),
            drift=_drift(known).astype(np.float32),
            stability=_stability(plan, results, layer).astype(np.float32),
            neighbours=all_ids[results.mapped_neighbours.get(layer, plan.rows[known.neighbours])],
        )
    return points


def _drift(layer: LayerResults) -> NDArray[np.float64]:
    """Return each point's drift (n,) towards the next layer, NaN in the last."""
    if layer.next_geometry is None:
        return np.full(len(layer.near), np.nan)
    return drift(neighbourhood_overlap(layer.neighbours, layer.next_neighbours))


def _stability(plan: Plan, results: Results, layer: str) -> NDArray[np.float64]:
    """Return each point's share of neighbours (n,) that runs share, over all perplexities; NaN outside the sample."""
    runs = [runs.stability.points for (name, _), runs in results.stabilities.items() if name == layer]
    stability = np.full(len(plan.rows), np.nan)
    stability[plan.stability_rows] = np.mean(runs, axis=0)
    return stability


def stability_maps(plan: Plan, results: Results, ids: NDArray[np.int32]) -> list[StabilityMap]:
    """Return the first run's map of every layer and perplexity; ids (n,) are those of the measured samples."""
    return [
        StabilityMap(
            layer,
            perplexity,
            ids[plan.stability_rows],
            results.stabilities[layer, perplexity].points.astype(np.float32),
        )
        for layer in plan.layers
        for perplexity in plan.again
    ]


def clock_counts(
    decisions: MeasuredSamples, by_probe: SampleDecisions | None, layers: Sequence[str]
) -> dict[str, object]:
    """Return how many samples commit at each layer by the probes, and the share for which both clocks agree.

    Empty without decisions by the probes.
    """
    if by_probe is None or not isinstance(decisions, SampleDecisions):
        return {}
    agree = float((decisions.commit_layer == by_probe.commit_layer).mean())
    return {"committed_by_probe": decision_counts(by_probe, layers)["committed"], "clocks_agree": round(agree, 4)}


def decision_counts(decisions: MeasuredSamples, layers: Sequence[str]) -> dict[str, object]:
    """Return how many samples are late, flip-floppers, and right then lost; and how many commit at each layer.

    Empty where samples are not decided.
    """
    if not isinstance(decisions, SampleDecisions):
        return {}
    names = commit_names(layers)
    committed = np.bincount(decisions.commit_layer, minlength=len(names))
    return {
        "late": int(decisions.late.sum()),
        "flip_floppers": int(decisions.flip_flopper.sum()),
        "right_then_lost": int(decisions.right_then_lost.sum()),
        "committed": {
            name: int(count) for name, count in zip(names, committed, strict=True) if name in layers or count
        },
    }
