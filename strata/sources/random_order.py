"""Random orders from a seed: which images are for testing, and labels shuffled among the training images.

An order is that of the SHA-256 of each row's number, so that no library's generator can change it.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def random_order(count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """Return the numbers 0 to count - 1 in an order that depends on the seed and the purpose."""
    return hashed_order(count, f"{purpose} {seed}")


def hashed_order(count: int, name: str) -> NDArray[np.intp]:
    """Return the numbers 0 to count - 1 in an order that depends on the name."""
    start = hashlib.sha256(f"strata {name} ".encode())

    def key(row: int) -> bytes:
        continued = start.copy()
        continued.update(str(row).encode())
        return continued.digest()

    return np.array(sorted(range(count), key=key), dtype=np.intp)


def rows_for_testing(labels: NDArray[np.integer], share: float, seed: int) -> NDArray[np.bool_]:
    """Return which rows (n,) are for testing: the given share of each class, at least one, and never all.

    Raises ValueError if a class has a single image.
    """
    order = random_order(len(labels), seed, "test split")
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        if len(rows) < 2:
            raise ValueError(f"class {label} has a single image")
        chosen[rows[: min(max(1, int(share * len(rows) + 0.5)), len(rows) - 1)]] = True
    return chosen


def shuffled(labels: NDArray[Any], seed: int) -> NDArray[Any]:
    """Return the labels (n,) in random order; the images keep their order, so a label says nothing about its image."""
    return labels[random_order(len(labels), seed, "training labels")]
