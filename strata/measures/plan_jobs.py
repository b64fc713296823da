"""The jobs of a plan for a pool, and their results put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import PROJECTION, TRAINED
from strata.jobs.pool import Jobs
from strata.maps.params import TSNE
from strata.measures.divergence import DivergenceJob, measure_divergence
from strata.measures.geometry import Geometry, GeometryJob, MappedNeighboursJob, mapped_neighbours, measure_geometry
from strata.measures.gram import GramSums, gram_rows, gram_rows_of_distances, joined, sums_of_rows
from strata.measures.imbalance import NEAREST, foreign_ranks, imbalances, ranks_jobs
from strata.measures.influence import Influences
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.neighbours import ROWS
from strata.measures.plan import Plan
from strata.measures.probe import ProbeSettings
from strata.measures.readout import Readout, ReadoutJob, measure_readout
from strata.measures.registry import MEASURES
from strata.measures.results import Results
from strata.measures.similarity import procrustes_distance
from strata.measures.space_files import POINTS, SpaceFiles, WrittenSpace, keeps_distances
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
        yield from self._made(_network_distances)

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
    joint, projected, imbalances, mapped = _with_distances(plan, geometries, pool)
    layers = len(plan.layers)
    return plan, Results(
        readouts=readouts,
        geometries=geometries,
        gram_sums={
            PROJECTION: projected,
            **{
                space: joint.of_layers(slice(place * layers, (place + 1) * layers))
                for place, space in enumerate(plan.networks)
            },
        },
        joint_gram_sums=joint,
        divergences={**plan.divergences, **jobs.results_of(_divergences, done)},
        stabilities=jobs.results_of(_stabilities, done),
        mapped_neighbours=mapped,
        network_distances=jobs.results_of(_network_distances, done),
        imbalances=imbalances,
    )


def _with_distances(
    plan: Plan, geometries: Mapping[tuple[str, str], Geometry], pool: Jobs
) -> tuple[GramSums, GramSums, dict[tuple[str, str, str], Influences], dict[str, NDArray[np.int32]]]:
    """Return the Gram matrices' sums of the networks' layers, those of the projections, imbalances, mapped neighbours.

    A second round of jobs, as they need all neighbours and the distances that are kept. An imbalance is that of a layer
    and the next, both ways.
    """
    nearest = {key: geometry.near[:, :NEAREST] for key, geometry in geometries.items() if key[0] not in plan.earlier}
    ranks = ranks_jobs(plan.files, plan.compared.values(), nearest)
    mapped, of_gram = _mapped_neighbours(plan), _gram_sums(plan)
    jobs: list[Callable[[], Any]] = [*mapped.values(), *of_gram.values()]
    jobs += [partial(foreign_ranks, job) for job in ranks.values()]
    done = iter(pool.run(perform, jobs, "measure: with all distances"))
    neighbours = {layer: next(done) for layer in mapped}
    joint, projected = _joined_gram_sums({key: next(done) for key in of_gram})
    found = imbalances(nearest, {key: next(done) for key in ranks})
    both = list(plan.compared.items())
    both += [((space, to, by), (space, second, first)) for (space, by, to), (_, first, second) in both]
    return joint, projected, {key: found[stored] for key, stored in both}, neighbours


def perform(job: Callable[[], Any]) -> Any:
    """Do a job, in a process of the pool."""
    return job()


def _with_shared_projections(plan: Plan, results: dict[tuple[str, str], Result]) -> dict[tuple[str, str], Result]:
    shared = {(PROJECTION, layer): (PROJECTION, same) for layer, same in plan.projections.items()}
    return results | {key: results[same] for key, same in shared.items() if same in results}


def _joined_gram_sums(parts: Mapping[tuple[bool, int], GramSums]) -> tuple[GramSums, GramSums]:
    """Return the sums of the networks' layers, and those of the random projections."""
    networks, projections = (
        joined([part for (among, _), part in parts.items() if among == own]) for own in (True, False)
    )
    return networks, projections


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


def _mapped_neighbours(plan: Plan) -> dict[str, Callable[[], NDArray[np.int32]]]:
    """Return a job for each layer; none where all mapped points are measured, as neighbours are known then."""
    if len(plan.rows) == len(next(iter(plan.maps.values()))):
        return {}
    return {
        layer: partial(mapped_neighbours, MappedNeighboursJob(plan.files, layer, plan.rows, plan.params.neighbours))
        for layer in plan.layers
    }


def _gram_sums(plan: Plan) -> dict[tuple[bool, int], Callable[[], GramSums]]:
    """Return jobs by whether they are of the networks, or of the random projections; and by their first row."""
    arrays = {
        True: [
            (TRAINED if (space, layer) in plan.same_as_trained else space, layer)
            for space in plan.networks
            for layer in plan.layers
        ],
        False: [(PROJECTION, plan.projections[layer]) for layer in plan.layers],
    }
    return {
        (networks, start): partial(sum_gram_rows, plan.files, names, start)
        for networks, names in arrays.items()
        for start in range(0, len(plan.rows), ROWS)
    }


def sum_gram_rows(files: SpaceFiles, arrays: Sequence[tuple[str, str]], start: int) -> GramSums:
    """Return the sums over ROWS rows, from `start` on, of the Gram matrices of layers in spaces."""
    rows, known = slice(start, start + ROWS), {}
    for space, layer in set(arrays):
        kept = files.distances(space, layer)
        if kept is None:
            known[space, layer] = gram_rows(files.read(space, POINTS, layer), rows)
        else:
            known[space, layer] = gram_rows_of_distances(kept.squared[rows], kept.sums, rows)
    return sums_of_rows([known[each] for each in arrays], rows)


def _network_distances(plan: Plan) -> dict[tuple[str, str, str], Callable[[], float]]:
    """Return a job for each layer and two networks: of the replicates and the trained one, and of that and its twin."""
    return {
        (layer, first, second): partial(measure_distance, plan.files, first, second, layer, plan.correlated)
        for layer in plan.layers
        for first, second in plan.network_pairs
        if not plan.equal_by_construction(first, second, layer)
    }


def measure_distance(files: SpaceFiles, first: str, second: str, layer: str, rows: NDArray[np.intp]) -> float:
    """Return the Procrustes distance of a layer in two networks, on the given rows."""
    return procrustes_distance(files.read(first, POINTS, layer)[rows], files.read(second, POINTS, layer)[rows])


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
