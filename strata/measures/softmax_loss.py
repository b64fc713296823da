"""The loss of softmax regression, its slope and its curvature, and a Newton step.

Products with the features are computed in float32, all else in float64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

# A Newton step is found by conjugate gradients, to this share of the first residual.
RESIDUAL, MOST_GRADIENTS = 0.2, 200
# Images whose classes are nearly certain hardly curve the loss: those that make up this share are left out of a step.
CURVATURE_LEFT_OUT = 0.01
ROUNDING, LEAST_CURVATURE = 1e-6, 1e-12  # of a matrix product in float32, relative to its diagonal; and in all


def loss_and_errors(logits: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[float, NDArray[np.float64]]:
    """Return the mean negative log-likelihood of classes (n,), and by how much each probability (K, n) is too high."""
    logs, points = log_softmax(logits), np.arange(len(codes))
    loss = -float(logs[codes, points].mean())
    errors = np.exp(logs)
    errors[codes, points] -= 1
    return loss, errors


def slope_of(features: NDArray[np.float32], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the derivatives (F, K) of the summed loss by the weights of features (n, F), from errors (K, n)."""
    return (features.T @ errors.T.astype(np.float32, order="C")).astype(np.float64)


def logits_of(features: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logits (K, n): sums over a long last axis are faster than over a short one."""
    return (features @ weights.astype(np.float32)).T.astype(np.float64, order="C")


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities (K, n)."""
    lowered = logits - logits.max(axis=0)
    return lowered - np.log(np.exp(lowered).sum(axis=0))


@dataclass(frozen=True)
class Curvature:
    """The second derivatives of the mean loss by weights (F, K), from the images that curve it.

    With the classes' `shares` (m, K) of these images, `values` (m, F), of `count` in all. `factor` is the Cholesky
    factor of the mean over classes of each class's own second derivatives (F, F).
    """

    values: NDArray[np.float32]
    shares: NDArray[np.float32]
    count: int
    penalties: NDArray[np.float64]
    factor: tuple[NDArray[np.float64], bool]

    @classmethod
    def of(
        cls,
        values: NDArray[np.float32],
        codes: NDArray[np.intp],
        errors: NDArray[np.float64],
        penalties: NDArray[np.float64],
    ) -> "Curvature":
        """Return the curvature where the classes (n,) of values (n, F) have been given with errors (K, n)."""
        shares = errors.copy()
        shares[codes, np.arange(len(codes))] += 1
        spread = (shares * (1 - shares)).mean(axis=0)
        order = np.argsort(-spread, kind="stable")
        summed = np.cumsum(spread[order])
        rows = np.sort(order[: 1 + np.searchsorted(summed, (1 - CURVATURE_LEFT_OUT) * summed[-1])])
        own = values[rows]
        scaled = own * np.sqrt(spread[rows]).astype(np.float32)[:, None]
        mean = (scaled.T @ scaled).astype(np.float64) / len(codes)
        mean[np.diag_indices(len(mean))] += penalties[:, 0] + ROUNDING * mean.diagonal().max() + LEAST_CURVATURE
        factor = cho_factor(mean, lower=True, overwrite_a=True, check_finite=False)
        return cls(own, shares.T[rows].astype(np.float32, order="C"), len(codes), penalties, factor)

    def times(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the second derivatives times weights (F, K)."""
        logits = self.values @ weights.astype(np.float32)
        logits -= (self.shares * logits).sum(axis=1, keepdims=True)
        logits *= self.shares
        return (self.values.T @ logits).astype(np.float64) / self.count + self.penalties * weights

    def undone(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return about the weights (F, K) whose product is a slope (F, K), as if all classes had the mean curvature."""
        found: NDArray[np.float64] = cho_solve(self.factor, slope, check_finite=False)
        return found


def newton_step(curvature: Curvature, slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return about the weights (F, K) whose product with the curvature is the slope (F, K), by conjugate gradients."""
    step, left = np.zeros_like(slope), slope.copy()
    direction = undone = curvature.undone(left)
    size = first = float(np.vdot(left, undone))
    for _ in range(MOST_GRADIENTS):
        product = curvature.times(direction)
        bent = float(np.vdot(direction, product))
        if bent <= 0:  # by rounding
            break
        step += size / bent * direction
        left -= size / bent * product
        undone = curvature.undone(left)
        before, size = size, float(np.vdot(left, undone))
        if size <= RESIDUAL**2 * first:
            break
        direction = undone + size / before * direction
    return step if step.any() else undone
