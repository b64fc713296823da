"""Sums over all pairs of points of layers' linear Gram matrices: what CKA, participation ratio and their errors need.

Rows at a time, as n x n matrices of every layer would not fit into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IN_CACHE = 1 << 17  # numbers of rows of all layers' matrices, to be worked on by several steps


@dataclass(frozen=True)
class GramSums:
    """Sums of the Gram matrices of L layers, over all n columns, of b rows.

    With d_l the diagonal of layer l's matrix, K_l the matrix without it, and r_l the sums of K_l's rows:
    `diagonal` (L, b) is d_l, `rows` (L, b) r_l; by row, `products` (L, L, b) are sums of K_l K_m, `along_rows`
    (L, L, b) of K_l r_m over columns, `along_diagonal` (L, b) of K_l d_l; over rows, too, `cubes` (L,) are those of
    K_l^3, `cubes_by` (L, L) of K_l^3 K_m, `squares` (L, L) of K_l^2 K_m^2. All products are element by element.
    """

    diagonal: NDArray[np.float64]
    rows: NDArray[np.float64]
    products: NDArray[np.float64]
    along_rows: NDArray[np.float64]
    along_diagonal: NDArray[np.float64]
    cubes: NDArray[np.float64]
    cubes_by: NDArray[np.float64]
    squares: NDArray[np.float64]

    def of_layer(self, place: int) -> "GramSums":
        """Return the sums of one layer, given its place among the L."""
        return self.of_layers(slice(place, place + 1))

    def of_layers(self, own: slice) -> "GramSums":
        """Return the sums of consecutive layers, given their places among the L."""
        return GramSums(
            diagonal=self.diagonal[own],
            rows=self.rows[own],
            products=self.products[own, own],
            along_rows=self.along_rows[own, own],
            along_diagonal=self.along_diagonal[own],
            cubes=self.cubes[own],
            cubes_by=self.cubes_by[own, own],
            squares=self.squares[own, own],
        )


@dataclass(frozen=True)
class GramRows:
    """Some rows `off_diagonal` (b, n) of a linear Gram matrix, with 0 in place of its diagonal.

    `diagonal` (n,) is all of that, and `sums` (n,) are the sums of all rows without it.
    """

    off_diagonal: NDArray[np.float64]
    diagonal: NDArray[np.float64]
    sums: NDArray[np.float64]


def gram_rows(values: NDArray[np.floating], rows: slice) -> GramRows:
    """Return rows of the Gram matrix of values (n, D) about their mean."""
    centred = _centred(values)
    gram = (centred[rows] @ centred.T).astype(np.float64)
    gram[np.arange(len(gram)), np.arange(len(values))[rows]] = 0
    diagonal = np.einsum("ij,ij->i", centred, centred).astype(np.float64)
    return GramRows(gram, diagonal, (centred @ centred.sum(axis=0)).astype(np.float64) - diagonal)


def gram_rows_of_distances(squared: NDArray[np.float64], sums: NDArray[np.float64], rows: slice) -> GramRows:
    """Return rows of the Gram matrix of points about their mean, from squared distances (b, n) of these rows.

    `sums` (n,) are those of all rows of squared distances, without the points themselves, whose distance may be
    infinite here. Torgerson 1952, Multidimensional scaling: I. Theory and method.
    """
    count = len(sums)
    means = sums / count
    norms = means - means.mean() / 2  # about the mean of all points
    gram = norms[rows, None] + norms
    gram -= squared
    gram /= 2
    gram[np.arange(len(gram)), np.arange(count)[rows]] = 0
    return GramRows(gram, norms, -norms)  # all values about their mean sum to 0, so a row with its diagonal does


def gram_of_distances(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gram matrix (n, n) of points about their mean from squared distances (n, n), as above."""
    distances = np.array(squared)
    np.fill_diagonal(distances, 0)
    means = distances.mean(axis=1)
    norms = means - means.mean() / 2
    return (norms[:, None] + norms - distances) / 2


def gram_sums(layers: Sequence[NDArray[np.floating]], rows: slice) -> GramSums:
    """Return the sums over `rows` of the linear Gram matrices of layers (n, D_l)."""
    return sums_of_rows([gram_rows(values, rows) for values in layers], rows)


def sums_of_rows(layers: Sequence[GramRows], rows: slice) -> GramSums:
    """Return the sums over `rows` of the Gram matrices of layers, of which these are the rows.

    A few rows of all layers at a time, so that they are in the processor's cache for a matrix product over all pairs
    of layers for each sum.
    """
    sums, diagonals = (np.stack(each) for each in ([one.sums for one in layers], [one.diagonal for one in layers]))
    (count, width), height = sums.shape, len(layers[0].off_diagonal)
    products, along_rows = np.empty((2, count, count, height))
    along_diagonal = np.empty((count, height))
    cubes, cubes_by, squares = np.zeros(count), np.zeros((count, count)), np.zeros((count, count))
    step = max(1, IN_CACHE // (count * width))
    for start in range(0, height, step):
        here = slice(start, start + step)
        grams = np.stack([layer.off_diagonal[here] for layer in layers])
        flat = grams.reshape(count, -1)
        own = flat * flat
        third = own * flat
        squares += own @ own.T
        cubes_by += third @ flat.T
        cubes += third.sum(axis=1)
        for place in range(grams.shape[1]):
            gram = grams[:, place]
            products[:, :, start + place] = gram @ gram.T
            along_rows[:, :, start + place] = gram @ sums.T
        along_diagonal[:, here] = np.einsum("lbn,ln->lb", grams, diagonals)
    return GramSums(
        diagonal=diagonals[:, rows],
        rows=sums[:, rows],
        products=products,
        along_rows=along_rows,
        along_diagonal=along_diagonal,
        cubes=cubes,
        cubes_by=cubes_by,
        squares=squares,
    )


def _centred(values: NDArray[np.floating]) -> NDArray[np.floating]:
    centred = values - values.mean(axis=0)  # estimates do not depend on it, their rounding errors do
    centred[:, (values == values[0]).all(axis=0)] = 0  # a mean is rounded, too
    return centred


def joined(parts: Sequence[GramSums]) -> GramSums:
    """Return the sums over all rows from those over consecutive slices of them, in order."""
    by_row = ("diagonal", "rows", "products", "along_rows", "along_diagonal")
    over_rows = ("cubes", "cubes_by", "squares")
    return GramSums(
        **{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in by_row},
        **{name: np.sum([getattr(part, name) for part in parts], axis=0) for name in over_rows},
    )


def variance_of_pairs(squares: float, row_sums: NDArray[np.float64]) -> float:
    """Return the variance, as far as it belongs to pairs of points, of the mean of a symmetric matrix off its diagonal.

    From the sum of its squares and the sums of its rows (n,), which are centred (U-centring; Székely & Rizzo 2014):
    what is left belongs to no point alone.
    """
    count, total = len(row_sums), float(row_sums.sum())
    left = squares - 2 * float(row_sums @ row_sums) / (count - 2) + total**2 / ((count - 1) * (count - 2))
    return 2 * max(left, 0.0) / (count * (count - 1)) ** 2
