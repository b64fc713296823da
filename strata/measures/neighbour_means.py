"""Means over k neighbours, with the influence of each point on them: hit, overlap, trustworthiness and continuity.

If a point is left out, the next nearest takes its place as a neighbour. What that one is like is estimated from the
points about the boundary, inside and outside of it: so the lists of the nearest others are `reach(k)` long.
"""

import numpy as np
from numpy.typing import NDArray

from strata.measures.influence import Influences, influences_on_mean
from strata.measures.labels import neighbourhood_hit
from strata.measures.map_quality import FalseNeighbours, worst_excess
from strata.measures.neighbours import boundary
from strata.measures.similarity import neighbourhood_overlap


def hit_influences(near: NDArray[np.integer], labels: NDArray[np.integer], k: int) -> Influences:
    """Return the influences on the mean share of the k nearest that carry a point's own label, labels (n,).

    `near` (n, reach) are the rows of each point's nearest others.
    """
    agrees = labels[near] == labels[:, None]
    effects = (agrees[:, :k] - agrees[:, boundary(k)].mean(axis=1, keepdims=True)) / k
    return influences_on_mean(neighbourhood_hit(labels[near[:, :k]], labels), near[:, :k], effects)


def overlap_influences(first: NDArray[np.integer], second: NDArray[np.integer], k: int) -> Influences:
    """Return the influences on the mean share of the k nearest that are the same in two spaces.

    `first` and `second` (n, reach) are the rows of each point's nearest others in either.
    """
    left, right = first[:, :k], second[:, :k]
    shared = _among(first, right)
    effects = [
        shared[:, :k] - shared[:, boundary(k)].mean(axis=1, keepdims=True),
        np.broadcast_to(-_among(second[:, boundary(k)], left).mean(axis=1, keepdims=True), right.shape),
    ]
    return influences_on_mean(
        neighbourhood_overlap(left, right), np.hstack([left, right]), np.hstack(effects).astype(np.float64) / k
    )


def _among(points: NDArray[np.integer], sets: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return whether points (n, m) are in the sets (n, k) of their rows."""
    return (points[:, :, None] == sets[:, None, :]).any(axis=2)


def trust_influences(
    scores: NDArray[np.float64], neighbours: NDArray[np.integer], false: FalseNeighbours
) -> Influences:
    """Return the influences on the mean of trustworthiness or continuity, scores (n,), of k neighbours (n, k).

    Besides being a false neighbour, a point that lies nearer than one raises its rank.
    """
    scale = -1 / worst_excess(len(scores), neighbours.shape[1])
    return influences_on_mean(scores, neighbours, false.excess * scale, false.passed * scale)
