"""Multinomial logistic regression with a penalty on its squared weights, fitted by L-BFGS from any start.

Products with the features are computed in float32, all else in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Variables = np.ndarray[tuple[int], np.dtype[np.float64]]
MOST_STEPS = 300
LOSS_DIGITS = 1e-11  # float32 products hide a smaller change of the loss
TYPICAL_CURVATURE = 0.1  # of the loss in a logit: p (1 - p), half-way between sure and undecided


@dataclass(frozen=True)
class SoftmaxClassifier:
    """Weights float64 (F, K) and intercepts float64 (K,) of K classes."""

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def log_probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-probability (n, K) of each class for features (n, F)."""
        return _log_softmax(_logits(features, self.weights) + self.intercepts[:, None]).T


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
    LogisticRegression(C=1 / penalty); intercepts are free, `offsets` (K, n) are added to the logits. The features' mean
    should be 0: `tolerance` bounds the gradient of the mean loss in variables that then all matter about equally, as
    each feature's are on the scale of its own curvature. Liu & Nocedal 1989, On the limited memory BFGS method.
    """
    (count, width), classes = features.shape, len(start.intercepts)
    variances = np.einsum("ij,ij->j", features, features)[:, None].astype(np.float64) / count
    step = 1 / np.sqrt(TYPICAL_CURVATURE * variances + penalty / count)

    def loss_and_gradient(variables: Variables) -> tuple[float, NDArray[np.float64]]:
        weights = variables[classes:].reshape(width, classes) * step
        loss, errors = _loss_and_errors(_logits(features, weights) + variables[:classes, None] + offsets, codes)
        slope = _slope(features, errors) + penalty * weights
        loss += penalty / (2 * count) * float(np.vdot(weights, weights))
        return loss, np.concatenate([errors.sum(axis=1) / count, (slope * (step / count)).ravel()])

    last = _least(loss_and_gradient, np.concatenate([start.intercepts, (start.weights / step).ravel()]), tolerance)
    return SoftmaxClassifier(last[classes:].reshape(width, classes) * step, last[:classes])


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
    What is then left to minimize is about equally curved, so it takes a few steps. Golub & Pereyra 1973, The
    differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate.
    """
    (count, width), classes = features.shape, len(start.intercepts)
    left = max(0.0, 1 - float(np.vdot(scores, scores)) / count)
    rank = max(1, min(count, width) - directions.shape[1])
    step = 1 / np.sqrt(TYPICAL_CURVATURE * left / rank + penalty / count)
    latest, along = np.zeros(width * classes), start

    def loss_and_gradient(variables: Variables) -> tuple[float, NDArray[np.float64]]:
        nonlocal latest, along
        across = variables.reshape(width, classes) * step
        offsets = _logits(features, across) if across.any() else np.zeros((classes, count))
        along = fit_softmax(scores, codes, penalty, along, tolerance, offsets)
        latest = variables.copy()
        loss, errors = _loss_and_errors(_logits(scores, along.weights) + along.intercepts[:, None] + offsets, codes)
        slope = _slope(features, errors)
        slope -= directions @ (directions.T @ slope)
        loss += penalty / (2 * count) * float(np.vdot(across, across) + np.vdot(along.weights, along.weights))
        return loss, ((slope + penalty * across) * (step / count)).ravel()

    last = _least(loss_and_gradient, latest, tolerance)
    if not np.array_equal(last, latest):
        loss_and_gradient(last)
    return SoftmaxClassifier(directions @ along.weights + last.reshape(width, classes) * step, along.intercepts)


def _least(
    loss_and_gradient: Callable[[Variables], tuple[float, NDArray[np.float64]]], first: Variables, tolerance: float
) -> Variables:
    """Return the variables of least loss by L-BFGS."""
    found: Variables = minimize(
        loss_and_gradient,
        first,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "gtol": tolerance, "ftol": LOSS_DIGITS},
    ).x
    return found


def _loss_and_errors(logits: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[float, NDArray[np.float64]]:
    """Return the mean negative log-likelihood of classes (n,), and by how much each probability (K, n) is too high."""
    logs, points = _log_softmax(logits), np.arange(len(codes))
    loss = -float(logs[codes, points].mean())
    errors = np.exp(logs)
    errors[codes, points] -= 1
    return loss, errors


def _slope(features: NDArray[np.float32], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    return (features.T @ errors.T.astype(np.float32, order="C")).astype(np.float64)


def _logits(features: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logits (K, n): sums over a long last axis are faster than over a short one."""
    return (features @ weights.astype(np.float32)).T.astype(np.float64, order="C")


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities (K, n)."""
    lowered = logits - logits.max(axis=0)
    return lowered - np.log(np.exp(lowered).sum(axis=0))
