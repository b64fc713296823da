"""The forces by which all points of a map repel each other (Barnes & Hut 1986, van der Maaten 2014)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from strata.maps.barnes_hut.compiled import Divided, compiled
from strata.maps.barnes_hut.lanes import WIDTH, load, same, store
from strata.maps.barnes_hut.tree import Floats, Integers, Tree

ONE, ZERO = np.float32(1), np.float32(0)
# Which points of a leaf act on which: eight lanes for each, 0 for itself.
OTHERS = 1 - np.eye(WIDTH, dtype=np.float32).ravel()


@dataclass(frozen=True)
class Interactions:
    """Which nodes act on a leaf's points as one body at their centre, and which other leaves act point by point.

    `nodes` and `near`, one leaf's after another's; `starts` (leaves + 1, 2) are where each leaf's begin in them.
    """

    nodes: Integers
    near: Integers
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, tree: Tree, theta: float, run: Divided) -> Self:
        """Return the interactions of a tree's leaves.

        A node acts as one where its longer side is less than `theta` times the distance of its centre from the leaf's
        box, or where all its points are in one place. With theta 0 none does, and the forces are exact.
        """
        own = np.flatnonzero(tree.leaves == 1).astype(np.int32)
        starts, none = np.zeros((len(own) + 1, 2), dtype=np.int64), np.empty(0, dtype=np.int32)
        fixed = (tree.beyond, tree.first, tree.leaves, tree.boxes, tree.centres, own, np.float32(theta**2), starts)
        run(len(own), _interactions, *fixed, none, none)  # counts them
        np.cumsum(starts, axis=0, out=starts)
        nodes, near = (np.empty(size, dtype=np.int32) for size in starts[-1])
        run(len(own), _interactions, *fixed, nodes, near)
        return cls(nodes, near, starts)


@compiled
def _interactions(
    beyond: Integers,
    first: Integers,
    below: Integers,
    boxes: Floats,
    centres: Floats,
    own: Integers,
    squared: np.float32,
    starts: NDArray[np.int64],
    nodes: Integers,
    near: Integers,
    first_leaf: int,
    last_leaf: int,
) -> None:
    """Write the interactions of some leaves; where there is no place for them, write only how many there are."""
    counting = len(nodes) + len(near) == 0
    for leaf in range(first_leaf, last_leaf):
        left, right, bottom, top = boxes[own[leaf]]
        far_place, near_place = (0, 0) if counting else (starts[leaf, 0], starts[leaf, 1])
        node = 0
        while node < len(first):
            x, y = centres[node, 0], centres[node, 1]
            dx, dy = max(left - x, x - right, ZERO), max(bottom - y, y - top, ZERO)
            side = max(boxes[node, 1] - boxes[node, 0], boxes[node, 3] - boxes[node, 2])
            far = side * side < squared * (dx * dx + dy * dy) or (side == ZERO and squared > ZERO)
            if far and not first[node] <= leaf < first[node] + below[node]:
                if not counting:
                    nodes[far_place] = node
                far_place += 1
                node = beyond[node]
            else:
                if below[node] == 1 and first[node] != leaf:
                    if not counting:
                        near[near_place] = first[node]
                    near_place += 1
                node += 1
        if counting:
            starts[leaf + 1, 0], starts[leaf + 1, 1] = far_place, near_place


def repel(tree: Tree, interactions: Interactions, forces: Floats, run: Divided) -> None:
    """Write the repulsion of the points (3, 8 x leaves), in the tree's order: x, y, and the sum of weights.

    A point's weight on another is w = 1 / (1 + squared distance), its force w^2 times the difference.
    """
    parts = (tree.x, tree.y, OTHERS, tree.centres, interactions.nodes, interactions.near, interactions.starts)
    run(len(interactions.starts) - 1, _repel, *parts, forces[0], forces[1], forces[2])


@compiled
def _repel(
    x: Floats,
    y: Floats,
    others: Floats,
    centres: Floats,
    nodes: Integers,
    near: Integers,
    starts: NDArray[np.int64],
    forces_x: Floats,
    forces_y: Floats,
    weights: Floats,
    first_leaf: int,
    last_leaf: int,
) -> None:
    one = same(ONE)
    for leaf in range(first_leaf, last_leaf):
        own_x, own_y = load(x, leaf * WIDTH), load(y, leaf * WIDTH)
        sum_x, sum_y, sum_weights = same(ZERO), same(ZERO), same(ZERO)
        for lane in range(WIDTH):
            place = leaf * WIDTH + lane
            dx, dy = own_x - same(x[place]), own_y - same(y[place])
            weight = load(others, lane * WIDTH) / (one + (dx * dx + dy * dy))
            sum_weights = sum_weights + weight
            strength = weight * weight
            sum_x = sum_x + strength * dx
            sum_y = sum_y + strength * dy
        for index in range(starts[leaf, 1], starts[leaf + 1, 1]):
            start = near[index] * WIDTH
            for place in range(start, start + WIDTH):
                dx, dy = own_x - same(x[place]), own_y - same(y[place])
                weight = one / (one + (dx * dx + dy * dy))
                sum_weights = sum_weights + weight
                strength = weight * weight
                sum_x = sum_x + strength * dx
                sum_y = sum_y + strength * dy
        for index in range(starts[leaf, 0], starts[leaf + 1, 0]):
            node = nodes[index]
            dx, dy = own_x - same(centres[node, 0]), own_y - same(centres[node, 1])
            weight = one / (one + (dx * dx + dy * dy))
            of_all = same(centres[node, 2]) * weight
            sum_weights = sum_weights + of_all
            strength = of_all * weight
            sum_x = sum_x + strength * dx
            sum_y = sum_y + strength * dy
        store(forces_x, leaf * WIDTH, sum_x)
        store(forces_y, leaf * WIDTH, sum_y)
        store(weights, leaf * WIDTH, sum_weights)


@compiled
def all_weights(x: Floats, y: Floats, others: Floats, weights: Floats, first_leaf: int, last_leaf: int) -> None:
    """Write the sum of weights of every point in leaves (8 x leaves,) over all other points; `others` is OTHERS."""
    one = same(ONE)
    for leaf in range(first_leaf, last_leaf):
        start = leaf * WIDTH
        own_x, own_y = load(x, start), load(y, start)
        sum_weights = same(ZERO)
        for lane in range(WIDTH):
            dx, dy = own_x - same(x[start + lane]), own_y - same(y[start + lane])
            sum_weights = sum_weights + load(others, lane * WIDTH) / (one + (dx * dx + dy * dy))
        for place in range(start):
            dx, dy = own_x - same(x[place]), own_y - same(y[place])
            sum_weights = sum_weights + one / (one + (dx * dx + dy * dy))
        for place in range(start + WIDTH, len(x)):
            dx, dy = own_x - same(x[place]), own_y - same(y[place])
            sum_weights = sum_weights + one / (one + (dx * dx + dy * dy))
        store(weights, start, sum_weights)
