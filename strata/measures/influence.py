"""How much each point counts for a measure: what a 95% interval is made from where points depend on one another.

A point counts by its own score, and by every other score in which it is a neighbour. To treat the scores alone as
independent leaves out the second part; `make coverage` shows what that does to an interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Influences:
    """An estimate, the influence (n,) of each point on it, and `pairs`, the variance that belongs to pairs of points.

    An influence is a pseudo-value of the jackknife: n times the estimate less n - 1 times the estimate without the
    point, but for a constant.
    """

    value: float
    influences: NDArray[np.float64]
    pairs: float

    @property
    def standard_error(self) -> float:
        """The standard error of the estimate, over other samples of as many points; NaN for a single point.

        The jackknife counts once what belongs to single points and twice what belongs to pairs of them, such as whether
        two neighbours happen to agree (Efron & Stein 1981, The jackknife estimate of variance): so `pairs` is taken off
        once. It can be no more than half.
        """
        count = len(self.influences)
        if count < 2:
            return float("nan")
        jackknife = float(self.influences.var(ddof=1)) / count
        return float(max(jackknife - self.pairs, jackknife / 2) ** 0.5)


def jackknifed(value: float, without: NDArray[np.float64], pairs: float) -> Influences:
    """Return the influences on an estimate from the estimates without each point (n,)."""
    count = len(without)
    return Influences(value, count * value - (count - 1) * without, pairs)


def influences_on_mean(
    scores: NDArray[np.float64],
    neighbours: NDArray[np.integer],
    effects: NDArray[np.floating],
    elsewhere: NDArray[np.floating] | float = 0.0,
) -> Influences:
    """Return the influences on the mean of scores (n,) that depend on neighbours, rows (n, m).

    `effects` (n, m) say what each of them adds to the point's score, compared with the point that would take its place;
    `elsewhere` (n,) what a point adds to the sum of the scores without being a neighbour.
    """
    own = np.bincount(neighbours.ravel(), effects.ravel(), minlength=len(scores))
    return Influences(float(scores.mean()), scores + own + elsewhere, pair_variance(neighbours, effects))


def pair_variance(neighbours: NDArray[np.integer], effects: NDArray[np.floating]) -> float:
    """Return the variance of a mean over n points that belongs to pairs: squared effects (n, m) of neighbours (n, m).

    What two points do to each other's scores is one effect.
    """
    count, width = neighbours.shape
    points, others = np.repeat(np.arange(count), width), neighbours.ravel().astype(np.int64)
    pairs = np.minimum(points, others) * count + np.maximum(points, others)
    _, order = np.unique(pairs, return_inverse=True)
    together = np.bincount(order, effects.ravel())
    return float(together @ together) / count**2
