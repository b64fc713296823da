"""Intrinsic dimension by the two nearest neighbours (TwoNN; Facco, d'Errico, Rodriguez & Laio 2017)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DISCARDED = 0.1  # of the largest ratios, in the linear fit, as in the paper


@dataclass(frozen=True)
class TwoNN:
    """The two estimates from `used` points, and how many were dropped as their nearest neighbour is a duplicate.

    NaN where fewer than two points were left or all ratios are 1.
    """

    maximum_likelihood: float
    linear_fit: float
    used: int
    dropped: int


def two_nn(distances: NDArray[np.float64]) -> TwoNN:
    """Return the intrinsic dimension from the distances (n, 2) of each point to its two nearest others.

    The ratio mu of the second to the first follows a Pareto law with exponent d. Maximum likelihood: (n - 1) / sum of
    log mu (without bias; Denti et al. 2022). Linear fit: slope through the origin of -log(1 - F) against log mu, with
    F the empirical distribution, the largest tenth of the ratios left out.
    """
    kept = distances[distances[:, 0] > 0]
    logs = np.sort(np.log(kept[:, 1] / kept[:, 0]))
    count, dropped = len(logs), len(distances) - len(kept)
    if count < 2 or logs[-1] == 0:
        return TwoNN(np.nan, np.nan, count, dropped)
    used = max(2, int(count * (1 - DISCARDED)))
    x, y = logs[:used], -np.log1p(-np.arange(used) / count)
    slope = float(x @ y / (x @ x)) if x[-1] > 0 else np.nan
    return TwoNN(float((count - 1) / logs.sum()), slope, count, dropped)
