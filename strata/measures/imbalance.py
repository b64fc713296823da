"""Information imbalance: how well distances in one space foretell those in another (Glielmo et al. 2022).

Glielmo, Zeni, Cheng, Csányi & Laio 2022, Ranking the information content of distance measures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.distances import ROWS, squared_distances
from strata.measures.influence import Influences, influences_on_mean
from strata.measures.space_files import POINTS, SpaceFiles

NEAREST = 2  # others of each point: the nearest, and the one that would take its place


@dataclass(frozen=True)
class ForeignRanks:
    """Ranks in one space of points that are nearest in another.

    `ranks` int (n, 2) are those of each point's two nearest others, 1 for the nearest of all; `passed` (n,) counts for
    how many points this one is nearer than their nearest of the other space.
    """

    ranks: NDArray[np.int64]
    passed: NDArray[np.int64]


@dataclass(frozen=True)
class RanksJob:
    """A layer of a space, and the rows (n, 2) of each point's two nearest others in other layers, by their names."""

    files: SpaceFiles
    space: str
    layer: str
    nearest: Mapping[str, NDArray[np.int32]]


def ranks_jobs(
    files: SpaceFiles, pairs: Iterable[tuple[str, str, str]], nearest: Mapping[tuple[str, str], NDArray[np.int32]]
) -> dict[tuple[str, str], RanksJob]:
    """Return a job for each (space, layer) of `pairs` (space, layer, other layer), which are compared both ways.

    `nearest` (n, 2) by (space, layer) are the rows of each point's two nearest others.
    """
    wanted: dict[tuple[str, str], dict[str, NDArray[np.int32]]] = {}
    for space, first, second in pairs:
        for layer, other in ((first, second), (second, first)):
            wanted.setdefault((space, layer), {})[other] = nearest[space, other]
    return {key: RanksJob(files, *key, others) for key, others in wanted.items()}


def imbalances(
    nearest: Mapping[tuple[str, str], NDArray[np.int32]],
    ranks: Mapping[tuple[str, str], Mapping[str, ForeignRanks]],
) -> dict[tuple[str, str, str], Influences]:
    """Return the information imbalance by (space, layer, other layer), from the nearest others and all jobs' ranks."""
    return {
        (space, other, layer): imbalance_influences(nearest[space, other], foreign)
        for (space, layer), found in ranks.items()
        for other, foreign in found.items()
    }


def foreign_ranks(job: RanksJob) -> dict[str, ForeignRanks]:
    """Return the ranks in a layer of what is nearest in each of the other layers, by their names."""
    values = job.files.read(job.space, POINTS, job.layer)
    kept = job.files.distances(job.space, job.layer)
    parts: dict[str, list[ForeignRanks]] = {name: [] for name in job.nearest}
    for start in range(0, len(values), ROWS):
        if kept is not None:
            squared = np.array(kept.squared[start : start + ROWS])
        else:
            squared, _ = squared_distances(values[start : start + ROWS], values)
            squared[np.arange(len(squared)), start + np.arange(len(squared))] = np.inf
        for name, rows in job.nearest.items():
            parts[name].append(ranks_of(squared, rows[start : start + ROWS]))
    return {
        name: ForeignRanks(
            np.concatenate([part.ranks for part in found]), np.sum([part.passed for part in found], axis=0)
        )
        for name, found in parts.items()
    }


def ranks_of(squared: NDArray[np.float64], nearest: NDArray[np.integer]) -> ForeignRanks:
    """Return the ranks of given rows (b, 2) by squared distances (b, n), infinite to the point itself; ties by row."""
    ranks, passed = [], np.zeros(squared.shape[1], dtype=np.int64)
    columns = np.arange(squared.shape[1])
    for place, rows in enumerate(nearest.T):
        distances = squared[np.arange(len(squared)), rows][:, None]
        nearer = squared < distances
        before = np.count_nonzero(nearer, axis=1)
        tied = np.flatnonzero(np.count_nonzero(squared <= distances, axis=1) > before + 1)
        nearer[tied] |= (squared[tied] == distances[tied]) & (columns < rows[tied, None])
        before[tied] = np.count_nonzero(nearer[tied], axis=1)
        ranks.append(before + 1)
        if place == 0:
            passed = nearer.sum(axis=0, dtype=np.int32).astype(np.int64)
    return ForeignRanks(np.stack(ranks, axis=1), passed)


def imbalance_influences(nearest: NDArray[np.integer], foreign: ForeignRanks) -> Influences:
    """Return the influences on the information imbalance of a space A towards a space B.

    2 / n times the mean rank in B of each point's nearest neighbour in A: 2 / n where that is the nearest in B, too,
    about 1 where A tells nothing. `nearest` (n, 2) are the rows of the two nearest in A, `foreign` their ranks in B.
    Besides being a neighbour, a point that lies nearer than one in B raises its rank.
    """
    scale = 2 / len(nearest)
    first, second = foreign.ranks.T * scale
    return influences_on_mean(first, nearest[:, :1], (first - second)[:, None], foreign.passed * scale)
