"""Where images could leave the network early: at the first layer whose linear probe is sure enough.

Alain & Bengio 2017, Understanding intermediate layers using linear classifier probes; Teerapittayanon et al. 2016,
BranchyNet, for exits by confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.probe import Probe

SURE = 0.9  # a probe's probability of its class from which on an image exits


@dataclass(frozen=True)
class ProbeVotes:
    """A linear probe's class of each held-out image, int (t,), and its probability, float (t,)."""

    classes: NDArray[np.intp]
    confidence: NDArray[np.float64]

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Of which images (t,) the probe is at least SURE."""
        return self.confidence >= SURE


def probe_votes(probe: Probe, features: NDArray[np.float32]) -> ProbeVotes:
    """Return the class that a probe gives each image's features (t, D), and its probability."""
    logs = probe.log_probabilities(features)
    return ProbeVotes(probe.classes[logs.argmax(axis=1)], np.exp(logs.max(axis=1)))


def exits(votes: ProbeVotes, before: Sequence[ProbeVotes]) -> NDArray[np.bool_]:
    """Return which images (t,) exit at a layer: its probe is sure of them, and none of the layers before it was."""
    return votes.sure & ~np.any([np.zeros_like(votes.sure), *(each.sure for each in before)], axis=0)


def exit_hits(votes: ProbeVotes, before: Sequence[ProbeVotes], hits: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the probe's hits among the images that exit at a layer, from all its hits (t,); None if no image exits."""
    chosen = hits[exits(votes, before)]
    return chosen if len(chosen) else None
