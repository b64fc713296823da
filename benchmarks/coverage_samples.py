"""Samples of a setting of `benchmarks.coverage` and the intervals of every measure on them, as its jobs make them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid

from benchmarks.coverage_data import CLASSES, Sample, Setting, draw, stream
from strata.artifacts.measure_registry import Interval
from strata.measures.collapse import collapse
from strata.measures.distances import squared_distances
from strata.measures.early_exit import ProbeVotes
from strata.measures.geometry import Geometry, GeometryJob, measure_geometry
from strata.measures.gram import gram_sums
from strata.measures.imbalance import NEAREST, imbalance_influences, ranks_of
from strata.measures.influence import Influences
from strata.measures.intervals import Estimate, from_influences
from strata.measures.labels import votes
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.neighbours import nearest_neighbours
from strata.measures.probe import Probe
from strata.measures.readout import Readout
from strata.measures.registry import MEASURES
from strata.measures.results import LayerResults
from strata.measures.similarity import cka_influences
from strata.measures.softmax_regression import SoftmaxClassifier
from strata.measures.space_files import POINTS, SpaceFiles
from strata.measures.subsets import half_samples

HALVES = 20  # as in params.yaml
MANY, AT_ONCE = 50_000, 5_000
ACCURACIES = ("knn_accuracy", "probe_accuracy")
OF_THE_NEXT_LAYER = ("zero_share",)  # the first has no zeros
CKA = "cka"


@dataclass(frozen=True)
class Readers:
    """What accuracies are of: readers fitted to reference points (n, D) and their labels (n,).

    `centroids` stands for the trained network, whose predictions a reader agrees with or not.
    """

    reference: NDArray[np.float32]
    labels: NDArray[np.int16]
    linear: LinearDiscriminantAnalysis
    centroids: NearestCentroid
    k: int

    @staticmethod
    def of(setting: Setting) -> "Readers":
        """Return the readers of a setting, the same for all its repeats."""
        drawn = draw(setting, stream(setting.name, setting.points, setting.k, "reference"))
        # The interval is that of hits, whatever the classifier: this one is fitted in no time.
        linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(drawn.layer, drawn.labels)
        centroids = NearestCentroid().fit(drawn.layer, drawn.labels)
        return Readers(drawn.layer, drawn.labels, linear, centroids, setting.k)

    def read(self, sample: Sample) -> Readout:
        """Return which points the neighbours' vote and the linear classifier read rightly, and its collapse."""
        near = nearest_neighbours(sample.layer, self.reference, self.k)
        probabilities = self.linear.predict_proba(sample.layer)
        classifier = SoftmaxClassifier(self.linear.coef_.T, self.linear.intercept_)
        return Readout(
            knn_hits=votes(self.labels[near], CLASSES) == sample.labels,
            probe_hits=self.linear.predict(sample.layer) == sample.labels,
            collapse=collapse(sample.layer, sample.labels, Probe(self.linear.classes_, classifier)),
            votes=ProbeVotes(probabilities.argmax(axis=1), probabilities.max(axis=1)),
        )


@dataclass(frozen=True)
class Repeats:
    """Some of the repeats of a setting: with intervals, or values only, from which the truth is made."""

    setting: Setting
    first: int
    count: int
    intervals: bool


def repeated(job: Repeats) -> list[dict[str, Estimate]]:
    """Return the estimates of every measure in some repeats of a setting."""
    setting, readers = job.setting, Readers.of(job.setting)
    purpose = "intervals" if job.intervals else "truth"
    names = [(setting.name, setting.points, setting.k, purpose, job.first + place) for place in range(job.count)]
    return [estimates_of(job, draw(setting, stream(*name)), readers, stream("halves", *name)) for name in names]


def true_accuracies(setting: Setting) -> dict[str, float]:
    """Return the accuracies of a setting's readers on many further points."""
    readers, rng = Readers.of(setting), stream(setting.name, setting.points, setting.k, "further points")
    hits = [readers.read(draw(setting, rng, AT_ONCE)) for _ in range(0, MANY, AT_ONCE)]
    return {
        "knn_accuracy": float(np.mean([one.knn_hits for one in hits])),
        "probe_accuracy": float(np.mean([one.probe_hits for one in hits])),
    }


def estimates_of(job: Repeats, sample: Sample, readers: Readers, rng: np.random.Generator) -> dict[str, Estimate]:
    """Return the estimates of every measure that has an interval, by key."""
    subsets = half_samples(len(sample.labels), HALVES if job.intervals else 0, rng)
    sums = gram_sums([sample.layer, sample.following], slice(0, len(sample.labels)))
    readout = readers.read(sample)
    first = geometry_of(sample, "layer", subsets, job.setting.k)
    second = geometry_of(sample, "following", subsets[:, :1], job.setting.k)
    imbalances, dimensions = imbalances_of(sample, first, second), first.class_dimensions["none"]
    layer = LayerResults(
        known_labels=sample.labels,
        halves=subsets,
        known_readout=readout,
        geometry=first,
        next_geometry=second,
        own_gram_sums=sums.of_layer(0),
        imbalances=imbalances,
        class_dimensions=dimensions,
        predicted=readers.centroids.predict(sample.layer),
    )
    after = LayerResults(sample.labels, subsets, readout, second, None, sums.of_layer(1), None)
    estimates = {
        measure.key: estimate
        for measure in MEASURES
        if measure.interval != Interval.NONE
        and (estimate := measure.estimate(after if measure.key in OF_THE_NEXT_LAYER else layer)) is not None
    }
    return {**estimates, CKA: from_influences(cka_influences(sums)[0][1])}


def geometry_of(sample: Sample, name: str, subsets: NDArray[np.bool_], k: int) -> Geometry:
    """Return a layer's geometry, as a job of the measure stage finds it."""
    scores = {
        measure.key: partial(scores_of_activations, measure.score.score, measure.interval)
        for measure in MEASURES
        if isinstance(measure.score, OfActivations)
    }
    flat = sample.map if name == "layer" else None
    with TemporaryDirectory() as folder:
        files = SpaceFiles(Path(folder))
        files.write("none", POINTS, name, getattr(sample, name))
        few = np.arange(10)
        return measure_geometry(
            GeometryJob(files, "none", name, k, subsets, subsets.shape[1], scores, flat, few, {"none": sample.labels})
        )


def imbalances_of(sample: Sample, first: Geometry, second: Geometry) -> tuple[Influences, Influences]:
    """Return the information imbalance of a layer and the next, both ways."""
    found = []
    for near, values in ((first.near, sample.following), (second.near, sample.layer)):
        squared = squared_distances(values, values)[0]
        np.fill_diagonal(squared, np.inf)
        found.append(imbalance_influences(near[:, :NEAREST], ranks_of(squared, near[:, :NEAREST])))
    return found[0], found[1]
