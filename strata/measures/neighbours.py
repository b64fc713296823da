"""Exact nearest neighbours (Euclidean) in a layer's full space, ties broken by (distance, row)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.distances import (
    ROUNDING,
    ROWS,
    UNITS,
    Columns,
    columns_of,
    distances_to,
    norms_of,
    write_all_distances,
)

# Reference points at a time, and distances at a time, where the reference points are many.
BLOCK, MOST_DISTANCES = 4096, 1 << 25
EXPECTED = 8  # members of a subset among the nearest of all points, from which its two nearest are taken


def boundary(k: int) -> slice:
    """Return the places, from 0, of the points about the boundary of the k nearest: as many inside as outside."""
    return slice(2 * k - reach(k), reach(k))


def reach(k: int) -> int:
    """Return how many of the nearest others are kept, so that the boundary of the k nearest is seen from outside."""
    return k + max(1, k // 2)


@dataclass(frozen=True)
class NeighbourBlock:
    """Consecutive points: squared distances float64 (b, n) to all points, and the k nearest others, int32 (b, k).

    A point's distance to itself is infinite here, so that it is never its own neighbour.
    """

    start: int
    squared: NDArray[np.float64]
    nearest: NDArray[np.int32]


def neighbour_blocks(
    values: NDArray[np.floating], k: int, kept: NDArray[np.float64] | None = None
) -> Iterator[NeighbourBlock]:
    """Yield, block by block, the k < n nearest other points of every point of values (n, D).

    All squared distances are written into `kept` (n, n) first, if it is given, which must be zeros: that takes half
    of the products, as the matrix is symmetric.
    """
    blocks = _computed(values) if kept is None else _all_kept(values, kept)
    for start, (squared, error) in zip(range(0, len(values), ROWS), blocks, strict=True):
        yield NeighbourBlock(start, squared, _smallest(squared, error, values[start : start + ROWS], values, k))


def _computed(values: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield ROWS rows of squared distances (b, n) at a time, infinite to the points themselves, and their errors."""
    columns = list(columns_of(values, np.float64)) if values.shape[1] <= UNITS else None
    for start in range(0, len(values), ROWS):
        queries = values[start : start + ROWS]
        squared, error = distances_to(queries, columns or columns_of(values, np.float64), np.float64)
        rows = np.arange(len(queries))
        squared[rows, start + rows] = np.inf
        yield squared, error


def _all_kept(
    values: NDArray[np.floating], kept: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Write all distances, and yield them as above."""
    errors = write_all_distances(values, kept)
    for start in range(0, len(values), ROWS):
        yield np.array(kept[start : start + ROWS]), errors[start : start + ROWS]


def nearest_neighbours(
    queries: NDArray[np.floating],
    reference: NDArray[np.floating],
    k: int,
    centred: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> NDArray[np.int32]:
    """Return the rows (q, k) of the k <= n points of reference (n, D) that are nearest to each of queries (q, D).

    Exact, though most distances are computed in float32: where that leaves a doubt, differences decide. `centred` are
    both about the middle of the reference, on any one scale, where they are at hand.
    """
    found = []
    about, columns = (queries, list(columns_of(reference, np.float32))) if centred is None else _at_hand(*centred)
    for start in range(0, len(queries), ROWS):
        block = slice(start, start + ROWS)
        squared, error = distances_to(about[block], columns, np.float32)
        found.append(_smallest(squared, error, queries[block], reference, k))
    return np.concatenate(found)


def _at_hand(queries: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[Columns]]:
    parts = [slice(start, start + UNITS) for start in range(0, reference.shape[1], UNITS)]
    return queries, [Columns(units, None, reference[:, units], norms_of(reference[:, units])) for units in parts]


def neighbours_among_all(
    values: NDArray[np.floating],
    rows: NDArray[np.intp],
    k: int,
    most: int = MOST_DISTANCES,
    known: NDArray[np.float64] | None = None,
    part: slice = slice(None),
) -> NDArray[np.int32]:
    """Return the rows (m, k) of the k < n other points of values (n, D) that are nearest to each of given rows (m,).

    Exact, as `nearest_neighbours` is. `values` can be a mapped file: few of its rows are in memory at a time, and at
    most `most` distances. Squared distances (m, m) among the given rows may be `known`. With `part` only the neighbours
    of these of the given rows are returned.
    """
    nearest = []
    step = max(1, min(ROWS, most // len(values)))
    others = np.arange(len(values)) if known is None else np.setdiff1d(np.arange(len(values)), rows)
    first_row, last_row, _ = part.indices(len(rows))
    for start in range(first_row, last_row, step):
        here = slice(start, min(start + step, last_row))
        own = rows[here]
        queries = values[own]
        squared, error = np.empty((len(own), len(values))), np.zeros(len(own))
        for first in range(0, len(others), BLOCK):
            block = others[first : first + BLOCK]
            columns = columns_of(_rows(values, block), np.float32)
            squared[:, block], rounding = distances_to(queries, columns, np.float32)
            error = np.maximum(error, rounding)
        if known is not None:
            among = known[here]
            squared[:, rows] = among
            # Points' squared norms about their mean are at most 1 and 4 times the largest of these distances.
            largest = np.where(np.isinf(among), 0, among).max(axis=1)
            error = np.maximum(error, 5 * ROUNDING[np.float64] * largest)
        squared[np.arange(len(own)), own] = np.inf
        nearest.append(_smallest(squared, error, queries, values, k))
    return np.concatenate(nearest)


def _rows(values: NDArray[np.floating], rows: NDArray[np.intp]) -> NDArray[np.floating]:
    """Return ascending rows of values, as a view where they follow one another."""
    return values[rows[0] : rows[-1] + 1] if rows[-1] - rows[0] + 1 == len(rows) else values[rows]


def _smallest(
    squared: NDArray[np.floating],
    error: NDArray[np.float64],
    queries: NDArray[np.floating],
    reference: NDArray[np.floating],
    k: int,
) -> NDArray[np.int32]:
    count = min(k + 1, squared.shape[1])  # one more, to see whether the last place is a tie
    places = np.sort(np.argpartition(squared, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(np.take_along_axis(squared, places, axis=1), axis=1, kind="stable")
    nearest = np.take_along_axis(places, order, axis=1)
    distances = np.take_along_axis(squared, nearest, axis=1)
    with np.errstate(invalid="ignore"):  # the infinite distance to oneself
        ties = np.flatnonzero((np.diff(distances, axis=1) <= 2 * error[:, None]).any(axis=1))
    first = nearest[:, :k].astype(np.int32)
    for row in ties:  # near ties, and duplicates: the order among them is decided by exact differences
        candidates = np.flatnonzero(squared[row] <= distances[row, k - 1] + 2 * error[row])
        differences = reference[candidates].astype(np.float64) - queries[row]
        exact = np.einsum("ij,ij->i", differences, differences)
        first[row] = candidates[np.lexsort((candidates, exact))[:k]]
    return first


def finite_sums(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums (b,) of squared distances (b, n) to other points; those to the points themselves are infinite."""
    return np.where(np.isinf(squared), 0, squared).sum(axis=1)


def two_nearest_distances(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances (b, 2) to the two nearest of n >= 2 others, from squared distances (b, n)."""
    return np.sqrt(np.partition(squared, 1, axis=1)[:, :2])


def two_nearest_in_subsets(
    squared: NDArray[np.float64], subsets: NDArray[np.bool_], own: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """Return, for each of s subsets bool (n, s), the distances to the two nearest of its members from its own rows.

    From squared distances (b, n) to all n points; `own` bool (b, s) are the rows that are in each subset, whose
    distances are (rows, 2). Each subset has at least two points. They are looked for among the nearest of all points,
    and only where these have fewer than two members among all.
    """
    shares = subsets.mean(axis=0)
    count = min(squared.shape[1], int(np.ceil(EXPECTED / shares.min())))
    places = np.argpartition(squared, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(squared, places, axis=1)
    order = np.argsort(values, axis=1)
    places, values = np.take_along_axis(places, order, axis=1), np.take_along_axis(values, order, axis=1)
    found = []
    for members, mine in zip(subsets.T, own.T, strict=True):
        inside, rows = members[places[mine]], np.flatnonzero(mine)
        every = np.arange(len(inside))
        first = inside.argmax(axis=1)
        inside[every, first] = False
        second = inside.argmax(axis=1)
        nearest = np.stack([values[rows, first], values[rows, second]], axis=1)
        few = ~inside[every, second]
        distances = np.sqrt(nearest)
        distances[few] = two_nearest_distances(squared[rows[few]][:, members])
        found.append(distances)
    return found
