"""Where along the layers a sample is decided, from the vote of its neighbours at each layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER = -1
FLIPS = 2  # as many changes of the vote make a flip-flopper


@dataclass(frozen=True)
class Decisions:
    """Per sample (n,): the commit layer's index or NEVER, changes of the vote, and three kinds of samples.

    `late`: committed in the last layers, or never. `flip_flopper`: the vote changed at least twice.
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

    The commit layer is the first from which on the neighbours' vote stays the network's final prediction. Late are the
    samples that commit in the last `late_layers` layers, or never.
    """
    agrees = votes == predicted
    stays = np.logical_and.accumulate(agrees[::-1], axis=0)[::-1]
    commit = np.where(stays.any(axis=0), stays.argmax(axis=0), NEVER)
    flips = (np.diff(votes, axis=0) != 0).sum(axis=0)
    return Decisions(
        commit.astype(np.int16),
        flips.astype(np.int16),
        (commit == NEVER) | (commit >= len(votes) - late_layers),
        flips >= FLIPS,
        (votes == labels).any(axis=0) & (predicted != labels),
    )
