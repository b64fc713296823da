"""How a layer uses its units: zeros, dead units, and how many directions its variance fills."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from strata.measures.gram import GramSums, variance_of_pairs
from strata.measures.influence import Influences, jackknifed
from strata.measures.similarity import debiased_hsic, debiased_hsic_without

Sums = TypeVar("Sums", float, NDArray[np.float64])


def zero_shares(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return for each point (n,) the share of its activations (n, D) that are exactly 0."""
    return (values == 0).mean(axis=1)


def dead_share(values: NDArray[np.floating]) -> float:
    """Return the share of units of values (n, D) with the same output for all points (after a ReLU, mostly 0)."""
    return float((values == values[0]).all(axis=0).mean())


def participation_ratio(sums: GramSums) -> Influences:
    """Return the participation ratio of a layer's PCA spectrum, from its Gram sums, with each point's influence.

    (sum of eigenvalues)^2 / sum of their squares: D where all directions vary alike, 1 where one holds everything (Gao
    et al. 2017, A theory of multineuronal dimensionality). The spectrum is that of the covariance of all there is, not
    of the n points: numerator and denominator are means over different points, without bias (U-statistics), as a ratio
    from the points' own covariance is too small where it is not far below n (Chun et al. 2025, Estimating
    dimensionality of neural representations from finite samples). NaN where a layer is constant.
    """
    squares, squares_without = debiased_hsic(sums)[0, 0], debiased_hsic_without(sums)[0, 0]
    if not squares > 0:
        return Influences(np.nan, np.full(sums.rows.shape[1], np.nan), np.nan)
    traces, traces_without = _squared_traces(sums)
    ratio = traces / squares
    without = traces_without / np.where(squares_without > 0, squares_without, np.nan)
    return jackknifed(float(ratio), without, ratio**2 * _pairs(sums, traces, float(squares)))


def _squared_traces(sums: GramSums) -> tuple[float, NDArray[np.float64]]:
    """Return the covariance's squared trace without bias, and the same without each point (n,).

    With squared distances D it is the mean of D_ij D_kl / 4 over different points i, j, k, l.
    """
    own, rows, count = sums.diagonal[0], sums.rows[0], sums.rows.shape[1]
    along_own, along_rows, products = sums.along_diagonal[0], sums.along_rows[0, 0], sums.products[0, 0]
    trace = own.sum()
    to_point = (count - 2) * own + trace - 2 * rows  # the sum over j of D_ij
    squares = (count - 1) * own**2 + 2 * own * (trace - own) + (own @ own - own**2)  # of D_ij^2
    squares += 4 * (products - own * rows - along_own)
    along = own * (to_point.sum() - to_point) + own @ to_point - own * to_point  # of D_ij times the sum of j
    along -= 2 * ((count - 2) * along_own + trace * rows - 2 * along_rows)
    total, total_squares = to_point.sum(), squares.sum()
    return (
        float(_mean_product(total, to_point @ to_point, total_squares, count)),
        _mean_product(
            total - 2 * to_point,
            to_point @ to_point - to_point**2 - 2 * along + squares,
            total_squares - 2 * squares,
            count - 1,
        ),
    )


def _mean_product(total: Sums, points: Sums, squares: Sums, count: int) -> Sums:
    """Return a quarter of the mean of D_ij D_kl, from the sums of D, of its squared row sums, and of its squares."""
    return (total**2 - 4 * points + 2 * squares) / (4.0 * count * (count - 1) * (count - 2) * (count - 3))


def _pairs(sums: GramSums, traces: float, squares: float) -> float:
    """Return the variance of log ratio that belongs to pairs of points: that of -2 K / trace - K^2 / squares."""
    linear, quadratic = -2 / traces**0.5, -1 / squares
    sum_of_squares = (
        linear**2 * float(sums.products[0, 0].sum())
        + 2 * linear * quadratic * float(sums.cubes[0])
        + quadratic**2 * float(sums.squares[0, 0])
    )
    return variance_of_pairs(sum_of_squares, linear * sums.rows[0] + quadratic * sums.products[0, 0])
