"""How far a map can be trusted, point by point: are neighbours on the map neighbours in the layer, and back?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.measures.distances import squared_distances
from strata.measures.neighbours import boundary

ALL_EQUAL = 1e-12  # relative differences of distances that are rounding


@dataclass(frozen=True)
class PointTrust:
    """Per point (b,): recall of the k neighbours, trustworthiness, continuity, false and missing neighbours.

    `false_neighbours` is the share of the map's k neighbours that are not among the layer's 2k nearest;
    `missing_neighbours` is the share of the layer's k that are not among the map's 2k.
    """

    recall: NDArray[np.float64]
    trustworthiness: NDArray[np.float64]
    continuity: NDArray[np.float64]
    false_neighbours: NDArray[np.float64]
    missing_neighbours: NDArray[np.float64]


@dataclass(frozen=True)
class FalseNeighbours:
    """Ranks (b, k) of some points' neighbours in another space, and how their excess over k changes with the points.

    `excess` (b, k) is by how much a neighbour's rank exceeds k, less the mean of that about the boundary; `passed` (n,)
    counts the false neighbours, those of a rank above k, that each of n points is nearer than, in the other space.
    """

    ranks: NDArray[np.int32]
    excess: NDArray[np.float64]
    passed: NDArray[np.int64]


def all_ranks(squared: NDArray[np.float64], nearest: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the rank (b, n) of every point among the others of each point: 1 is the nearest, ties by row.

    `squared` (b, n) are the squared distances, infinite to the point itself, which so comes last; `nearest` (b, m) its
    exact neighbours.
    """
    order = np.argsort(squared, axis=1)
    ascending = np.take_along_axis(squared, order, axis=1)
    tied = (ascending[:, 1:] == ascending[:, :-1]).any(axis=1)  # the fast sort leaves these in any order
    order[tied] = np.argsort(squared[tied], axis=1, kind="stable")
    ranks = np.empty(squared.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(1, squared.shape[1] + 1, dtype=np.int32)[None], axis=1)
    # One that is not among the exact nearest has a rank above theirs, whatever rounding says.
    np.maximum(ranks, nearest.shape[1] + 1, out=ranks)
    np.put_along_axis(ranks, nearest, np.arange(1, nearest.shape[1] + 1, dtype=np.int32)[None], axis=1)
    return ranks


def false_neighbours(ranks: NDArray[np.int32], near: NDArray[np.integer], k: int) -> FalseNeighbours:
    """Return how false the k nearest in one space are in another: `near` (b, reach), and the other's ranks (b, n)."""
    found = np.take_along_axis(ranks, near, axis=1)
    excess = np.maximum(found - k, 0).astype(np.float64)
    lost = np.zeros(ranks.shape, dtype=np.int16)  # at a rank less 1, how many false neighbours have that rank
    points, places = np.nonzero(excess[:, :k])
    np.add.at(lost, (points, found[points, places] - 1), 1)
    beyond = np.zeros((len(ranks), ranks.shape[1] + 1), dtype=np.int16)
    np.cumsum(lost[:, ::-1], axis=1, out=beyond[:, -2::-1])
    passed = np.take_along_axis(beyond, ranks, axis=1).sum(axis=0, dtype=np.int64)
    return FalseNeighbours(found[:, :k], excess[:, :k] - excess[:, boundary(k)].mean(axis=1, keepdims=True), passed)


def joined(parts: Sequence[FalseNeighbours]) -> FalseNeighbours:
    """Return the same of all points from consecutive parts of them, in order."""
    return FalseNeighbours(
        np.concatenate([part.ranks for part in parts]),
        np.concatenate([part.excess for part in parts]),
        np.sum([part.passed for part in parts], axis=0),
    )


def worst_excess(points: int, k: int) -> float:
    """Return the largest sum of a point's excess ranks, of n `points`, with k < n / 2 (Venna & Kaski 2001)."""
    return k * (2 * points - 3 * k - 1) / 2


def point_trust(layer_ranks: NDArray[np.integer], map_ranks: NDArray[np.integer], points: int) -> PointTrust:
    """Return each point's trust from ranks (b, k): the map's k neighbours in the layer, and the layer's in the map.

    Trustworthiness and continuity (Venna & Kaski 2001), whose means over the points are the usual measures; of n
    `points`, with k < n / 2.
    """
    k = layer_ranks.shape[1]
    worst = worst_excess(points, k)
    return PointTrust(
        recall=(layer_ranks <= k).mean(axis=1),
        trustworthiness=1 - np.maximum(layer_ranks - k, 0).sum(axis=1) / worst,
        continuity=1 - np.maximum(map_ranks - k, 0).sum(axis=1) / worst,
        false_neighbours=(layer_ranks > 2 * k).mean(axis=1),
        missing_neighbours=(map_ranks > 2 * k).mean(axis=1),
    )


def distance_correlation(values: NDArray[np.floating], points: NDArray[np.floating]) -> float:
    """Return Spearman's correlation between all distances among values (n, D) and those among points (n, 2).

    NaN where all distances of one are equal.
    """
    upper = np.triu_indices(len(values), k=1)
    layer, flat = (squared_distances(space, space)[0][upper] for space in (values, points))
    if any(np.ptp(distances) <= ALL_EQUAL * distances.max() for distances in (layer, flat)):
        return float("nan")
    return float(np.corrcoef(_ranks(layer), _ranks(flat))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(pd.Series(values).rank(), dtype=np.float64)  # ties share the mean of their ranks
