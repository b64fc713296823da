"""Values with their uncertainty: 95% intervals of means, of proportions, and by half-samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959964  # of a normal law, 95% within


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its 95% interval; the bounds are NaN where there is no uncertainty to state."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def mean_of(scores: NDArray[np.floating]) -> Estimate:
    """Return the mean of scores (n,) within 0..1 with the normal interval of a mean, cut to 0..1.

    Points share neighbours, so their scores are not quite independent: the interval is somewhat too narrow.
    """
    value = float(scores.mean())
    half = Z * float(scores.std(ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else float("nan")
    low, high = np.clip([value - half, value + half], 0, 1)
    return Estimate(value, float(low), float(high))


def share_of(hits: NDArray[np.bool_]) -> Estimate:
    """Return the share of hits (n,) that are true, with Wilson's interval (1927)."""
    # By hand: SciPy's statistics take a second to import, in every process.
    share, count = float(hits.mean()), len(hits)
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * (share * (1 - share) / count + (Z / (2 * count)) ** 2) ** 0.5 / (1 + Z**2 / count)
    # Without hits, or with nothing else, a bound is the share itself, but for rounding.
    return Estimate(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def half_samples(count: int, repeats: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return subsets (n, 1 + repeats) of n points: all of them, then random halves without replacement.

    An estimate's spread over halves is about its standard error on all points (half-sampling; Politis, Romano & Wolf
    1999): without replacement no duplicates arise, which would ruin nearest neighbours as a bootstrap does.
    """
    subsets = np.zeros((count, 1 + repeats), dtype=bool)
    subsets[:, 0] = True
    for column in range(1, 1 + repeats):
        subsets[rng.permutation(count)[: count // 2], column] = True
    return subsets


def disjoint_parts(count: int, parts: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return `parts` disjoint random subsets (n, parts), of n // parts points each."""
    order, size = rng.permutation(count), count // parts
    subsets = np.zeros((count, parts), dtype=bool)
    for part in range(parts):
        subsets[order[part * size : (part + 1) * size], part] = True
    return subsets


def from_half_samples(estimates: NDArray[np.floating]) -> Estimate:
    """Return the first of the estimates (1 + repeats,), that of all points, with the normal interval by the others."""
    halves = estimates[1:][np.isfinite(estimates[1:])]
    half = Z * float(halves.std(ddof=1)) if len(halves) > 1 else float("nan")
    value = float(estimates[0])
    return Estimate(value, value - half, value + half)
