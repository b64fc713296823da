"""What can be read from a layer about images it was not fitted to: nearest neighbours' vote and linear probe."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.collapse import Collapse, collapse
from strata.measures.early_exit import ProbeVotes, probe_votes
from strata.measures.labels import LabelledSets, votes
from strata.measures.neighbours import nearest_neighbours
from strata.measures.probe import ProbeSettings, fitted_probe, probe_features
from strata.measures.space_files import POINTS, REFERENCE, SpaceFiles


@dataclass(frozen=True)
class ReadoutJob:
    """A layer of a space, read under each of `labels` (control's name -> labels of the sets).

    `held_out` names the set of images that the readers are not fitted to.
    """

    files: SpaceFiles
    space: str
    layer: str
    held_out: str
    labels: dict[str, LabelledSets]
    neighbours: int
    probe: ProbeSettings


@dataclass(frozen=True)
class Readout:
    """Which held-out images are read rightly, bool (t,): by the vote of neighbours, and by the linear probe.

    `collapse` is that of the measured points, with the same labels and probe; `votes` are the probe's.
    """

    knn_hits: NDArray[np.bool_]
    probe_hits: NDArray[np.bool_]
    collapse: Collapse
    votes: ProbeVotes


def measure_readout(job: ReadoutJob) -> dict[str, Readout]:
    """Return, by control, which held-out images the nearest reference images and a linear probe read rightly."""
    reference = job.files.read(job.space, REFERENCE, job.layer)
    held_out = job.files.read(job.space, job.held_out, job.layer)
    points = job.files.read(job.space, POINTS, job.layer)
    features = probe_features(reference, held_out, job.probe)
    nearest = nearest_neighbours(held_out, reference, job.neighbours, (features.test, features.train))
    readouts = {}
    for control, labels in job.labels.items():
        knn = votes(labels.reference[nearest], labels.classes)
        probe = fitted_probe(features, labels.reference, job.probe)
        read = probe_votes(probe, features.test)
        collapsed = collapse(points, labels.points, probe)
        readouts[control] = Readout(knn == labels.held_out, read.classes == labels.held_out, collapsed, read)
    return readouts
