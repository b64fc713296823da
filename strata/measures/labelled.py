"""The labels of the sets of images that are measured, true and shuffled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledSets:
    """Labels of the points, the reference images and the held-out images, int (n,), and the number of classes."""

    points: NDArray[np.int16]
    reference: NDArray[np.int16]
    held_out: NDArray[np.int16]
    classes: int

    def shuffled(self, rng: np.random.Generator) -> "LabelledSets":
        """Return the labels permuted within each set: what a measure finds where nothing is to be found."""
        return LabelledSets(
            rng.permutation(self.points), rng.permutation(self.reference), rng.permutation(self.held_out), self.classes
        )
