"""The intrinsic dimension within each class, by TwoNN among the points of the class."""

import numpy as np
from numpy.typing import NDArray

from strata.measures.intrinsic_dimension import two_nn
from strata.measures.neighbours import NeighbourBlock, two_nearest_in_subsets

FEWEST = 3  # points of a class: each has two others


def two_nearest_of_class(
    block: NeighbourBlock, labels: NDArray[np.integer], subsets: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the distances (b, s, 2) of a block's points to the two nearest others of their class, in each subset.

    `labels` (n,) and `subsets` bool (n, s) are those of all points. NaN where a point is not in the subset, or fewer
    than FEWEST of its class are.
    """
    here = slice(block.start, block.start + len(block.squared))
    found = np.full((len(block.squared), subsets.shape[1], 2), np.nan)
    for name in np.unique(labels[here]):
        rows, columns = np.flatnonzero(labels[here] == name), np.flatnonzero(labels == name)
        own, members = subsets[here][rows], subsets[columns]
        enough = np.flatnonzero(members.sum(axis=0) >= FEWEST)
        if len(enough):
            nearest = two_nearest_in_subsets(block.squared[np.ix_(rows, columns)], members[:, enough], own[:, enough])
            for place, distances in zip(enough, nearest, strict=True):
                found[rows[own[:, place]], place] = distances
    return found


def class_dimensions(distances: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return TwoNN's maximum likelihood (C, s) of each class with points in each subset, from distances (n, s, 2).

    The classes are in the order of their labels (n,). NaN where it does not exist.
    """
    found = []
    for name in np.unique(labels):
        by_subset = distances[labels == name].swapaxes(0, 1)
        found.append([two_nn(each[~np.isnan(each[:, 0])]).maximum_likelihood for each in by_subset])
    return np.array(found)


def mean_dimensions(dimensions: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the mean (1 + r,) over classes of their dimensions (C, 1 + r), for all points and for each half.

    Classes whose dimension does not exist among all points are left out, None where that is true of all. NaN for a half
    in which the dimension of one of the others does not exist: it would be a mean over other classes.
    """
    exists = np.isfinite(dimensions[:, 0])
    return dimensions[exists].mean(axis=0) if exists.any() else None
