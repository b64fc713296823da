"""What can be read from a layer about images it was not fitted to: nearest neighbours' vote and linear probe."""

from dataclasses import dataclass

from strata.measures.intervals import Estimate, share_of
from strata.measures.labels import LabelledSets, votes
from strata.measures.neighbours import nearest_neighbours
from strata.measures.probe import linear_probe, probe_features
from strata.measures.space_files import REFERENCE, SpaceFiles


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
    components: int
    penalty: float
    seed: int


@dataclass(frozen=True)
class Readout:
    """Accuracies on the held-out images, by control."""

    knn_accuracy: dict[str, Estimate]
    probe_accuracy: dict[str, Estimate]


def measure_readout(job: ReadoutJob) -> Readout:
    """Return the accuracies on held-out images of the vote of the nearest reference images, and of a linear probe."""
    reference = job.files.read(job.space, REFERENCE, job.layer)
    held_out = job.files.read(job.space, job.held_out, job.layer)
    nearest = nearest_neighbours(held_out, reference, job.neighbours)
    train, test = probe_features(reference, held_out, job.components, job.seed)
    knn, probe = {}, {}
    for control, labels in job.labels.items():
        knn[control] = share_of(votes(labels.reference[nearest], labels.classes) == labels.held_out)
        predicted = linear_probe(train, labels.reference, test, job.penalty)
        probe[control] = share_of(predicted == labels.held_out)
    return Readout(knn, probe)
