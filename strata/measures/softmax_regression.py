"""Multinomial logistic regression with a penalty on its squared weights, fitted by truncated Newton steps.

Products with the features are computed in float32, all else in float64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from strata.measures.softmax_loss import (
    ROUNDING,
    Curvature,
    log_softmax,
    logits_of,
    loss_and_errors,
    newton_step,
    slope_of,
)

Variables = np.ndarray[tuple[int], np.dtype[np.float64]]
MOST_STEPS, MOST_HALVINGS = 100, 16
WITHIN = 0.1  # of the tolerance: how exactly the weights along the directions are fitted, for any across them


@dataclass(frozen=True)
class SoftmaxClassifier:
    """Weights float64 (F, K) and intercepts float64 (K,) of K classes."""

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def log_probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-probability (n, K) of each class for features (n, F)."""
        return log_softmax(logits_of(features, self.weights) + self.intercepts[:, None]).T


def undecided(features: int, classes: int) -> SoftmaxClassifier:
    """Return the classifier that finds all classes equally likely, to start from."""
    return SoftmaxClassifier(np.zeros((features, classes)), np.zeros(classes))


def fit_softmax(
    features: NDArray[np.float32],
    codes: NDArray[np.intp],
    penalty: float,
    start: SoftmaxClassifier,
    tolerance: float,
    offsets: NDArray[np.float64] | float = 0.0,
) -> SoftmaxClassifier:
    """Return the classifier of least loss on features (n, F), of which row i is of class codes[i] < K.

    The loss is the sum of the negative log-likelihoods plus `penalty` / 2 times the squared weights, as scikit-learn's
    LogisticRegression(C=1 / penalty); intercepts are free, `offsets` (K, n) are added to the logits. It is within about
    `tolerance` of the least, relative to itself. The features' mean should be 0, and F not more than about a thousand:
    an F x F matrix is decomposed. Dembo & Steihaug 1983, Truncated-Newton algorithms for large-scale unconstrained
    optimization.
    """
    count = len(features)
    values = np.hstack([features, np.ones((count, 1), dtype=np.float32)])
    weights = np.vstack([start.weights, start.intercepts])
    penalties = np.full((len(weights), 1), penalty / count)
    penalties[-1] = 0

    def at(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        loss, errors = loss_and_errors(logits_of(values, weights) + offsets, codes)
        return loss + float((penalties * weights**2).sum()) / 2, errors

    loss, errors = at(weights)
    undecided_loss, undecided_errors = at(np.zeros_like(weights))
    if not loss <= undecided_loss:  # far away, where all classes are certain, nothing is curved
        weights, loss, errors = np.zeros_like(weights), undecided_loss, undecided_errors
    curvature = Curvature.of(values, codes, errors, penalties)
    for steps in range(MOST_STEPS):
        slope = slope_of(values, errors) / count + penalties * weights
        if float(np.vdot(slope, curvature.undone(slope))) <= 2 * tolerance * loss:  # by that of the step before
            break
        if steps:
            curvature = Curvature.of(values, codes, errors, penalties)
        towards = newton_step(curvature, slope)
        gain, step = float(np.vdot(slope, towards)), 1.0
        for _ in range(MOST_HALVINGS):
            lower, errors_there = at(weights - step * towards)
            if lower <= loss - 1e-4 * step * gain + ROUNDING * loss:
                break
            step /= 2
        else:
            break
        weights, loss, errors = weights - step * towards, lower, errors_there
    return SoftmaxClassifier(weights[:-1], weights[-1])


def fit_softmax_from_directions(
    features: NDArray[np.float32],
    scores: NDArray[np.float32],
    directions: NDArray[np.float32],
    codes: NDArray[np.intp],
    penalty: float,
    start: SoftmaxClassifier,
    tolerance: float,
) -> SoftmaxClassifier:
    """Return the classifier of least loss as `fit_softmax` does, with few products of all features (n, F).

    `scores` (n, r) are those on orthonormal `directions` (F, r) that lead in variance, and `start` is a classifier of
    them. For any weights across the directions, the best along them are found at once, which needs the scores only.
    What is then left to minimize is about equally curved, so it takes a few steps of L-BFGS. Golub & Pereyra 1973, The
    differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate.
    """
    (count, width), classes = features.shape, len(start.intercepts)
    along = without = fit_softmax(scores, codes, penalty, start, WITHIN * tolerance)
    shares = np.exp(along.log_probabilities(scores))
    left = max(0.0, 1 - float(np.vdot(scores, scores)) / count)
    variance = left / max(1, min(count, width) - directions.shape[1])
    step = 1 / np.sqrt(float((shares * (1 - shares)).mean()) * variance + penalty / count)
    latest = np.zeros((width, classes))

    def loss_and_slope(across: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal latest, along
        latest = across * step
        if across.any():
            offsets = logits_of(features, latest)
            along = fit_softmax(scores, codes, penalty, along, WITHIN * tolerance, offsets)
        else:
            offsets, along = np.zeros((classes, count)), without
        loss, errors = loss_and_errors(logits_of(scores, along.weights) + along.intercepts[:, None] + offsets, codes)
        slope = slope_of(features, errors)
        slope -= directions @ (directions.T @ slope)
        loss += penalty / (2 * count) * float(np.vdot(latest, latest) + np.vdot(along.weights, along.weights))
        return loss, (slope + penalty * latest) * (step / count)

    def is_least(loss: float, slope: NDArray[np.float64]) -> bool:
        return float(np.vdot(slope, slope)) <= 2 * tolerance * loss

    first = last = loss_and_slope(latest)
    # The library's first step is as long as its unit. In these variables the slope is about the step to take.
    unit = float(np.linalg.norm(first[1]))

    def in_units(variables: Variables) -> tuple[float, NDArray[np.float64]]:
        nonlocal last
        last = loss_and_slope(variables.reshape(width, classes) * unit) if variables.any() else first
        return last[0], last[1].ravel() * unit

    def stop_if_least(xk: Variables) -> None:  # noqa: ARG001
        if is_least(*last):
            raise StopIteration

    if not is_least(*first):
        zeros: Variables = np.zeros(width * classes)
        found = minimize(
            in_units,
            zeros,
            jac=True,
            method="L-BFGS-B",
            callback=stop_if_least,
            options={"maxiter": MOST_STEPS, "gtol": 0.0, "ftol": ROUNDING * tolerance},
        ).x
        across = found.reshape(width, classes) * unit
        if not np.array_equal(across * step, latest):  # it can look further, and go back
            loss_and_slope(across)
    return SoftmaxClassifier(directions @ along.weights + latest, along.intercepts)
