"""The mean of each class in a layer, and how the points scatter about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.influence import Influences


@dataclass(frozen=True)
class ClassMeans:
    """Means float64 (C, D) of the classes with points, less their own mean, and the points' deviations float32 (n, D).

    A deviation is that from the mean of the point's class. `classes` (C,) are the labels, `codes` (n,) says which of
    them each point belongs to, and `counts` (C,) are their sizes. All classes count alike, whatever their sizes.
    """

    classes: NDArray[np.integer]
    codes: NDArray[np.intp]
    counts: NDArray[np.intp]
    means: NDArray[np.float64]
    deviations: NDArray[np.float32]

    def projected(self, directions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the deviations' products (n, r) with directions (D, r)."""
        return (self.deviations @ directions.astype(np.float32)).astype(np.float64)

    def influences(self, value: float, effects: NDArray[np.float64]) -> Influences:
        """Return the influences on a value from each point's `effect` (n,): the value's derivative by its class.

        The derivative is that for a class of which a share moves to the point, per share.
        """
        sizes = self.counts[self.codes]
        unbiased = np.sqrt(sizes / np.maximum(sizes - 1, 1))  # a class's mean is fitted to its points
        return Influences(value, effects * unbiased * len(self.codes) / sizes, 0.0)


def class_means(values: NDArray[np.float32], labels: NDArray[np.integer]) -> ClassMeans:
    """Return the class means of a layer's activations float32 (n, D) by their labels (n,)."""
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means, deviations = np.empty((len(classes), values.shape[1])), np.empty_like(values, order="C", subok=False)
    for place in range(len(classes)):
        own = values[codes == place]
        means[place] = own.mean(axis=0, dtype=np.float64)
        deviations[codes == place] = own - means[place].astype(np.float32)
    centred = means - means.mean(axis=0)
    centred[:, np.ptp(means, axis=0) == 0] = 0  # a mean is rounded
    return ClassMeans(classes, codes, counts, centred, deviations)
