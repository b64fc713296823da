"""Exact nearest neighbours (Euclidean) in a layer's full space, ties broken by (distance, row)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

# Rows at a time, and units at a time: they bound the memory. Both are fixed, as they touch the last bits of distances.
ROWS, UNITS = 1024, 2048
# Reference points at a time, and distances at a time, where the reference points are many.
BLOCK, MOST_DISTANCES = 4096, 1 << 25
# Squared distances from a matrix product carry errors of about the precision times the squared norms; wide margins.
ROUNDING = {np.float64: 1e-13, np.float32: 3e-5}
IN_CACHE = 1 << 16  # numbers of two arrays, to be worked on by several steps
EXPECTED = 8  # members of a subset among the nearest of all points, from which its two nearest are taken
Precision = type[np.float64] | type[np.float32]


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


@dataclass(frozen=True)
class _Columns:
    """Some of the units of the reference points (n, u): about their middle, where short vectors lose fewer digits.

    `middle` is None where queries are about it, too.
    """

    units: slice
    middle: NDArray[np.floating] | None
    centred: NDArray[np.floating]
    norms: NDArray[np.float64]


def squared_distances(
    queries: NDArray[np.floating], reference: NDArray[np.floating], precision: Precision = np.float64
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return squared Euclidean distances (q, n) of queries (q, D) to reference (n, D), and their rounding errors (q,).

    Distances within the rounding error are 0, so that identical points are at distance 0. Products are computed in
    `precision`, sums of them in float64.
    """
    return _squared_distances(queries, _columns(reference, precision), precision)


def _columns(reference: NDArray[np.floating], precision: Precision) -> Iterator[_Columns]:
    finest = np.result_type(reference, precision)
    for start in range(0, reference.shape[1], UNITS):
        units = slice(start, start + UNITS)
        middle = reference[:, units].mean(axis=0, dtype=finest)
        centred = np.subtract(reference[:, units], middle, dtype=finest).astype(precision, copy=False)
        yield _Columns(units, middle, centred, _norms(centred))


def _norms(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.einsum("ij,ij->i", values, values).astype(np.float64)


def _squared_distances(
    queries: NDArray[np.floating], columns: Iterable[_Columns], precision: Precision
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    parts = ((_centred_queries(queries, part, precision), part) for part in columns)
    first, part = next(parts)
    products = (first @ part.centred.T).astype(np.float64, copy=False)
    query_norms, reference_norms = _norms(first), part.norms
    for left, part in parts:
        products += left @ part.centred.T
        query_norms += np.einsum("ij,ij->i", left, left)
        reference_norms = reference_norms + part.norms
    rounding = ROUNDING[precision]
    _make_squared(products, query_norms, reference_norms, rounding)
    return products, rounding * (query_norms + reference_norms.max())


def _make_squared(
    products: NDArray[np.float64], queries: NDArray[np.float64], reference: NDArray[np.float64], rounding: float
) -> None:
    """Turn products (q, n) into squared distances in place, by squared norms (q,) and (n,): few rows, to stay in cache.

    What is within `rounding`, relative to the norms, becomes 0.
    """
    step = max(1, IN_CACHE // max(1, len(reference)))
    for start in range(0, len(products), step):
        squared = products[start : start + step]
        sizes = queries[start : start + step, None] + reference
        squared *= -2
        squared += sizes
        sizes *= rounding
        squared[squared <= sizes] = 0


def _centred_queries(queries: NDArray[np.floating], part: _Columns, precision: Precision) -> NDArray[np.floating]:
    if part.middle is None:
        return queries[:, part.units]
    finest = np.result_type(queries, part.middle)
    return np.subtract(queries[:, part.units], part.middle, dtype=finest).astype(precision, copy=False)


def neighbour_blocks(
    values: NDArray[np.floating], k: int, kept: NDArray[np.float64] | None = None
) -> Iterator[NeighbourBlock]:
    """Yield, block by block, the k < n nearest other points of every point of values (n, D).

    All squared distances are written into `kept` (n, n) first, if it is given, which must be zeros: that takes half
    of the products, as the matrix is symmetric.
    """
    errors = None if kept is None else write_all_distances(values, kept)
    columns = list(_columns(values, np.float64)) if values.shape[1] <= UNITS and kept is None else None
    for start in range(0, len(values), ROWS):
        block = slice(start, start + ROWS)
        queries = values[block]
        if kept is not None and errors is not None:
            squared, error = np.array(kept[block]), errors[block]
        else:
            squared, error = _squared_distances(queries, columns or _columns(values, np.float64), np.float64)
            rows = np.arange(len(queries))
            squared[rows, start + rows] = np.inf
        yield NeighbourBlock(start, squared, _smallest(squared, error, queries, values, k))


def write_all_distances(values: NDArray[np.floating], squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Write all squared distances among values (n, D) into zeros `squared` (n, n); return their rounding errors (n,).

    They are computed in float64, and as `squared_distances` are; those of points to themselves are infinite.
    """
    norms = np.zeros(len(values))
    for part in _columns(values, np.float64):
        # BLAS counts columns first: its upper triangle is the lower one here, and `squared` is added to in place.
        filled = dsyrk(1.0, part.centred.T, beta=1.0, c=squared.T, trans=1, overwrite_c=1)
        if not np.may_share_memory(filled, squared):
            raise TypeError("distances must be a contiguous array of float64")
        norms += part.norms
    rounding = ROUNDING[np.float64]
    for start in range(0, len(values), ROWS):
        block = slice(start, start + ROWS)
        _fill_upper(squared, block)
        _make_squared(squared[block], norms[block], norms, rounding)
    np.fill_diagonal(squared, np.inf)
    return rounding * (norms + norms.max())


def _fill_upper(products: NDArray[np.float64], block: slice) -> None:
    """Copy the transposed products below and left of a block of rows of a lower triangle into these rows."""
    own = products[block, block]
    own += np.tril(own, -1).T
    for start in range(block.stop, len(products), ROWS):
        products[block, start : start + ROWS] = products[start : start + ROWS, block].T


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
    about, columns = (queries, list(_columns(reference, np.float32))) if centred is None else _at_hand(*centred)
    for start in range(0, len(queries), ROWS):
        block = slice(start, start + ROWS)
        squared, error = _squared_distances(about[block], columns, np.float32)
        found.append(_smallest(squared, error, queries[block], reference, k))
    return np.concatenate(found)


def _at_hand(
    queries: NDArray[np.float32], reference: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[_Columns]]:
    parts = [slice(start, start + UNITS) for start in range(0, reference.shape[1], UNITS)]
    return queries, [_Columns(units, None, reference[:, units], _norms(reference[:, units])) for units in parts]


def neighbours_among_all(
    values: NDArray[np.floating],
    rows: NDArray[np.intp],
    k: int,
    most: int = MOST_DISTANCES,
    known: NDArray[np.float64] | None = None,
) -> NDArray[np.int32]:
    """Return the rows (m, k) of the k < n other points of values (n, D) that are nearest to each of given rows (m,).

    Exact, as `nearest_neighbours` is. `values` can be a mapped file: few of its rows are in memory at a time, and at
    most `most` distances. Squared distances (m, m) among the given rows may be `known`.
    """
    nearest = []
    step = max(1, min(ROWS, most // len(values)))
    others = np.arange(len(values)) if known is None else np.setdiff1d(np.arange(len(values)), rows)
    for start in range(0, len(rows), step):
        own = rows[start : start + step]
        queries = values[own]
        squared, error = np.empty((len(own), len(values))), np.zeros(len(own))
        for first in range(0, len(others), BLOCK):
            block = others[first : first + BLOCK]
            squared[:, block], rounding = squared_distances(queries, _rows(values, block), np.float32)
            error = np.maximum(error, rounding)
        if known is not None:
            among = known[start : start + step]
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
    squared: NDArray[np.float64],
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
