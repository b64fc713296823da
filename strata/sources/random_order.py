"""Orders drawn from a seed: which images are for testing, and labels shuffled among the training images.

An order is that of the SHA-256 of each row's number, so that no library's generator can ever change it.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def random_order(count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """Return the numbers 0 to count - 1 in an order that depends on the seed and on what it is for."""
    return hashed_order(count, f"{purpose} {seed}")


def hashed_order(count: int, name: str) -> NDArray[np.intp]:
    """Return the numbers 0 to count - 1 in an order of its own for each name."""
    start = hashlib.sha256(f"strata {name} ".encode())

    def key(row: int) -> bytes:
        continued = start.copy()
        continued.update(str(row).encode())
        return continued.digest()

    return np.array(sorted(range(count), key=key), dtype=np.intp)


def rows_for_testing(labels: NDArray[np.integer], share: float, seed: int) -> NDArray[np.bool_]:
    """Return which rows (n,) are for testing: of each class the given share, at least one, and never all.

    Raises ValueError where a class has a single image.
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
    """Return the labels (n,) in random order: the images keep their places, so that no label tells of its image."""
    return labels[random_order(len(labels), seed, "training labels")]
