"""How alike two layers are: debiased linear CKA, Procrustes distance, and the overlap of their neighbourhoods.

CKA: Kornblith et al. 2019, Similarity of neural network representations revisited. Its HSIC is estimated without bias
(Song et al. 2012), as Nguyen et al. 2021 do, so that wide layers do not look alike by their width.
"""

import numpy as np
from numpy.typing import NDArray

from strata.measures.gram import GramSums, gram_of_distances, variance_of_pairs
from strata.measures.influence import Influences, jackknifed


def debiased_hsic(sums: GramSums) -> NDArray[np.float64]:
    """Return the unbiased HSIC (L, L) of all pairs of layers, of 4 or more points.

    Song et al. 2012, Feature selection via dependence maximization, equation 5.
    """
    return _hsic(
        sums.rows.shape[1],
        sums.products.sum(axis=2),
        sums.rows.sum(axis=1)[:, None] * sums.rows.sum(axis=1)[None],
        np.einsum("an,bn->ab", sums.rows, sums.rows),
    )


def debiased_hsic_without(sums: GramSums) -> NDArray[np.float64]:
    """Return the unbiased HSIC (L, L, n) of all pairs of layers without each of 5 or more points."""
    rows, along = sums.rows, sums.along_rows
    totals = rows.sum(axis=1, keepdims=True) - 2 * rows
    shared = np.einsum("an,bn->ab", rows, rows)[:, :, None] - rows[:, None] * rows[None]
    return _hsic(
        rows.shape[1] - 1,
        sums.products.sum(axis=2, keepdims=True) - 2 * sums.products,
        totals[:, None] * totals[None],
        shared - along - along.swapaxes(0, 1) + sums.products,
    )


def _hsic(
    count: int, products: NDArray[np.float64], totals: NDArray[np.float64], shared: NDArray[np.float64]
) -> NDArray[np.float64]:
    return (products + totals / ((count - 1) * (count - 2)) - 2 * shared / (count - 2)) / (count * (count - 3))


def debiased_cka(sums: GramSums) -> NDArray[np.float64]:
    """Return the debiased linear CKA (L, L); 1 for layers equal up to rotation and scale, about 0 for unrelated.

    NaN where a layer is constant.
    """
    return _cka(debiased_hsic(sums))


def cka_influences(sums: GramSums) -> list[list[Influences]]:
    """Return the influences on the debiased linear CKA of all pairs of layers (L, L)."""
    hsic, without = debiased_hsic(sums), _cka(debiased_hsic_without(sums))
    cka = _cka(hsic)
    layers = range(len(cka))
    return [[jackknifed(float(cka[a, b]), without[a, b], _cka_pairs(sums, hsic, a, b)) for b in layers] for a in layers]


def _cka(hsic: NDArray[np.float64]) -> NDArray[np.float64]:
    own = np.einsum("aa...->a...", hsic)
    own = np.where(own > 0, own, np.nan)
    return hsic / np.sqrt(own[:, None] * own[None])


def _cka_pairs(sums: GramSums, hsic: NDArray[np.float64], a: int, b: int) -> float:
    """Return the variance of CKA c that belongs to pairs of points.

    With h the HSIC, that of the mean of K L / (h_kk h_ll)^1/2 - c K K / 2 h_kk - c L L / 2 h_ll over pairs.
    """
    if a == b or not (hsic[a, a] > 0 and hsic[b, b] > 0):
        return 0.0
    both = (hsic[a, a] * hsic[b, b]) ** -0.5
    first, second = -hsic[a, b] * both / (2 * hsic[a, a]), -hsic[a, b] * both / (2 * hsic[b, b])
    squares = (both**2 + 2 * first * second) * sums.squares[a, b]
    squares += first**2 * sums.squares[a, a] + second**2 * sums.squares[b, b]
    squares += 2 * both * (first * sums.cubes_by[a, b] + second * sums.cubes_by[b, a])
    rows = both * sums.products[a, b] + first * sums.products[a, a] + second * sums.products[b, b]
    return variance_of_pairs(float(squares), rows)


def procrustes_distance(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Return the squared Procrustes distance of the same points in two layers, by their shapes (n, d) and (n, e).

    Both are centred and have Frobenius norm 1 (`shape_of`). 0: equal up to rotation, shift and scale; at most 2. With
    fewer points than dimensions, a rotation can fit much by chance. NaN where a layer is constant. Ding, Denain &
    Steinhardt 2021, Grounding representation similarity with statistical testing.
    """
    if not (left.any() and right.any()):
        return float("nan")
    return max(0.0, 2 - 2 * float(np.linalg.norm(left.T @ right, "nuc")))


def shape_of(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return values (n, D) centred, at norm 1, and turned into the space of at most n dimensions that they span."""
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    centred[:, (values == values[0]).all(axis=0)] = 0  # a mean is rounded
    return _at_norm_1(_spanned(centred @ centred.T) if centred.shape[1] > len(centred) else centred)


def shape_by_distances(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shape (n, n) of points from all their squared distances; those to themselves may be infinite."""
    return _at_norm_1(_spanned(gram_of_distances(squared)))


def _spanned(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (n, n) with a Gram matrix (n, n)."""
    variances, directions = np.linalg.eigh(gram)
    return directions * np.sqrt(np.maximum(variances, 0))


def _at_norm_1(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(centred)
    return centred / norm if norm > 0 else centred


def neighbourhood_overlap(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return for each point (n,) the share of its neighbours (n, k) that are the same in two spaces.

    Doimo et al. 2020, Hierarchical nucleation in deep neural networks (there the mean over the points).
    """
    both = np.sort(np.concatenate([first, second], axis=1), axis=1)
    return (np.diff(both, axis=1) == 0).sum(axis=1) / first.shape[1]


def drift(overlap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - Jaccard index of two sets of neighbours, of equal size, from the share of them that is common."""
    return 1 - overlap / (2 - overlap)
