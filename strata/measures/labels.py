"""What labels say: of a point's neighbours, of the sets that are measured, and where each sample is decided."""

from dataclasses import dataclass

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


def is_output(values: NDArray[np.floating], predicted: NDArray[np.integer], classes: int) -> bool:
    """Return whether a layer (n, D) is the network's output: a unit a class, and the largest is always the prediction.

    True of log-probabilities, and of the logits before them.
    """
    return values.shape[1] == classes and bool((values.argmax(axis=1) == predicted).all())


FLIPS = 2  # as many changes of the vote make a flip-flopper


@dataclass(frozen=True)
class Decisions:
    """Per sample (n,): the commit layer's index, changes of the vote, and three kinds of samples.

    The index is the number of layers where only the prediction itself, after the last of them, settles it.
    `late`: committed in the last layers, or after them. `flip_flopper`: the vote changed at least twice.
    `right_then_lost`: some layer's vote was the label, but the network predicts another class.
    """

    commit_layer: NDArray[np.int16]
    flips: NDArray[np.int16]
    late: NDArray[np.bool_]
    flip_flopper: NDArray[np.bool_]
    right_then_lost: NDArray[np.bool_]


def decide(
    votes: NDArray[np.integer], predicted: NDArray[np.integer], labels: NDArray[np.integer], late_layers: int
) -> Decisions:
    """Return the decisions of n samples from their votes (layers, n), the network's predictions (n,) and labels (n,).

    A sample's votes end with the network's own prediction: as the vote of the last layer, where that is the network's
    output, else as one more vote after the layers given. The commit layer is the first from which on every vote is the
    prediction, so every sample commits. Late are those that commit in the last `late_layers` layers, or after them.
    """
    steps = np.concatenate([votes, predicted[None]])
    stays = np.logical_and.accumulate((steps == predicted)[::-1], axis=0)[::-1]
    commit = stays.argmax(axis=0)
    flips = (np.diff(steps, axis=0) != 0).sum(axis=0)
    return Decisions(
        commit.astype(np.int16),
        flips.astype(np.int16),
        commit >= len(votes) - late_layers,
        flips >= FLIPS,
        (votes == labels).any(axis=0) & (predicted != labels),
    )
