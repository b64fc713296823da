"""A map by gradient descent with momentum and gains (Jacobs 1988), as in van der Maaten's and scikit-learn's t-SNE."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from strata.maps.barnes_hut.attraction import Edges, attract, divergences
from strata.maps.barnes_hut.compiled import Divided, compiled
from strata.maps.barnes_hut.lanes import WIDTH
from strata.maps.barnes_hut.repulsion import OTHERS, Interactions, all_weights, repel
from strata.maps.barnes_hut.selection import total
from strata.maps.barnes_hut.tree import FAR, Floats, Integers, Tree

# Up to this many points all pairs are computed; with more, cells that are far away act as one body.
EXACT_POINTS, THETA = 3000, 0.5
# The points are sorted, and their interactions found, once in so many steps; in between, cells follow their points.
STEPS_PER_SORT = 8
GAIN_UP, GAIN_DOWN, LEAST_GAIN = np.float32(0.2), np.float32(0.8), np.float32(0.01)
ZERO = np.float32(0)


@dataclass(frozen=True)
class Phase:
    """Steps of the descent with the same settings; momentum and gains begin again with each phase.

    `rate` is the learning rate for van der Maaten's gradient, without its factor 4, as in openTSNE.
    """

    steps: int
    exaggeration: float
    momentum: float
    rate: float


class Gradient:
    """The gradient of the KL divergence, by 4, at a map's points (2, n); arrays are made once for all steps."""

    def __init__(self, edges: Edges, points: Floats, theta: float, run: Divided) -> None:
        self.edges, self.theta, self.run = edges, theta, run
        self.tree = Tree.of(points)
        self.interactions = Interactions.of(self.tree, theta, run)
        self._attraction = np.empty(points.shape, dtype=np.float32)
        self._repulsion = np.empty((3, len(self.tree.x)), dtype=np.float32)
        self._slopes = np.empty(points.shape, dtype=np.float32)

    def sort(self, points: Floats) -> None:
        """Sort finite points into a new tree; exact forces need none."""
        if self.theta:
            self.tree.sort(points)
            self.interactions = Interactions.of(self.tree, self.theta, self.run)

    def at(self, points: Floats, exaggeration: float) -> Floats:
        """Return the gradient (2, n); the next call writes over it."""
        self.tree.follow(points)
        repel(self.tree, self.interactions, self._repulsion, self.run)
        attract(self.edges, points, self._attraction, self.run)
        factor = np.float32(exaggeration)
        _combine(self._attraction, factor, self._repulsion, self.tree.order, self._slopes)
        return self._slopes


def descend(joint: csr_matrix, start: Floats, phases: Sequence[Phase], theta: float, run: Divided) -> Floats:
    """Return the map (2, n) to which joint probabilities (n, n) lead from finite `start` (2, n).

    With theta 0 all pairs are computed. Where the descent diverges, points of the map are not finite.
    """
    points = np.array(start, dtype=np.float32, order="C")
    for phase in phases:
        if not np.isfinite(points).all():
            break
        order = Tree.of(points).order
        points[:, order] = _descend(Edges.of(joint, order), points[:, order], phase, theta, run)
    return points


def _descend(edges: Edges, points: Floats, phase: Phase, theta: float, run: Divided) -> Floats:
    points = np.ascontiguousarray(points)
    gradient = Gradient(edges, points, theta, run)
    gains, moves = np.ones_like(points), np.zeros_like(points)
    momentum, rate = np.float32(phase.momentum), np.float32(phase.rate)
    for step in range(1, phase.steps + 1):
        _move(points, gains, moves, gradient.at(points, phase.exaggeration), momentum, rate)
        if step % STEPS_PER_SORT == 0:
            if not np.isfinite(points).all():
                break
            gradient.sort(points)
    return points


@compiled
def _combine(attraction: Floats, factor: np.float32, repulsion: Floats, order: Integers, slopes: Floats) -> None:
    count = len(order)
    weights = np.float32(1.0 / total(repulsion[2], count))
    for axis in range(2):
        for place in range(count):
            point = order[place]
            slopes[axis, point] = factor * attraction[axis, point] - weights * repulsion[axis, place]


@compiled
def _move(points: Floats, gains: Floats, moves: Floats, slopes: Floats, momentum: np.float32, rate: np.float32) -> None:
    for axis in range(2):
        for point in range(points.shape[1]):
            slope, gain = slopes[axis, point], gains[axis, point]
            gain = gain + GAIN_UP if moves[axis, point] * slope < ZERO else gain * GAIN_DOWN
            gain = max(gain, LEAST_GAIN)
            gains[axis, point] = gain
            moves[axis, point] = momentum * moves[axis, point] - rate * (gain * slope)
            points[axis, point] += moves[axis, point]


def divergence(joint: csr_matrix, points: Floats, run: Divided) -> float:
    """Return KL(P || Q) in nats of joint probabilities P (n, n) and a map's points (2, n), by the exact sum.

    Q is proportional to 1 / (1 + squared distance), over all pairs of different points (van der Maaten & Hinton 2008).
    """
    count = points.shape[1]
    leaves = -(-count // WIDTH)
    x, y = np.full((2, leaves * WIDTH), FAR, dtype=np.float32)
    x[:count], y[:count] = points
    sums, parts = np.empty_like(x), np.empty(count)
    run(leaves, all_weights, x, y, OTHERS, sums)
    weights = total(sums, count)
    run(count, divergences, joint.indptr, joint.indices, joint.data, x, y, weights, parts)
    return float(total(parts, count))
