"""The forces by which neighbours attract each other, and the KL divergence, which sums over the same pairs."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from strata.maps.barnes_hut.compiled import Divided, compiled
from strata.maps.barnes_hut.elementary import logarithm
from strata.maps.barnes_hut.lanes import WIDTH, across, gather_pairs, load, same
from strata.maps.barnes_hut.tree import Floats, Integers

ONE, ZERO = np.float32(1), np.float32(0)


@dataclass(frozen=True)
class Edges:
    """The affinities of every point, one row after another, each filled up to a multiple of eight by affinities of 0.

    `starts` (n + 1,), `others` and `affinities` (edges,).
    """

    starts: NDArray[np.int64]
    others: Integers
    affinities: Floats

    @classmethod
    def of(cls, joint: csr_matrix, order: Integers) -> Self:
        """Return the edges of symmetric joint probabilities (n, n), with the points renumbered: `order` (n,) are rows.

        Points that are near on the map should have near numbers, so that they are in the processor's cache together.
        """
        degrees = np.diff(joint.indptr)[order]
        starts = np.concatenate([[0], np.cumsum(-(-degrees // WIDTH) * WIDTH, dtype=np.int64)])
        others, strengths = np.empty(starts[-1], dtype=np.int32), np.zeros(starts[-1], dtype=np.float32)
        number = np.empty_like(order)
        number[order] = np.arange(len(order), dtype=order.dtype)
        _fill(joint.indptr, joint.indices, joint.data, order, number, starts, others, strengths)
        return cls(starts, others, strengths)


@compiled
def _fill(
    indptr: Integers,
    indices: Integers,
    data: NDArray[np.float64],
    order: Integers,
    number: Integers,
    starts: NDArray[np.int64],
    others: Integers,
    strengths: Floats,
) -> None:
    for point in range(len(order)):
        place = starts[point]
        for index in range(indptr[order[point]], indptr[order[point] + 1]):
            others[place], strengths[place] = number[indices[index]], data[index]
            place += 1
        others[place : starts[point + 1]] = point


def attract(edges: Edges, points: Floats, forces: Floats, run: Divided) -> None:
    """Write the attraction (2, n) of points (2, n): w P times the difference, w = 1 / (1 + squared distance)."""
    pairs = np.ascontiguousarray(points.T).ravel()
    parts = (edges.starts, edges.others, edges.affinities, pairs, forces[0], forces[1])
    run(points.shape[1], _attract, *parts)


@compiled
def _attract(
    starts: NDArray[np.int64],
    others: Integers,
    strengths: Floats,
    pairs: Floats,
    forces_x: Floats,
    forces_y: Floats,
    first: int,
    last: int,
) -> None:
    one = same(ONE)
    for point in range(first, last):
        own_x, own_y = same(pairs[2 * point]), same(pairs[2 * point + 1])
        sum_x, sum_y = same(ZERO), same(ZERO)
        for place in range(starts[point], starts[point + 1], WIDTH):
            other_x, other_y = gather_pairs(pairs, others, place)
            dx, dy = own_x - other_x, own_y - other_y
            strength = load(strengths, place) / (one + (dx * dx + dy * dy))
            sum_x = sum_x + strength * dx
            sum_y = sum_y + strength * dy
        forces_x[point], forces_y[point] = across(sum_x), across(sum_y)


@compiled
def divergences(
    indptr: Integers,
    indices: Integers,
    data: NDArray[np.float64],
    x: Floats,
    y: Floats,
    weights: float,
    parts: NDArray[np.float64],
    first: int,
    last: int,
) -> None:
    """Write each point's part of KL(P || Q) in nats; `weights` is the sum of 1 / (1 + squared distance) over all pairs.

    `parts` is (n,).
    """
    log_weights = logarithm(weights)
    for point in range(first, last):
        part = 0.0
        for place in range(indptr[point], indptr[point + 1]):
            if data[place] > 0:
                dx, dy = np.float64(x[point]) - x[indices[place]], np.float64(y[point]) - y[indices[place]]
                part += data[place] * (logarithm(data[place]) + logarithm(1.0 + dx * dx + dy * dy) + log_weights)
        parts[point] = part
