"""Values with their uncertainty: 95% intervals of means, of proportions, and by half-samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measure_registry import Interval

Z = 1.959964  # of a normal law, 95% within
# What an interval is made from: an array, or one number.
Scores = NDArray[Any] | Sequence[float] | float


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its 95% interval; the bounds are NaN where there is no uncertainty to state."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def estimate_from(scores: Scores, interval: Interval) -> Estimate:
    """Return the estimate of scores: one number for no interval, (n,) for a mean or a share, else (1 + repeats,)."""
    values = np.asarray(scores)
    match interval:
        case Interval.NONE:
            return Estimate(float(values))
        case Interval.MEAN:
            return mean_of(values, within=(-inf, inf))
        case Interval.MEAN_OF_SHARES:
            return mean_of(values)
        case Interval.WILSON:
            return share_of(values)
        case Interval.HALF_SAMPLES:
            return from_half_samples(values)


def mean_of(scores: NDArray[np.floating], within: tuple[float, float] = (0, 1)) -> Estimate:
    """Return the mean of scores (n,) with the normal interval of a mean, cut to where the scores lie.

    Points share neighbours, so their scores are not quite independent: the interval is somewhat too narrow.
    """
    value = float(scores.mean())
    half = Z * float(scores.std(ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else float("nan")
    low, high = np.clip([value - half, value + half], *within)
    return Estimate(value, float(low), float(high))


def share_of(hits: NDArray[np.bool_]) -> Estimate:
    """Return the share of hits (n,) that are true, with Wilson's interval (1927)."""
    # By hand: SciPy's statistics take a second to import, in every process.
    share, count = float(hits.mean()), len(hits)
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * (share * (1 - share) / count + (Z / (2 * count)) ** 2) ** 0.5 / (1 + Z**2 / count)
    # Without hits, or with nothing else, a bound is the share itself, but for rounding.
    return Estimate(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def from_half_samples(estimates: NDArray[np.floating]) -> Estimate:
    """Return the first of the estimates (1 + repeats,), that of all points, with the normal interval by the others."""
    halves = estimates[1:][np.isfinite(estimates[1:])]
    half = Z * float(halves.std(ddof=1)) if len(halves) > 1 else float("nan")
    value = float(estimates[0])
    return Estimate(value, value - half, value + half)
