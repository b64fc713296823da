"""How far a map can be trusted, point by point: are neighbours on the map neighbours in the layer, and back?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.measures.neighbours import squared_distances

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


def neighbour_ranks(
    squared: NDArray[np.float64], nearest: NDArray[np.integer], others: NDArray[np.integer]
) -> NDArray[np.intp]:
    """Return the rank (b, m) of each of `others` (b, m) among the neighbours of each point: 1 is the nearest.

    `squared` (b, n) are the squared distances, infinite to the point itself; `nearest` (b, k) its exact neighbours.
    """
    ranks = np.empty(others.shape, dtype=np.intp)
    places = np.arange(squared.shape[1])
    for column, other in enumerate(others.T):
        distance = squared[np.arange(len(squared)), other][:, None]
        closer = (squared < distance) | ((squared == distance) & (places < other[:, None]))
        # One that is not among the exact k nearest has a rank above k, whatever rounding says.
        ranks[:, column] = np.maximum(closer.sum(axis=1) + 1, nearest.shape[1] + 1)
    same = others[:, :, None] == nearest[:, None, :]
    return np.where(same.any(axis=2), same.argmax(axis=2) + 1, ranks)


def point_trust(layer_ranks: NDArray[np.intp], map_ranks: NDArray[np.intp], points: int) -> PointTrust:
    """Return each point's trust from ranks (b, k): the map's k neighbours in the layer, and the layer's in the map.

    Trustworthiness and continuity (Venna & Kaski 2001), whose means over the points are the usual measures; of n
    `points`, with k < n / 2.
    """
    k = layer_ranks.shape[1]
    worst = k * (2 * points - 3 * k - 1) / 2
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
