"""How alike two layers are: debiased linear CKA, and the overlap of their neighbourhoods.

CKA: Kornblith et al. 2019, Similarity of neural network representations revisited. Its HSIC is estimated without bias
(Song et al. 2012), as Nguyen et al. 2021 do, so that wide layers do not look alike by their width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GramSums:
    """Sums over some rows of the Gram matrices of L layers, for R subsets of the n points.

    With K~ a layer's Gram matrix without its diagonal: `products` (L, L, R) are sums of K~ times L~ over both points in
    the subset; `rows` (L, b, R) are sums of K~ over the second point; `diagonal` (L, b) is the rest of K.
    """

    products: NDArray[np.float64]
    rows: NDArray[np.float64]
    diagonal: NDArray[np.float64]

    def of_layer(self, place: int) -> "GramSums":
        """Return the sums of one layer, given its place among the L."""
        own = slice(place, place + 1)
        return GramSums(self.products[own, own], self.rows[own], self.diagonal[own])


def gram_sums(layers: Sequence[NDArray[np.floating]], subsets: NDArray[np.bool_], rows: slice) -> GramSums:
    """Return the sums over `rows` of the linear Gram matrices of layers (n, D_l), for subsets (n, R) of the points.

    Rows at a time, as n x n matrices of every layer would not fit into memory.
    """
    members = subsets.astype(np.float64)
    chosen = members[rows]
    grams, diagonals = [], []
    for values in layers:
        centred = values - values.mean(axis=0)  # estimates do not depend on it, their rounding errors do
        centred[:, (values == values[0]).all(axis=0)] = 0  # a mean is rounded, too
        gram = (centred[rows] @ centred.T).astype(np.float64)
        own = np.arange(len(gram)), np.arange(len(values))[rows]
        diagonals.append(gram[own])
        gram[own] = 0
        grams.append(gram)
    products = np.empty((len(grams), len(grams), subsets.shape[1]))
    for first, left in enumerate(grams):
        for second in range(first, len(grams)):
            sums = (chosen * ((left * grams[second]) @ members)).sum(axis=0)
            products[first, second] = products[second, first] = sums
    return GramSums(products, np.stack([gram @ members for gram in grams]), np.stack(diagonals))


def joined(parts: Sequence[GramSums]) -> GramSums:
    """Return the sums over all rows from those over consecutive slices of them, in order."""
    products = np.sum([part.products for part in parts], axis=0)
    return GramSums(
        products,
        np.concatenate([part.rows for part in parts], axis=1),
        np.concatenate([part.diagonal for part in parts], axis=1),
    )


def debiased_hsic(sums: GramSums, subsets: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the unbiased HSIC (L, L, R) of all pairs of layers on each of the subsets (n, R), of 4 or more points.

    Song et al. 2012, Feature selection via dependence maximization, equation 5.
    """
    count = subsets.sum(axis=0).astype(np.float64)
    rows = sums.rows * subsets
    totals = rows.sum(axis=1)
    shared = np.einsum("anr,bnr->abr", rows, rows, optimize=True)
    return (sums.products + totals[:, None] * totals[None] / ((count - 1) * (count - 2)) - 2 * shared / (count - 2)) / (
        count * (count - 3)
    )


def debiased_cka(sums: GramSums, subsets: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the debiased linear CKA (L, L, R); 1 for layers equal up to rotation and scale, about 0 for unrelated.

    NaN where a layer is constant.
    """
    hsic = debiased_hsic(sums, subsets)
    own = np.einsum("aar->ar", hsic)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hsic / np.sqrt(np.where(own > 0, own, np.nan)[:, None] * np.where(own > 0, own, np.nan)[None])


def neighbourhood_overlap(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return for each point (n,) the share of its neighbours (n, k) that are the same in two spaces.

    Doimo et al. 2020, Hierarchical nucleation in deep neural networks (there the mean over the points).
    """
    both = np.sort(np.concatenate([first, second], axis=1), axis=1)
    return (np.diff(both, axis=1) == 0).sum(axis=1) / first.shape[1]


def drift(overlap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - Jaccard index of two sets of neighbours, of equal size, from the share of them that is common."""
    return 1 - overlap / (2 - overlap)
