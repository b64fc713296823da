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
from strata.measures.gram import GramSums, gram_sums, joined
from strata.measures.imbalance import NEAREST, imbalances
from strata.measures.influence import Influences
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.neighbours import ROWS
from strata.measures.plan import Plan
from strata.measures.probe import ProbeSettings
from strata.measures.readout import Readout, ReadoutJob, measure_readout
from strata.measures.registry import MEASURES
from strata.measures.results import Results
from strata.measures.similarity import procrustes_distance
from strata.measures.space_files import POINTS, SPACES, SpaceFiles
from strata.measures.stability import StabilityJob, StabilityRuns, measure_stability

Key = TypeVar("Key")
Result = TypeVar("Result")


def run_plan(plan: Plan, pool: Jobs) -> Results:
    """Return every job's result."""
    readouts, geometries, grams = _readouts(plan), _geometries(plan), _gram_sums(plan)
    divergences, stabilities, mapped = _divergences(plan), _stabilities(plan), _mapped_neighbours(plan)
    distances = _network_distances(plan)
    jobs: list[Callable[[], Any]] = [*readouts.values(), *geometries.values(), *grams.values()]
    jobs += [*divergences.values(), *stabilities.values(), *mapped.values(), *distances.values()]
    done = iter(pool.run(perform, jobs, "measure"))
    readouts_done = _with_shared_projections(plan, _results_of(readouts, done))
    geometries_done = _with_shared_projections(plan, _results_of(geometries, done))
    for space, layer in plan.same_as_trained:
        known = geometries_done[TRAINED, layer]
        classes = {}
        if plan.reads:
            readouts_done[space, layer] = {space: readouts_done[TRAINED, layer][TRAINED]}
        if plan.labels:
            classes = {space: known.class_dimensions[TRAINED]}
        geometries_done[space, layer] = replace(known, map=None, class_dimensions=classes)
    joint, projected = _joined_gram_sums(_results_of(grams, done))
    layers = len(plan.layers)
    return Results(
        readouts=readouts_done,
        geometries=geometries_done,
        gram_sums={
            PROJECTION: projected,
            **{
                space: joint.of_layers(slice(place * layers, (place + 1) * layers))
                for place, space in enumerate(plan.networks)
            },
        },
        joint_gram_sums=joint,
        divergences=_results_of(divergences, done),
        stabilities=_results_of(stabilities, done),
        mapped_neighbours=_results_of(mapped, done),
        network_distances=_results_of(distances, done),
        imbalances=_imbalances(plan, geometries_done, pool),
    )


def _imbalances(
    plan: Plan, geometries: Mapping[tuple[str, str], Geometry], pool: Jobs
) -> dict[tuple[str, str, str], Influences]:
    """Return the imbalance of each layer and the next, both ways: a second round of jobs, as it needs neighbours."""
    nearest = {key: geometry.near[:, :NEAREST] for key, geometry in geometries.items() if key[0] not in plan.earlier}
    found = imbalances(plan.files, plan.compared.values(), nearest, pool)
    both = list(plan.compared.items())
    both += [((space, to, by), (space, second, first)) for (space, by, to), (_, first, second) in both]
    return {key: found[stored] for key, stored in both}


def perform(job: Callable[[], Any]) -> Any:
    """Do a job, in a process of the pool."""
    return job()


def _results_of(jobs: Mapping[Key, Callable[[], Result]], done: Iterator[Any]) -> dict[Key, Result]:
    return {key: next(done) for key in jobs}


def _with_shared_projections(plan: Plan, results: dict[tuple[str, str], Result]) -> dict[tuple[str, str], Result]:
    shared = {(PROJECTION, layer): (PROJECTION, same) for layer, same in plan.projections.items()}
    return results | {key: results[same] for key, same in shared.items() if same in results}


def _joined_gram_sums(parts: Mapping[tuple[bool, int], GramSums]) -> tuple[GramSums, GramSums]:
    """Return the sums of the networks' layers, and those of the random projections."""
    networks, projections = (
        joined([part for (among, _), part in parts.items() if among == own]) for own in (True, False)
    )
    return networks, projections


def _spaces(plan: Plan) -> Iterable[tuple[str, str]]:
    """Return every space and layer to measure, the same activations and the same random projection once."""
    return [
        (space, layer)
        for layer in plan.layers
        for space in (*SPACES, *plan.replicates, *plan.earlier)
        if (space, layer) not in plan.same_as_trained and (space != PROJECTION or plan.projections[layer] == layer)
    ]


def _readouts(plan: Plan) -> dict[tuple[str, str], Callable[[], dict[str, Readout]]]:
    """Return a job for each space and layer; none without labels, or training images."""
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
        for space, layer in _spaces(plan)
    }


def _geometries(plan: Plan) -> dict[tuple[str, str], Callable[[], Geometry]]:
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
            ),
        )
        for space, layer in _spaces(plan)
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
        True: [(space, layer) for space in plan.networks for layer in plan.layers],
        False: [(PROJECTION, plan.projections[layer]) for layer in plan.layers],
    }
    return {
        (networks, start): partial(sum_gram_rows, plan.files, names, start)
        for networks, names in arrays.items()
        for start in range(0, len(plan.rows), ROWS)
    }


def sum_gram_rows(files: SpaceFiles, arrays: Sequence[tuple[str, str]], start: int) -> GramSums:
    """Return the sums over ROWS rows, from `start` on, of the Gram matrices of layers in spaces."""
    return gram_sums([files.read(space, POINTS, layer) for space, layer in arrays], slice(start, start + ROWS))


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
    """Return a job for each map by t-SNE: no other method minimizes this divergence."""
    embed = plan.embed
    return {
        layer: partial(
            measure_divergence,
            DivergenceJob(plan.activations[layer], plan.maps[layer], embed.perplexity, embed.pca_components, plan.seed),
        )
        for layer in plan.layers
        if embed.method == TSNE
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
