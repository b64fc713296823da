"""What the labels of a point's neighbours say: neighbourhood hit, the vote of the neighbours, pairs of classes."""

import numpy as np
from numpy.typing import NDArray


def neighbourhood_hit(neighbour_labels: NDArray[np.integer], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return for each point (n,) the share of its k neighbours, labels (n, k), that carry its own label.

    Paulovich et al. 2008, Least square projection (there the mean over the points).
    """
    return (neighbour_labels == labels[:, None]).mean(axis=1)


def votes(neighbour_labels: NDArray[np.integer], classes: int) -> NDArray[np.intp]:
    """Return each point's class (n,) by the majority of its neighbours' labels (n, k), given the nearest first.

    Among classes with as many votes, the one with the nearest member wins.
    """
    counts = np.zeros((len(neighbour_labels), classes), dtype=np.intp)
    np.add.at(counts, (np.arange(len(counts))[:, None], neighbour_labels), 1)
    most = counts.max(axis=1, keepdims=True)
    first = (np.take_along_axis(counts, neighbour_labels.astype(np.intp), axis=1) == most).argmax(axis=1)
    return neighbour_labels[np.arange(len(counts)), first].astype(np.intp)


def class_pair_hits(
    neighbour_labels: NDArray[np.integer], labels: NDArray[np.integer], classes: int
) -> NDArray[np.float64]:
    """Return how separable each pair of classes is, symmetric (classes, classes): the neighbourhood hit of the pair.

    Of the neighbours of points of class a that belong to a or b, the share that belongs to a, averaged with the same
    for b: 1 where they never mix, 1/2 where they mix fully. On the diagonal, the class's share among all neighbours.
    NaN where a class has no points, or no such neighbours.
    """
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels.astype(np.intp)[:, None], neighbour_labels.astype(np.intp)), 1)
    own = np.diag(counts)[:, None]
    with np.errstate(invalid="ignore"):
        shares = own / (own + counts)
        pairs = (shares + shares.T) / 2
        pairs[np.diag_indices(classes)] = np.diag(counts) / counts.sum(axis=1)
    return pairs
