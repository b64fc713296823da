"""Do 95% intervals hold the truth 95% of the time? Every measure of the registry, and CKA, on synthetic data.

python -m benchmarks.coverage --out docs    # make coverage

Each repeat draws a sample, and makes the intervals as the measure stage does. The truth is what the measure is on
average over as many other samples of as many points; of accuracies, what the readers as they are fitted reach on 50,000
further points; of the participation ratio, that of the law that the samples are drawn from.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from benchmarks.coverage_data import CLASSES, SETTINGS, Sample, Setting, draw, participation_ratio, stream
from benchmarks.coverage_tables import coverage_page
from strata.artifacts.measure_registry import Interval
from strata.core.files import write_json, write_text
from strata.jobs.pool import run_jobs
from strata.measures.collapse import collapse
from strata.measures.early_exit import ProbeVotes
from strata.measures.geometry import Geometry, GeometryJob, measure_geometry
from strata.measures.gram import gram_sums
from strata.measures.imbalance import NEAREST, imbalance_influences, ranks_of
from strata.measures.influence import Influences
from strata.measures.intervals import Estimate, from_influences
from strata.measures.labels import votes
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.neighbours import nearest_neighbours, squared_distances
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
BATCH = 10
ACCURACIES = ("knn_accuracy", "probe_accuracy")
OF_THE_NEXT_LAYER = ("zero_share",)  # the first has no zeros
CKA = "cka"


@dataclass(frozen=True)
class Readers:
    """What accuracies are of: readers fitted to reference points (n, D) and their labels (n,)."""

    reference: NDArray[np.float32]
    labels: NDArray[np.int16]
    linear: LinearDiscriminantAnalysis
    k: int

    @staticmethod
    def of(setting: Setting) -> "Readers":
        """Return the readers of a setting, the same for all its repeats."""
        drawn = draw(setting, stream(setting.name, setting.points, setting.k, "reference"))
        # The interval is that of hits, whatever the classifier: this one is fitted in no time.
        linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(drawn.layer, drawn.labels)
        return Readers(drawn.layer, drawn.labels, linear, setting.k)

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    jobs = [
        Repeats(setting, first, min(BATCH, options.repeats - first), intervals)
        for setting in sorted(SETTINGS, key=lambda setting: -setting.points * setting.units)
        for intervals in (True, False)
        for first in range(0, options.repeats, BATCH)
    ]
    done = dict(zip(jobs, run_jobs(repeated, jobs, "coverage"), strict=True))
    accuracies = dict(zip(SETTINGS, run_jobs(true_accuracies, SETTINGS, "accuracies"), strict=True))
    rows = [row for setting in SETTINGS for row in rows_of(setting, accuracies[setting], done)]
    write_json(options.out / "coverage.json", rows)
    write_text(options.out / "coverage.md", coverage_page(rows, options.repeats))


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
    layer = LayerResults(sample.labels, subsets, readout, first, second, sums.of_layer(0), None, imbalances, dimensions)
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


def rows_of(
    setting: Setting, accuracies: Mapping[str, float], done: Mapping[Repeats, list[dict[str, Estimate]]]
) -> list[dict[str, object]]:
    """Return a row of figures for each measure in a setting."""
    found, other = (
        [one for job, ones in done.items() if job.setting == setting and job.intervals == intervals for one in ones]
        for intervals in (True, False)
    )
    keys = [key for key in found[0] if all(key in one for one in found + other)]  # without what hardly exists
    truths = {key: float(np.mean([one[key].value for one in other])) for key in keys}
    truths |= {"participation_ratio": participation_ratio(setting), **accuracies}
    return [row_of(setting, key, truths[key], [one[key] for one in found], [one[key] for one in other]) for key in keys]


def row_of(setting: Setting, key: str, truth: float, found: list[Estimate], other: list[Estimate]) -> dict[str, object]:
    """Return how often the intervals of a measure hold the truth, and how wide they are against its true spread."""
    values = np.array([one.value for one in found + (other if key not in ACCURACIES else [])])
    low, high = (np.array([getattr(one, bound) for one in found]) for bound in ("low", "high"))
    coverage = float(((low <= truth) & (truth <= high)).mean())
    return {
        **{name: value for name, value in asdict(setting).items() if name in ("name", "points", "k")},
        "measure": key,
        "truth": truth,
        "mean": float(np.mean([one.value for one in found])),
        "coverage": coverage,
        "coverage_error": (coverage * (1 - coverage) / len(found)) ** 0.5,
        "width_ratio": float((high - low).mean() / (2 * 1.959964 * values.std(ddof=1))),
    }


if __name__ == "__main__":
    main()
