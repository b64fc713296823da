"""Every point's nearest neighbours, exact, with equal distances in the order of the points."""

import numpy as np
from numpy.typing import NDArray

from strata.maps.barnes_hut.compiled import Divided, compiled
from strata.maps.barnes_hut.selection import select
from strata.maps.barnes_hut.tree import Floats, Integers

ROWS = 256  # points whose products with all others are in memory at a time
# Points of which only the nearest is looked at first: many, where that leaves enough of them to find a bound.
WIDE, NARROW, ENOUGH = 64, 16, 4
# A squared distance from a product of float32 is off by less than this, times both squared norms.
ROUNDING = np.float32(3e-5)
TWO, ZERO, LARGEST = np.float32(2), np.float32(0), np.finfo(np.float32).max


def nearest(values: Floats, k: int, run: Divided) -> tuple[Integers, NDArray[np.float64]]:
    """Return the rows (n, k), in ascending order, of the k < n other points nearest to each point of values (n, D).

    With their squared distances (n, k). Products in float32 find candidates; their distances are computed again in
    float64, in a fixed order of sums, so the result does not depend on the library of the products. Values must be
    finite, and their squares must be within the range of float32.
    """
    count = len(values)
    rows, squared = np.empty((count, k), dtype=np.int32), np.empty((count, k))
    width = WIDE if count >= ENOUGH * k * WIDE else NARROW
    centred = np.zeros((-(-count // width) * width, values.shape[1]), dtype=np.float32)
    centred[:count] = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
    norms = np.einsum("ij,ij->i", centred, centred)
    margin = 2 * ROUNDING * norms.max()
    norms[count:] = np.inf  # rows that only fill the last block
    for start in range(0, count, ROWS):
        products = centred[start : min(start + ROWS, count)] @ centred.T
        run(len(products), _choose, products, norms, margin, width, values, start, rows, squared)
    return rows, squared


@compiled
def _choose(
    products: Floats,
    norms: Floats,
    margin: np.float32,
    width: int,
    values: Floats,
    start: int,
    rows: Integers,
    squared: NDArray[np.float64],
    first: int,
    last: int,
) -> None:
    count, k = len(norms), rows.shape[1]
    near, found = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.int32)
    least = np.empty(count // width, dtype=np.float32)
    exact, keys = np.empty(count), np.empty(count)
    for row in range(first, last):
        point = start + row
        _distances(products[row], norms, norms[point], near)
        near[point] = np.inf
        held = _candidates(near, least, width, k, margin + TWO * ROUNDING * norms[point], found)
        for place in range(held):
            exact[place] = keys[place] = _squared_distance(values, point, found[place])
        items = found[:held].copy()
        select(keys, items, 0, held - 1, k - 1)
        limit, equal = keys[k - 1], k
        for place in range(held):
            equal -= exact[place] < limit
        taken = 0
        for place in range(held):  # in ascending order, so that the first of equal distances are taken
            if exact[place] < limit or (exact[place] == limit and equal > 0):
                equal -= exact[place] == limit
                rows[point, taken], squared[point, taken] = found[place], exact[place]
                taken += 1


@compiled
def _distances(products: Floats, norms: Floats, own: np.float32, near: Floats) -> None:
    for place in range(len(near)):
        distance = own + norms[place] - TWO * products[place]
        near[place] = distance if distance > ZERO else ZERO


@compiled
def _candidates(near: Floats, least: Floats, width: int, k: int, margin: np.float32, found: Integers) -> int:
    """Write the rows of all points that may be among the k nearest, in ascending order; return how many there are.

    The k-th least of the blocks' least distances is no less than the k-th least distance. `margin` is the most by which
    two distances can be off together.
    """
    bits = near.view(np.int32)  # in the order of positive numbers, and whole numbers are compared many at a time
    least_bits = least.view(np.int32)
    for block in range(len(least)):
        lowest = bits[block * width]
        for place in range(block * width + 1, (block + 1) * width):
            lowest = min(lowest, bits[place])
        least_bits[block] = lowest
    bound = LARGEST
    if len(least) >= k:
        keys, blocks = least.copy(), np.empty(len(least), dtype=np.int32)
        select(keys, blocks, 0, len(keys) - 1, k - 1)
        bound = min(keys[k - 1] + margin, LARGEST)
    held = 0
    for block in range(len(least)):
        if least[block] <= bound:
            for place in range(block * width, (block + 1) * width):
                if near[place] <= bound:
                    found[held] = place
                    held += 1
    return held


@compiled
def _squared_distance(values: Floats, one: int, two: int) -> float:
    sum_0 = sum_1 = sum_2 = sum_3 = 0.0
    units = values.shape[1]
    whole = units // 4 * 4
    for unit in range(0, whole, 4):
        difference_0 = np.float64(values[one, unit]) - values[two, unit]
        difference_1 = np.float64(values[one, unit + 1]) - values[two, unit + 1]
        difference_2 = np.float64(values[one, unit + 2]) - values[two, unit + 2]
        difference_3 = np.float64(values[one, unit + 3]) - values[two, unit + 3]
        sum_0 += difference_0 * difference_0
        sum_1 += difference_1 * difference_1
        sum_2 += difference_2 * difference_2
        sum_3 += difference_3 * difference_3
    for unit in range(whole, units):
        difference_0 = np.float64(values[one, unit]) - values[two, unit]
        sum_0 += difference_0 * difference_0
    return (sum_0 + sum_2) + (sum_1 + sum_3)
