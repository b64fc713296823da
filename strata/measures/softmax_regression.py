"""Multinomial logistic regression with a penalty on its squared weights, fitted by L-BFGS from any start.

Products with the features are computed in float32, all else in float64.
"""

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
        return _log_softmax(_logits(features, self.weights) + self.intercepts)


def undecided(features: int, classes: int) -> SoftmaxClassifier:
    """Return the classifier that finds all classes equally likely, to start from."""
    return SoftmaxClassifier(np.zeros((features, classes)), np.zeros(classes))


def fit_softmax(
    features: NDArray[np.float32],
    codes: NDArray[np.intp],
    penalty: float,
    start: SoftmaxClassifier,
    tolerance: float,
) -> SoftmaxClassifier:
    """Return the classifier of least loss on features (n, F), of which row i is of class codes[i] < K.

    The loss is the sum of the negative log-likelihoods plus `penalty` / 2 times the squared weights, as scikit-learn's
    LogisticRegression(C=1 / penalty); intercepts are free. The features' mean should be 0 and their mean squared norm
    about 1: `tolerance` bounds the gradient of the mean loss in variables that then all matter about equally.
    Liu & Nocedal 1989, On the limited memory BFGS method.
    """
    (count, width), classes = features.shape, len(start.intercepts)
    step = 1 / np.sqrt(TYPICAL_CURVATURE / max(width, 1) + penalty / count)
    rows = np.arange(count)

    def loss_and_gradient(variables: Variables) -> tuple[float, NDArray[np.float64]]:
        weights = variables[classes:].reshape(width, classes) * step
        logs = _log_softmax(_logits(features, weights) + variables[:classes])
        loss = -logs[rows, codes].mean() + penalty / (2 * count) * np.vdot(weights, weights)
        errors = np.exp(logs)
        errors[rows, codes] -= 1
        slope = (features.T @ errors.astype(np.float32)).astype(np.float64) + penalty * weights
        return float(loss), np.concatenate([errors.sum(axis=0) / count, slope.ravel() * (step / count)])

    first = np.concatenate([start.intercepts, start.weights.ravel() / step])
    last = minimize(
        loss_and_gradient,
        first,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS, "gtol": tolerance, "ftol": LOSS_DIGITS},
    ).x
    return SoftmaxClassifier(last[classes:].reshape(width, classes) * step, last[:classes])


def _logits(features: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return (features @ weights.astype(np.float32)).astype(np.float64)


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    lowered = logits - logits.max(axis=1, keepdims=True)
    return lowered - np.log(np.exp(lowered).sum(axis=1, keepdims=True))
