"""The spectrum of a layer's covariance, and two numbers that describe it: effective rank and spectrum exponent."""

import numpy as np
from numpy.typing import NDArray

from strata.measures.gram import gram_of_distances

MOST_POINTS = 1000  # whose covariance is decomposed: the time grows with the cube of their number
NEGLIGIBLE = 1e-12  # eigenvalues, relative to the largest, that are rounding errors
FIRST, LAST = 11, 100  # ranks of the eigenvalues that the exponent is fitted to


def eigenvalues(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the eigenvalues (r,) of the covariance of values (n, D) that are not 0, the largest first.

    Of at most MOST_POINTS points, at equal steps among all. The smaller one of covariance and Gram matrix is
    decomposed: they have the same eigenvalues. r is at most min(n - 1, D), and 0 for a constant layer.
    """
    chosen = values[_few(len(values))].astype(np.float64)
    constant = (chosen == chosen[0]).all(axis=0)
    chosen -= chosen.mean(axis=0)
    chosen[:, constant] = 0  # a mean is rounded
    count, units = chosen.shape
    matrix: NDArray[np.float64] = chosen.T @ chosen if units < count else chosen @ chosen.T
    return _without_rounding(matrix, count, units)


def eigenvalues_by_distances(squared: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    """Return what `eigenvalues` does for a layer of D units, from all squared distances (n, n) of its points.

    Those of points to themselves may be infinite. Without the products that this would need otherwise it takes a tenth
    of the time where D is large.
    """
    rows = _few(len(squared))
    return _without_rounding(gram_of_distances(squared[np.ix_(rows, rows)]), len(rows), units)


def _few(count: int) -> NDArray[np.intp]:
    """Return at most MOST_POINTS rows, at equal steps among n."""
    few = min(count, MOST_POINTS)
    return np.arange(few) * count // few


def _without_rounding(matrix: NDArray[np.float64], count: int, units: int) -> NDArray[np.float64]:
    """Return the eigenvalues of a covariance from n - 1 times it, or from the Gram matrix, less those that are 0."""
    found = np.asarray(np.linalg.eigvalsh(matrix / max(count - 1, 1))[::-1][: min(count - 1, units)], dtype=np.float64)
    return found[found > NEGLIGIBLE * max(found[0], 0)] if len(found) else found


def effective_rank(spectrum: NDArray[np.float64]) -> float:
    """Return the effective rank of a layer from the eigenvalues (r,) of its covariance; NaN where it is constant.

    The exponential of the entropy of the singular values, divided by their sum: r where all are alike, 1 where there is
    only one (Roy & Vetterli 2007; Garrido et al. 2023, RankMe). RankMe does not subtract the mean; here it is
    subtracted, as it would count as one large direction after a ReLU.
    """
    if not len(spectrum):
        return float("nan")
    shares = np.sqrt(spectrum) / np.sqrt(spectrum).sum()
    return float(np.exp(-(shares @ np.log(shares))))


def spectrum_exponent(spectrum: NDArray[np.float64]) -> float | None:
    """Return the exponent a of the power law rank^-a that eigenvalues (r,) follow, the largest first.

    Minus the slope of the logarithm of eigenvalues FIRST to LAST against that of their rank, by least squares (Agrawal
    et al. 2022, alpha-ReQ). None where there are fewer than LAST eigenvalues.
    """
    if len(spectrum) < LAST:
        return None
    logs = np.log(np.arange(FIRST, LAST + 1))
    logs -= logs.mean()
    return float(-(logs @ np.log(spectrum[FIRST - 1 : LAST])) / (logs @ logs))
