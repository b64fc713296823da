"""How likely two points are neighbours in a layer: t-SNE's joint probabilities (van der Maaten & Hinton 2008)."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from strata.maps.barnes_hut.compiled import Divided, compiled
from strata.maps.barnes_hut.elementary import exponential, logarithm
from strata.maps.barnes_hut.neighbours import nearest
from strata.maps.barnes_hut.tree import Floats

NEIGHBOURS_PER_PERPLEXITY = 3
# Bounds of the logarithm of a Gaussian's precision, in units of the mean squared distance; steps at most, and the
# difference of entropies, or of these logarithms, at which they end.
MOST_EVEN, MOST_UNEVEN, STEPS, CLOSE = -30.0, 30.0, 100, 1e-11


def affinities(values: Floats, perplexity: float, run: Divided) -> csr_matrix:
    """Return the symmetric joint probabilities P, sparse float64 (n, n), of finite values (n, D).

    Gaussian, each bandwidth set to the perplexity over 3 x perplexity exact neighbours (van der Maaten 2014).
    """
    count = len(values)
    k = min(count - 1, int(NEIGHBOURS_PER_PERPLEXITY * perplexity))
    # Distances matter up to a factor only. A power of two changes no digit, and keeps squares within the range.
    exponent = math.frexp(float(np.abs(values).max()))[1]
    rows, squared = nearest(np.ldexp(values, -exponent), k, run)
    run(count, _to_shares, squared, float(perplexity))
    conditional = csr_matrix((squared.ravel(), rows.ravel(), np.arange(count + 1) * k), shape=(count, count))
    joint = csr_matrix(conditional + conditional.T)
    joint.data /= 2 * count
    return joint


@compiled
def _to_shares(squared: NDArray[np.float64], perplexity: float, first: int, last: int) -> None:
    """Replace squared distances (n, k) by Gaussian weights of sum 1 and entropy log(perplexity), by Newton's method.

    The steps are those of the logarithm of the precision; where one leaves the bounds found so far, they are halved.
    """
    k = squared.shape[1]
    weights, wanted = np.empty(k), logarithm(perplexity)
    for row in range(first, last):
        mean = _to_distance_beyond_least(squared[row])
        low, high, at = MOST_EVEN, MOST_UNEVEN, 0.0
        for _ in range(STEPS):
            precision = exponential(at) / (mean if mean > 0 else 1.0)
            for place in range(k):
                weights[place] = exponential(-precision * squared[row, place])
            total = first_moment = second_moment = 0.0
            for place in range(k):
                scaled = precision * squared[row, place]
                total += weights[place]
                first_moment += weights[place] * scaled
                second_moment += weights[place] * scaled * scaled
            first_moment, second_moment = first_moment / total, second_moment / total
            excess = logarithm(total) + first_moment - wanted
            if excess > 0:
                low = at
            else:
                high = at
            if abs(excess) < CLOSE or high - low < CLOSE:
                break
            variance = second_moment - first_moment * first_moment  # minus the derivative of the entropy
            at = at + excess / variance if variance > 0 else high
            if not low < at < high:
                at = (low + high) / 2
        for place in range(k):
            squared[row, place] = weights[place] / total


@compiled
def _to_distance_beyond_least(squared: NDArray[np.float64]) -> float:
    """Subtract the least of squared distances (k,) from all; return their mean then."""
    least, mean = squared[0], 0.0
    for place in range(1, len(squared)):
        least = min(least, squared[place])
    for place in range(len(squared)):
        squared[place] -= least
        mean += squared[place]
    return mean / len(squared)
