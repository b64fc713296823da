"""A linear probe: how much a linear classifier can read from all units of a layer (Alain & Bengio 2017).

The classifier sees a layer as it is, at one scale: to scale each unit, or to whiten, would blow up units that the
network hardly uses. How strongly its weights are penalized is chosen on training images that are held out for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.core import streams
from strata.measures.softmax_regression import (
    WITHIN,
    SoftmaxClassifier,
    fit_softmax,
    fit_softmax_from_directions,
    undecided,
)

# How near the least loss a fit comes, relative to it. A choice among penalties that differ tenfold needs less exact
# fits than the probe itself, whose weights are compared with class means, too; among few units, exact ones are fast.
CHOICE_TOLERANCE, TOLERANCE = 1e-3, 1e-4
EXACT = WITHIN * TOLERANCE
# Leading components are those of this many images, and more per component; smaller variances than this are rounding.
FEWEST_ROWS, ROWS_PER_COMPONENT, LEAST_VARIANCE = 256, 2, 1e-5


@dataclass(frozen=True)
class ProbeSettings:
    """How the penalty is chosen: `penalties` from strong to weak, and the share of training images held out for it.

    A layer of more units is looked at through its `search_components` leading components meanwhile.
    """

    penalties: Sequence[float]
    validation: float
    search_components: int
    seed: int


@dataclass(frozen=True)
class ProbeFeatures:
    """What the probe reads: all units, float32, of training (n, D) and test images (t, D), at one scale.

    `search` float32 (n, r) is what the penalty is chosen on: scores on the orthonormal `directions` (D, r), or where
    that is None all units.
    """

    train: NDArray[np.float32]
    test: NDArray[np.float32]
    search: NDArray[np.float32]
    directions: NDArray[np.float32] | None


@dataclass(frozen=True)
class Probe:
    """A classifier of standardized activations, and the classes (K,) that it tells apart."""

    classes: NDArray[np.intp]
    classifier: SoftmaxClassifier

    def log_probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-probability (n, K) of each class for features (n, D)."""
        return self.classifier.log_probabilities(features)


@dataclass(frozen=True)
class _Choice:
    """The chosen penalty, and the classifier that was fitted with it."""

    penalty: float
    classifier: SoftmaxClassifier


def probe_features(train: NDArray[np.float32], test: NDArray[np.float32], settings: ProbeSettings) -> ProbeFeatures:
    """Return what the probe reads of activations train (n, D) and test (t, D).

    The mean of `train` is taken off both, and both are divided by one number: the root of the mean squared norm of
    `train` after that.
    """
    middle = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred, applied = train - middle, test - middle
    scale = np.sqrt(np.einsum("ij,ij->i", centred, centred).mean(dtype=np.float64)).astype(np.float32)
    if scale > 0:
        centred /= scale
        applied /= scale
    if centred.shape[1] <= settings.search_components:
        return ProbeFeatures(centred, applied, centred, None)
    directions = leading_directions(centred, settings.search_components, streams.probe_directions(settings.seed))
    return ProbeFeatures(centred, applied, centred @ directions, directions)


def leading_directions(centred: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return an orthonormal basis (D, r <= count) of about the leading principal components of values (n, D) of mean 0.

    They are those of random rows, a few per component, found by these rows' products with each other, less those that
    rounding hides.
    """
    rows = centred[np.sort(rng.permutation(len(centred))[: max(FEWEST_ROWS, ROWS_PER_COMPONENT * count)])]
    values, vectors = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    seen = np.flatnonzero(values > max(LEAST_VARIANCE * values[-1], 0))[-count:][::-1]
    return rows.T @ (vectors[:, seen] / np.sqrt(values[seen])).astype(np.float32)


def validation_rows(labels: NDArray[np.integer], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which images, bool (n,), are held out: a random share of them, of every class alike.

    They are taken at equal steps from all images in the order of their classes, so the number is n times `share` to
    less than 1, however small the classes.
    """
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    held_out = np.zeros(len(labels), dtype=np.bool_)
    held_out[order] = np.diff(np.floor(np.arange(len(labels) + 1) * share + rng.random())) > 0
    return held_out


def linear_probe(features: ProbeFeatures, labels: NDArray[np.integer], settings: ProbeSettings) -> NDArray[np.intp]:
    """Return the classes (t,) that multinomial logistic regression, fitted to the training images, sees in the test.

    The prediction is constant where the training labels are all one class.
    """
    probe = fitted_probe(features, labels, settings)
    return probe.classes[probe.log_probabilities(features.test).argmax(axis=1)]


def fitted_probe(features: ProbeFeatures, labels: NDArray[np.integer], settings: ProbeSettings) -> Probe:
    """Return the multinomial logistic regression of the training images' labels (n,).

    It reads all units. Its penalty is the one of `settings.penalties` by which a fit to part of the training images
    makes the others most likely.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    classes = classes.astype(np.intp)
    if len(classes) == 1:
        return Probe(classes, undecided(features.train.shape[1], 1))
    choice = _chosen(features, codes, len(classes), settings)
    if features.directions is None:
        return Probe(classes, fit_softmax(features.train, codes, choice.penalty, choice.classifier, EXACT))
    fitted = fit_softmax_from_directions(
        features.train, features.search, features.directions, codes, choice.penalty, choice.classifier, TOLERANCE
    )
    return Probe(classes, fitted)


def chosen_penalty(features: ProbeFeatures, labels: NDArray[np.integer], settings: ProbeSettings) -> float:
    """Return the penalty that `linear_probe` takes."""
    classes, codes = np.unique(labels, return_inverse=True)
    return _chosen(features, codes, len(classes), settings).penalty


def _chosen(features: ProbeFeatures, codes: NDArray[np.intp], classes: int, settings: ProbeSettings) -> _Choice:
    """Return the best penalty by the held-out images' mean negative log-likelihood.

    Each fit starts from that of the stronger penalty before it. After the first penalty that does worse, weaker ones
    are not tried: they take the longest, on labels that are noise above all.
    """
    held_out = validation_rows(codes, settings.validation, streams.probe_validation(settings.seed))
    train, train_codes = features.search[~held_out], codes[~held_out]
    test, test_codes = features.search[held_out], codes[held_out]
    least, best = np.inf, None
    classifier = undecided(train.shape[1], classes)
    tolerance = EXACT if features.directions is None else CHOICE_TOLERANCE
    for penalty in settings.penalties:
        classifier = fit_softmax(train, train_codes, penalty, classifier, tolerance)
        logs = classifier.log_probabilities(test)
        loss = -logs[np.arange(len(logs)), test_codes].mean()
        if best is not None and loss >= least:
            break
        least, best = loss, _Choice(penalty, classifier)
    if best is None:
        raise ValueError("there are no penalties to choose from")
    return best
