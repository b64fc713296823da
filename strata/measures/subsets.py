"""Random subsets of the points: those that are measured, halves of them for intervals, and ever smaller parts."""

import numpy as np
from numpy.typing import NDArray

from strata.core import streams

# Intrinsic dimension against the number of points: from all points, halves, quarters and eighths (Facco et al. 2017).
PARTS = (2, 4, 8)


def chosen(count: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return all rows of `count`, or `most` of them at random, in ascending order."""
    return np.arange(count) if count <= most else np.sort(rng.choice(count, most, replace=False))


def half_samples(count: int, repeats: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return subsets (n, 1 + repeats) of n points: all of them, then random halves, in twos that share no point.

    Estimates from two such halves are independent, and their difference tells the standard error at n / 2 points.
    Without replacement no duplicates arise, which would ruin nearest neighbours as a bootstrap does.
    """
    subsets = np.zeros((count, 1 + repeats), dtype=bool)
    subsets[:, 0] = True
    for first in range(1, 1 + repeats, 2):
        order, size = rng.permutation(count), count // 2
        for column in range(first, min(first + 2, 1 + repeats)):
            subsets[order[(column - first) * size :][:size], column] = True
    return subsets


def disjoint_parts(count: int, parts: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return `parts` disjoint random subsets (n, parts), of n // parts points each."""
    order, size = rng.permutation(count), count // parts
    subsets = np.zeros((count, parts), dtype=bool)
    for part in range(parts):
        subsets[order[part * size : (part + 1) * size], part] = True
    return subsets


def point_subsets(count: int, repeats: int, seed: int) -> NDArray[np.bool_]:
    """Return subsets (n, 1 + repeats + 2 + 4 + 8) of n points: all, half-samples, and the disjoint parts of PARTS."""
    halves = half_samples(count, repeats, streams.half_samples(seed))
    parts = [disjoint_parts(count, number, streams.disjoint_parts(seed, number)) for number in PARTS]
    return np.hstack([halves, *parts])
