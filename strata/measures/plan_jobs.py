"""The jobs of a plan for a pool, and their results put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from strata.artifacts.measured import PROJECTION, TRAINED
from strata.jobs.pool import Jobs, perform
from strata.maps.params import TSNE
from strata.measures.distance_jobs import measure_with_distances
from strata.measures.divergence import DivergenceJob, measure_divergence
from strata.measures.geometry import Geometry, GeometryJob, measure_geometry
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.plan import Plan
from strata.measures.probe import ProbeSettings
from strata.measures.readout import Readout, ReadoutJob, measure_readout
from strata.measures.registry import MEASURES
from strata.measures.results import Results
from strata.measures.space_files import POINTS, WrittenSpace, keeps_distances
from strata.measures.stability import StabilityJob, StabilityRuns, measure_stability

Key = TypeVar("Key")
Result = TypeVar("Result")


class _Jobs:
    """The jobs of a plan as they become known, with what makes each; `plan` grows by what the spaces tell."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._keys: list[tuple[Callable[..., Any], Any]] = []  # the function that made a job, and its name there

    def in_time(self, spaces: Iterable[WrittenSpace]) -> Iterator[Callable[[], Any]]:
        """Yield the jobs: before the first space comes those that need the extracted points only."""
        yield from self._made(_divergences)
        yield from self._made(_geometries, TRAINED)
        yield from self._made(_stabilities)
        for written in spaces:
            self.plan = self.plan.with_space(written)
            yield from self._made(_readouts, written.space)
            if written.space != TRAINED:
                yield from self._made(_geometries, written.space)

    def _made(self, make: Callable[..., Mapping[Any, Callable[[], Any]]], *space: str) -> Iterator[Callable[[], Any]]:
        jobs = make(self.plan, *space)
        self._keys += [(make, key) for key in jobs]
        yield from jobs.values()

    def results_of(
        self, make: Callable[..., Mapping[Key, Callable[[], Result]]], results: Sequence[Any]
    ) -> dict[Key, Result]:
        """Return those of all jobs' results that are of the jobs that a function made, by its keys."""
        return {key: result for (maker, key), result in zip(self._keys, results, strict=True) if maker is make}


def run_plan(plan: Plan, spaces: Iterable[WrittenSpace], pool: Jobs) -> tuple[Plan, Results]:
    """Return the plan with what the spaces tell, which come as they are written, and every job's result.

    The jobs of a space run while the next one is written.
    """
    jobs = _Jobs(plan)
    done = pool.run(perform, jobs.in_time(spaces), "measure")
    plan = jobs.plan
    readouts = _with_shared_projections(plan, jobs.results_of(_readouts, done))
    geometries = _with_shared_projections(plan, jobs.results_of(_geometries, done))
    for space, layer in plan.same_as_trained:
        known = geometries[TRAINED, layer]
        classes = {}
        if plan.reads:
            readouts[space, layer] = {space: readouts[TRAINED, layer][TRAINED]}
        if plan.labels:
            classes = {space: known.class_dimensions[TRAINED]}
        geometries[space, layer] = replace(known, map=None, class_dimensions=classes)
    later = measure_with_distances(plan, geometries, pool)
    layers = len(plan.layers)
    return plan, Results(
        readouts=readouts,
        geometries=geometries,
        gram_sums={
            PROJECTION: later.projected,
            **{
                space: later.joint.of_layers(slice(place * layers, (place + 1) * layers))
                for place, space in enumerate(plan.networks)
            },
        },
        joint_gram_sums=later.joint,
        divergences={**plan.divergences, **jobs.results_of(_divergences, done)},
        stabilities=jobs.results_of(_stabilities, done),
        mapped_neighbours=later.mapped_neighbours,
        network_distances=later.network_distances,
        imbalances=later.imbalances,
    )


def _with_shared_projections(plan: Plan, results: dict[tuple[str, str], Result]) -> dict[tuple[str, str], Result]:
    shared = {(PROJECTION, layer): (PROJECTION, same) for layer, same in plan.projections.items()}
    return results | {key: results[same] for key, same in shared.items() if same in results}


def _layers_in(plan: Plan, space: str) -> list[str]:
    """Return the layers of a space to measure, the widest first: the same activations and random projection once."""
    return sorted(
        (
            layer
            for layer in plan.layers
            if (space, layer) not in plan.same_as_trained and (space != PROJECTION or plan.projections[layer] == layer)
        ),
        key=lambda layer: -plan.files.read(space, POINTS, layer).shape[1],
    )


def _readouts(plan: Plan, space: str) -> dict[tuple[str, str], Callable[[], dict[str, Readout]]]:
    """Return a job for each layer of a space; none without labels, or training images."""
    if not plan.reads:
        return {}
    params = plan.params
    probe = ProbeSettings(params.probe_penalties, params.probe_validation, params.probe_search_components, plan.seed)
    return {
        (space, layer): partial(
            measure_readout,
            ReadoutJob(
                plan.files,
                space,
                layer,
                plan.held_out,
                plan.labels_in(space),
                params.neighbours,
                probe,
            ),
        )
        for layer in _layers_in(plan, space)
    }


def _geometries(plan: Plan, space: str) -> dict[tuple[str, str], Callable[[], Geometry]]:
    scores = {
        measure.key: partial(scores_of_activations, measure.score.score, measure.interval)
        for measure in MEASURES
        if isinstance(measure.score, OfActivations)
    }
    return {
        (space, layer): partial(
            measure_geometry,
            GeometryJob(
                plan.files,
                space,
                layer,
                plan.params.neighbours,
                plan.subsets,
                plan.halves.shape[1],
                scores,
                plan.maps[layer][plan.rows] if space == TRAINED else None,
                plan.correlated,
                {control: labels.points for control, labels in plan.labels_in(space).items()},
                space not in plan.earlier
                and keeps_distances(len(plan.rows), plan.files.read(space, POINTS, layer).shape[1]),
            ),
        )
        for layer in _layers_in(plan, space)
    }


def _divergences(plan: Plan) -> dict[str, Callable[[], float]]:
    """Return a job for each map by t-SNE whose divergence is not known: no other method minimizes it."""
    embed = plan.embed
    return {
        layer: partial(
            measure_divergence,
            DivergenceJob(plan.activations[layer], plan.maps[layer], embed.perplexity, embed.pca_components, plan.seed),
        )
        for layer in plan.layers
        if embed.method == TSNE and layer not in plan.divergences
    }


def _stabilities(plan: Plan) -> dict[tuple[str, float | None], Callable[[], StabilityRuns]]:
    params, rows = plan.params, plan.stability_rows
    return {
        (layer, perplexity): partial(
            measure_stability,
            StabilityJob(
                plan.files,
                layer,
                rows,
                plan.maps[layer][plan.rows][rows].astype(np.float64),
                plan.again[perplexity],
                plan.embed.pca_components,
                params.neighbours,
                params.stability_seeds,
                plan.seed,
            ),
        )
        for perplexity in sorted(plan.again, key=lambda each: each or 0, reverse=True)  # the longest first
        for layer in plan.layers
    }
