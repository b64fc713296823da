"""Values with their uncertainty: 95% intervals of means and proportions, by influences, and by half-samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from strata.artifacts.measure_registry import Interval
from strata.measures.influence import Influences

Z = 1.959964  # of a normal law, 95% within
EVERYWHERE, SHARES = (-inf, inf), (0.0, 1.0)
# What an interval is made from: an array, one number, or the influences of the points.
Scores = NDArray[Any] | Sequence[float] | float | Influences


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its 95% interval; the bounds are NaN where there is no uncertainty to state."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def estimate_from(scores: Scores, interval: Interval) -> Estimate:
    """Return the estimate of scores: one number for no interval, (n,) for a mean or a share, Influences, or (1 + r,).

    Raises TypeError where the scores are Influences, and the interval is made of something else, or the reverse.
    """
    if isinstance(scores, Influences) != (interval in (Interval.INFLUENCES, Interval.INFLUENCES_ON_SHARE)):
        raise TypeError(f"no '{interval}' is made of {type(scores).__name__}")
    if isinstance(scores, Influences):
        return from_influences(scores, EVERYWHERE if interval == Interval.INFLUENCES else SHARES)
    values = np.asarray(scores)
    match interval:
        case Interval.MEAN:
            return mean_of(values, EVERYWHERE)
        case Interval.MEAN_OF_SHARES:
            return mean_of(values)
        case Interval.WILSON:
            return share_of(values)
        case Interval.HALF_SAMPLES:
            return from_half_samples(values)
        case _:
            return Estimate(float(values))


def mean_of(scores: NDArray[np.floating], within: tuple[float, float] = SHARES) -> Estimate:
    """Return the mean of scores (n,), each of its own point alone, with the normal interval cut to where they lie."""
    error = float(scores.std(ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else float("nan")
    return _normal(float(scores.mean()), error, within)


def from_influences(influences: Influences, within: tuple[float, float] = EVERYWHERE) -> Estimate:
    """Return an estimate with the normal interval of its standard error by influences, cut to where it can lie."""
    return _normal(influences.value, influences.standard_error, within)


def _normal(value: float, error: float, within: tuple[float, float]) -> Estimate:
    low, high = np.clip([value - Z * error, value + Z * error], *within)
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
    """Return the first of the estimates (1 + r,), that of all points, with an interval by the other r.

    These come in twos, of halves that share no point, and so are independent: half of their squared difference
    estimates the variance at n / 2 points, and a quarter of it that at n, which is half as large. Student's t, with as
    many degrees of freedom as there are twos.
    """
    halves = estimates[1 : 1 + 2 * ((len(estimates) - 1) // 2)].reshape(-1, 2)
    differences = np.diff(halves, axis=1)[np.isfinite(halves).all(axis=1), 0]
    half = float("nan")
    if len(differences):
        half = float(stdtrit(len(differences), 0.975) * np.sqrt((differences**2).mean()) / 2)
    value = float(estimates[0])
    return Estimate(value, value - half, value + half)
