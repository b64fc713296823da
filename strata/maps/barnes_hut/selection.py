"""Selection of the smallest numbers of a list (Hoare 1961), and a sum in a fixed order."""

import numpy as np
from numpy.typing import NDArray

from strata.maps.barnes_hut.compiled import compiled


@compiled
def select(keys: NDArray[np.floating], items: NDArray[np.int32], low: int, high: int, middle: int) -> None:
    """Reorder places `low` to `high`, both included, so that none before `middle` has a larger key than one from it on.

    The key at `middle` is then the one that sorting would bring there. `items` follow their keys, which must be finite.
    """
    while low < high:
        pivot = keys[(low + high) // 2]
        up, down = low, high
        while up <= down:
            while keys[up] < pivot:
                up += 1
            while keys[down] > pivot:
                down -= 1
            if up <= down:
                keys[up], keys[down] = keys[down], keys[up]
                items[up], items[down] = items[down], items[up]
                up += 1
                down -= 1
        if middle <= down:
            high = down
        elif middle >= up:
            low = up
        else:
            return


@compiled
def total(numbers: NDArray[np.floating], count: int) -> float:
    """Return the sum of the first numbers, one after another in float64: np.sum's order depends on the processor."""
    result = 0.0
    for place in range(count):
        result += numbers[place]
    return result
