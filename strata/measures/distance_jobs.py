"""What a plan needs all neighbours or kept distances for: a second round of jobs.

CKA's sums, imbalances between layers, neighbours among all mapped points, and Procrustes distances between networks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import PROJECTION, TRAINED
from strata.jobs.pool import Jobs, perform
from strata.measures.distances import ROWS
from strata.measures.geometry import Geometry, MappedNeighboursJob, mapped_neighbours
from strata.measures.gram import GramSums, gram_rows, gram_rows_of_distances, joined, sums_of_rows
from strata.measures.imbalance import NEAREST, foreign_ranks, imbalances, ranks_jobs
from strata.measures.influence import Influences
from strata.measures.plan import Plan
from strata.measures.similarity import procrustes_distance, shape_by_distances, shape_of
from strata.measures.space_files import POINTS, SpaceFiles


@dataclass(frozen=True)
class ByDistances:
    """Sums of the networks' layers' Gram matrices, those of the projections, and the rest as Results has it."""

    joint: GramSums
    projected: GramSums
    imbalances: dict[tuple[str, str, str], Influences]
    mapped_neighbours: dict[str, NDArray[np.int32]]
    network_distances: dict[tuple[str, str, str], float]


def measure_with_distances(plan: Plan, geometries: Mapping[tuple[str, str], Geometry], pool: Jobs) -> ByDistances:
    """Return what a second round of jobs finds, as it needs all neighbours and the distances that are kept.

    An imbalance is that of a layer and the next, both ways.
    """
    nearest = {key: geometry.near[:, :NEAREST] for key, geometry in geometries.items() if key[0] not in plan.earlier}
    ranks = ranks_jobs(plan.files, plan.compared.values(), nearest)
    mapped, of_gram, between = _mapped_neighbours(plan), _gram_sums(plan), _network_distances(plan)
    jobs: list[Callable[[], Any]] = [*mapped.values(), *of_gram.values(), *between.values()]
    jobs += [partial(foreign_ranks, job) for job in ranks.values()]
    done = iter(pool.run(perform, jobs, "measure: with all distances"))
    neighbours = _joined_by_layer({key: next(done) for key in mapped})
    joint, projected = _joined_gram_sums({key: next(done) for key in of_gram})
    apart = {key: next(done) for key in between}
    found = imbalances(nearest, {key: next(done) for key in ranks})
    both = list(plan.compared.items())
    both += [((space, to, by), (space, second, first)) for (space, by, to), (_, first, second) in both]
    return ByDistances(joint, projected, {key: found[stored] for key, stored in both}, neighbours, apart)


def _mapped_neighbours(plan: Plan) -> dict[tuple[str, int], Callable[[], NDArray[np.int32]]]:
    """Return jobs by layer and first row; none where all mapped points are measured, as neighbours are known then."""
    if len(plan.rows) == len(next(iter(plan.maps.values()))):
        return {}
    files, k = plan.files, plan.params.neighbours
    return {
        (layer, start): partial(
            mapped_neighbours, MappedNeighboursJob(files, layer, plan.rows, k, slice(start, start + ROWS))
        )
        for layer in plan.layers
        for start in range(0, len(plan.rows), ROWS)
    }


def _joined_by_layer(parts: Mapping[tuple[str, int], NDArray[np.int32]]) -> dict[str, NDArray[np.int32]]:
    """Return each layer's neighbours from those by layer and first row, which are in order."""
    layers = dict.fromkeys(layer for layer, _ in parts)
    return {layer: np.concatenate([part for (of, _), part in parts.items() if of == layer]) for layer in layers}


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
    return procrustes_distance(*(_shape(files, space, layer, rows) for space in (first, second)))


def _shape(files: SpaceFiles, space: str, layer: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    values, kept = files.read(space, POINTS, layer), files.distances(space, layer)
    if kept is None or values.shape[1] <= len(rows):
        return shape_of(values[rows])
    return shape_by_distances(kept.squared[np.ix_(rows, rows)])


def _joined_gram_sums(parts: Mapping[tuple[bool, int], GramSums]) -> tuple[GramSums, GramSums]:
    """Return the sums of the networks' layers, and those of the random projections."""
    networks, projections = (
        joined([part for (among, _), part in parts.items() if among == own]) for own in (True, False)
    )
    return networks, projections
