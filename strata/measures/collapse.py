"""Neural collapse: how far the classes of a layer have shrunk to points, at equal distances, along the classifier.

Papyan, Han & Donoho 2020, Prevalence of neural collapse during the terminal phase of deep learning training. There on
the training images; here on the measured points. The influences are derivatives by the distribution of each class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.measures.class_means import ClassMeans, class_means
from strata.measures.influence import Influences
from strata.measures.probe import Probe

NEGLIGIBLE = 1e-4  # spreads of the class means, relative to the largest: float32 outputs can differ by rounding alone


@dataclass(frozen=True)
class Collapse:
    """Four measures of neural collapse in a layer, as influences of the points; None where they do not exist."""

    variability: Influences | None
    norms: Influences | None
    angles: Influences | None
    duality: Influences | None


def collapse(values: NDArray[np.float32], labels: NDArray[np.integer], probe: Probe) -> Collapse:
    """Return the neural collapse of a layer's activations (n, D) by their labels (n,), and towards its probe."""
    found = class_means(values, labels)
    return Collapse(variability(found), norm_variation(found), angle_deviation(found), self_duality(found, probe))


def variability(classes: ClassMeans) -> Influences | None:
    """Return the variability within classes against that between them: Tr(S_W S_B^+) / C (NC1); 0 is collapse.

    S_W is the mean over the C classes of their covariances, S_B the covariance of their means. The pseudo-inverse S_B^+
    looks only at the span of the centred means, which has at most C - 1 dimensions: so fewer points than units do no
    harm, and both matrices are computed in that span. None where all means are the same.
    """
    means, number = classes.means, len(classes.classes)
    spread, axes = np.linalg.svd(means, full_matrices=False)[1:]
    rank = min(number - 1, int((spread > NEGLIGIBLE * spread[0]).sum()))
    if not rank:
        return None
    between, axes = spread[:rank] ** 2 / number, axes[:rank].T
    inside = classes.projected(axes)
    weights = 1 / (number * classes.counts[classes.codes])[:, None]
    scatter = inside.T @ (weights * inside)  # S_W in the span
    # How each point moves S_W, then S_B within the span, then the span itself.
    squares = (inside**2 / between).sum(axis=1)
    means_of_squares = np.bincount(classes.codes, squares) / classes.counts
    own = (means @ axes)[classes.codes]
    towards = classes.deviations.T @ (weights * inside).astype(np.float32)  # else all deviations become float64
    outside = classes.projected(towards) - inside @ scatter
    effects = squares - means_of_squares[classes.codes]
    effects -= 2 * ((inside / between) @ scatter * (own / between)).sum(axis=1)
    effects += 2 * (outside * own / between**2).sum(axis=1)
    return classes.influences(float((np.diag(scatter) / between).sum() / number), effects / number**2)


def norm_variation(classes: ClassMeans) -> Influences | None:
    """Return the coefficient of variation of the norms of the centred class means (NC2, equal norms); 0 is collapse."""
    norms = np.linalg.norm(classes.means, axis=1)
    if not norms.any():
        return None
    mean, spread = norms.mean(), norms.std()
    slopes = np.zeros(len(norms))
    if spread > 0:
        slopes = (norms - mean) / (len(norms) * spread * mean) - spread / (len(norms) * mean**2)
    slopes = np.divide(slopes, 2 * norms, out=np.zeros_like(norms), where=norms > 0)
    return classes.influences(float(spread / mean), _by_products(classes, np.diag(slopes)))


def angle_deviation(classes: ClassMeans) -> Influences | None:
    """Return how far the cosines between centred class means are from -1 / (C - 1), in the mean over all pairs (NC2).

    0 is collapse: the means are the corners of a simplex. None where a class's mean is the mean of all.
    """
    norms, number = np.linalg.norm(classes.means, axis=1), len(classes.classes)
    if not norms.all():
        return None
    cosines = classes.means @ classes.means.T / np.outer(norms, norms)
    np.fill_diagonal(cosines, -1 / (number - 1))
    slopes = np.sign(cosines + 1 / (number - 1)) / (number * (number - 1))
    value = np.abs(cosines + 1 / (number - 1)).sum() / (number * (number - 1))
    by_products = slopes / np.outer(norms, norms)
    by_products[np.diag_indices(number)] = -(slopes * cosines).sum(axis=1) / norms**2
    return classes.influences(float(value), _by_products(classes, by_products))


def self_duality(classes: ClassMeans, probe: Probe) -> Influences | None:
    """Return the squared distance between the centred class means and the weights of a linear probe (NC3).

    Both (C, D) are divided by their Frobenius norms: 0 is collapse, 2 means unrelated, 4 opposite. The weights are
    those of the layer's linear probe, fitted to training images: only the last hidden layer has a classifier in the
    network itself. The interval takes them as fitted.
    None where all weights or all means are the same.
    """
    shared = np.isin(probe.classes, classes.classes)
    weights = probe.classifier.weights.T[shared]
    weights = weights - weights.mean(axis=0)
    if not np.isin(classes.classes, probe.classes).all() or not weights.any() or not classes.means.any():
        return None
    weights /= np.linalg.norm(weights)
    norm = np.linalg.norm(classes.means)
    cosine = float((weights * classes.means).sum() / norm)
    towards = (weights - cosine * classes.means / norm) / norm  # the derivative of the cosine by each mean
    return classes.influences(2 - 2 * cosine, -2 * _of_own_class(classes, classes.projected(towards.T)))


def _by_products(classes: ClassMeans, slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the effects (n,) on a function of the means' products (C, C), from its derivatives, symmetric (C, C)."""
    return 2 * _of_own_class(classes, classes.projected(classes.means.T) @ slopes)


def _of_own_class(classes: ClassMeans, products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what moving each point's own class mean does (n,), from products (n, C) with every class's derivative.

    Centring moves all means back by the mean of that.
    """
    return products[np.arange(len(products)), classes.codes] - products.mean(axis=1)
