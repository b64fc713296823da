"""The KL divergence that t-SNE minimizes, by the exact sum over all pairs, whatever engine drew the map."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from strata.maps.engines import Perplexity
from strata.maps.pca import read_reduced
from strata.maps.tsne import chosen_perplexity
from strata.measures.neighbours import neighbours_among_all

ROWS = 512
# Bounds of the logarithm of a Gaussian's precision, in units of the mean squared distance, and steps between them.
MOST_EVEN, MOST_UNEVEN, BISECTIONS = -30.0, 30.0, 48


def affinities(values: NDArray[np.floating], perplexity: float) -> csr_matrix:
    """Return t-SNE's symmetric joint probabilities P, sparse (n, n), of values (n, k).

    Gaussian, each bandwidth set to the perplexity over 3 x perplexity exact neighbours (van der Maaten 2014).
    """
    count = len(values)
    reach = min(count - 1, int(3 * perplexity))
    near, shares = np.empty((count, reach), dtype=np.int32), np.empty((count, reach))
    for start in range(0, count, ROWS):
        rows = np.arange(start, min(start + ROWS, count))
        near[rows] = neighbours_among_all(values, rows, reach)
        differences = values[near[rows]].astype(np.float64) - values[rows, None]
        shares[rows] = _shares(np.einsum("ijk,ijk->ij", differences, differences), perplexity)
    conditional = csr_matrix((shares.ravel(), near.ravel(), np.arange(count + 1) * reach), shape=(count, count))
    return csr_matrix((conditional + conditional.T) / (2 * count))


def _shares(squared: NDArray[np.float64], perplexity: float) -> NDArray[np.float64]:
    """Return the Gaussian weights (b, k) of neighbours at squared distances (b, k): sum 1, entropy log(perplexity).

    The precision of each Gaussian is found by bisection of its logarithm.
    """
    beyond = squared - squared.min(axis=1, keepdims=True)
    mean = beyond.mean(axis=1, keepdims=True)
    beyond /= np.where(mean > 0, mean, 1)
    low, high = np.full_like(mean, MOST_EVEN), np.full_like(mean, MOST_UNEVEN)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        weights = np.exp(-np.exp(middle) * beyond)
        total = weights.sum(axis=1, keepdims=True)
        entropy = np.log(total) + np.exp(middle) * (weights * beyond).sum(axis=1, keepdims=True) / total
        too_even = entropy > np.log(perplexity)
        low, high = np.where(too_even, middle, low), np.where(too_even, high, middle)
    return weights / total


def kl_divergence(joint: csr_matrix, points: NDArray[np.floating]) -> float:
    """Return KL(P || Q) in nats of joint probabilities P (n, n) and the map's points (n, 2), by the exact sum.

    Q is proportional to 1 / (1 + squared distance), over all pairs of different points (van der Maaten & Hinton 2008).
    """
    exact = points.astype(np.float64)
    x, y = np.ascontiguousarray(exact.T)
    total = 0.0
    for start in range(0, len(exact), ROWS):
        rows = slice(start, start + ROWS)
        weights = (x[rows, None] - x) ** 2
        weights += (y[rows, None] - y) ** 2
        weights += 1
        total += float(np.reciprocal(weights, out=weights).sum())
    total -= len(exact)  # a point with itself
    pairs = coo_matrix(joint)
    known = pairs.data > 0
    probability, first, second = pairs.data[known], pairs.row[known], pairs.col[known]
    weight = 1 / (1 + ((exact[first] - exact[second]) ** 2).sum(axis=1))
    return float((probability * (np.log(probability) - np.log(weight / total))).sum())


@dataclass(frozen=True)
class DivergenceJob:
    """A map's points (n, 2), and the activations (and their reduction, drawn from `seed`) it was made from."""

    activations: Path
    points: NDArray[np.float32]
    perplexity: Perplexity
    components: int
    seed: int


def measure_divergence(job: DivergenceJob) -> float:
    """Return the KL divergence of a map of all samples, from the same reduced activations that t-SNE was given."""
    values = read_reduced(job.activations, job.components, job.seed).values
    return kl_divergence(affinities(values, chosen_perplexity(job.perplexity, len(values))), job.points)
