"""How a layer uses its units: zeros, dead units, and how many directions its variance fills."""

import numpy as np
from numpy.typing import NDArray

from strata.measures.similarity import GramSums


def zero_shares(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return for each point (n,) the share of its activations (n, D) that are exactly 0."""
    return (values == 0).mean(axis=1)


def dead_share(values: NDArray[np.floating]) -> float:
    """Return the share of units of values (n, D) that put out the same for all points (after a ReLU, mostly 0)."""
    return float((values == values[0]).all(axis=0).mean())


def participation_ratios(sums: GramSums, subsets: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the participation ratio (L, R) of each layer's PCA spectrum on each subset (n, R) of the points.

    (sum of eigenvalues)^2 / sum of their squares: D where all directions vary alike, 1 where one holds everything
    (Gao et al. 2017, A theory of multineuronal dimensionality). From the Gram matrix, which has the same spectrum. NaN
    where a layer is constant.
    """
    count = subsets.sum(axis=0)
    members = subsets.astype(np.float64)
    diagonal = sums.diagonal[:, :, None] * members
    rows = sums.rows * members + diagonal
    total = rows.sum(axis=1)
    trace = diagonal.sum(axis=1) - total / count
    squares = np.einsum("aar->ar", sums.products) + (diagonal**2).sum(axis=1)
    squares = squares - 2 * (rows**2).sum(axis=1) / count + (total / count) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, trace**2 / squares, np.nan)
