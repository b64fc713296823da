"""Squared Euclidean distances by matrix products: exact to a known rounding error, with bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

# Rows at a time, and units at a time: they bound the memory. Both are fixed, as they touch the last bits of distances.
ROWS, UNITS = 1024, 2048
# Squared distances from matrix products carry errors of about the precision times the squared norms; wide margins.
ROUNDING = {np.float64: 1e-13, np.float32: 3e-5}
IN_CACHE = 1 << 16  # numbers of two arrays, to be worked on by several steps
Precision = TypeVar("Precision", np.float32, np.float64)


@dataclass(frozen=True)
class Columns:
    """Some of the units of the reference points (n, u): about their middle, where short vectors lose fewer digits.

    `middle` is None where queries are about it, too.
    """

    units: slice
    middle: NDArray[np.floating] | None
    centred: NDArray[np.floating]
    norms: NDArray[np.float64]


def squared_distances(
    queries: NDArray[np.floating], reference: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return squared Euclidean distances (q, n) of queries (q, D) to reference (n, D), and their rounding errors (q,).

    Distances within the rounding error are 0, so that identical points are at distance 0.
    """
    return distances_to(queries, columns_of(reference, np.float64), np.float64)


def columns_of(reference: NDArray[np.floating], precision: type[np.floating]) -> Iterator[Columns]:
    """Yield UNITS units of reference points (n, D) at a time, as `distances_to` takes them."""
    finest = np.result_type(reference, precision)
    for start in range(0, reference.shape[1], UNITS):
        units = slice(start, start + UNITS)
        middle = reference[:, units].mean(axis=0, dtype=finest)
        centred = np.subtract(reference[:, units], middle, dtype=finest).astype(precision, copy=False)
        yield Columns(units, middle, centred, norms_of(centred))


def norms_of(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the squared norm (n,) of each row of values (n, D)."""
    return np.einsum("ij,ij->i", values, values).astype(np.float64)


def distances_to(
    queries: NDArray[np.floating], columns: Iterable[Columns], precision: type[Precision]
) -> tuple[NDArray[Precision], NDArray[np.float64]]:
    """Return what `squared_distances` does, in either precision, to points that come a few units at a time."""
    parts = ((_centred_queries(queries, part, precision), part) for part in columns)
    first, part = next(parts)
    products: NDArray[Precision] = first @ part.centred.T
    query_norms, reference_norms = norms_of(first), part.norms
    for left, part in parts:
        products += left @ part.centred.T
        query_norms += np.einsum("ij,ij->i", left, left)
        reference_norms = reference_norms + part.norms
    rounding = ROUNDING[precision]
    _make_squared(products, query_norms, reference_norms, rounding)
    return products, rounding * (query_norms + reference_norms.max())


def _make_squared(
    products: NDArray[np.floating], queries: NDArray[np.float64], reference: NDArray[np.float64], rounding: float
) -> None:
    """Turn products (q, n) into squared distances in place, by squared norms (q,) and (n,): few rows, to stay in cache.

    What is within `rounding`, relative to the norms, becomes 0.
    """
    queries, reference = queries.astype(products.dtype), reference.astype(products.dtype)
    step = max(1, IN_CACHE // max(1, len(reference)))
    for start in range(0, len(products), step):
        squared = products[start : start + step]
        sizes = queries[start : start + step, None] + reference
        squared *= -2
        squared += sizes
        sizes *= rounding
        squared[squared <= sizes] = 0


def _centred_queries(
    queries: NDArray[np.floating], part: Columns, precision: type[np.floating]
) -> NDArray[np.floating]:
    if part.middle is None:
        return queries[:, part.units]
    finest = np.result_type(queries, part.middle)
    return np.subtract(queries[:, part.units], part.middle, dtype=finest).astype(precision, copy=False)


def write_all_distances(values: NDArray[np.floating], squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Write all squared distances among values (n, D) into zeros `squared` (n, n); return their rounding errors (n,).

    They are computed in float64, and as `squared_distances` are; those of points to themselves are infinite.
    """
    norms = np.zeros(len(values))
    for part in columns_of(values, np.float64):
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
