"""A balanced tree over the points of a map: leaves of eight points, halves cut across their longer side.

Its shape depends on the number of points only, so equal points make it no deeper. Nodes are in preorder: the left child
of node k is k + 1, and `beyond[k]` is the first node that is not below k, which for a left child is its sibling.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from strata.maps.barnes_hut.compiled import compiled
from strata.maps.barnes_hut.lanes import WIDTH
from strata.maps.barnes_hut.selection import select

FAR = 1e15  # where the last leaf's places without a point are: no force reaches from there

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Tree:
    """The tree's shape, which stays, and what follows the points: their order, and every node's box and centre.

    `beyond`, `first` and `leaves` (nodes,): see above, the first leaf of a node, and how many it has. `order` (n,) are
    the points, leaf by leaf; `x`, `y` (8 x leaves,) are their places in this order. `boxes` (nodes, 4): least and
    largest x, least and largest y. `centres` (nodes, 3): mean x, mean y, and the number of points.
    """

    beyond: Integers
    first: Integers
    leaves: Integers
    order: Integers
    x: Floats
    y: Floats
    boxes: Floats
    centres: Floats

    @classmethod
    def of(cls, points: Floats) -> Self:
        """Return a tree of finite points (2, n)."""
        count = points.shape[1]
        leaves = -(-count // WIDTH)
        nodes = 2 * leaves - 1
        beyond, first, below = np.empty((3, nodes), dtype=np.int32)
        _shape(beyond, first, below, leaves)
        x, y = np.full((2, leaves * WIDTH), FAR, dtype=np.float32)
        order = np.arange(count, dtype=np.int32)
        boxes, centres = np.empty((nodes, 4), dtype=np.float32), np.empty((nodes, 3), dtype=np.float32)
        tree = cls(beyond, first, below, order, x, y, boxes, centres)
        tree.sort(points)
        return tree

    def sort(self, points: Floats) -> None:
        """Divide finite points (2, n) into leaves again."""
        _sort(points[0], points[1], self.order, self.first, self.leaves, np.empty(len(self.order), dtype=np.float32))
        self.follow(points)

    def follow(self, points: Floats) -> None:
        """Take over where the points (2, n) are now; they stay in their leaves."""
        _place(points[0], points[1], self.order, self.x, self.y)
        _measure(self.x, self.y, len(self.order), self.beyond, self.first, self.leaves, self.boxes, self.centres)


@compiled
def _shape(beyond: Integers, first: Integers, below: Integers, leaves: int) -> None:
    first[0], below[0] = 0, leaves
    for node in range(len(first)):
        beyond[node] = node + 2 * below[node] - 1
        if below[node] > 1:
            half = (below[node] + 1) // 2
            first[node + 1], below[node + 1] = first[node], half
            right = node + 2 * half
            first[right], below[right] = first[node] + half, below[node] - half


@compiled
def _sort(x: Floats, y: Floats, order: Integers, first: Integers, below: Integers, keys: Floats) -> None:
    for node in range(len(first)):
        if below[node] == 1:
            continue
        start = first[node] * WIDTH
        stop = min(start + below[node] * WIDTH, len(order))
        left = right = x[order[start]]
        bottom = top = y[order[start]]
        for place in range(start + 1, stop):
            point = order[place]
            left, right = min(left, x[point]), max(right, x[point])
            bottom, top = min(bottom, y[point]), max(top, y[point])
        values = x if right - left >= top - bottom else y
        for place in range(start, stop):
            keys[place] = values[order[place]]
        select(keys, order, start, stop - 1, start + (below[node] + 1) // 2 * WIDTH)


@compiled
def _place(x: Floats, y: Floats, order: Integers, tree_x: Floats, tree_y: Floats) -> None:
    for place in range(len(order)):
        tree_x[place], tree_y[place] = x[order[place]], y[order[place]]


@compiled
def _measure(
    x: Floats,
    y: Floats,
    points: int,
    beyond: Integers,
    first: Integers,
    below: Integers,
    boxes: Floats,
    centres: Floats,
) -> None:
    """Write the boxes and centres of all nodes, children before their parents."""
    for node in range(len(first) - 1, -1, -1):
        if below[node] == 1:
            start = first[node] * WIDTH
            stop = min(start + WIDTH, points)
            left = right = x[start]
            bottom = top = y[start]
            sum_x = sum_y = 0.0
            for place in range(start, stop):
                left, right = min(left, x[place]), max(right, x[place])
                bottom, top = min(bottom, y[place]), max(top, y[place])
                sum_x += x[place]
                sum_y += y[place]
            count = np.float64(stop - start)
        else:
            one, two = node + 1, beyond[node + 1]
            left, right = min(boxes[one, 0], boxes[two, 0]), max(boxes[one, 1], boxes[two, 1])
            bottom, top = min(boxes[one, 2], boxes[two, 2]), max(boxes[one, 3], boxes[two, 3])
            of_one, of_two = np.float64(centres[one, 2]), np.float64(centres[two, 2])
            sum_x = centres[one, 0] * of_one + centres[two, 0] * of_two
            sum_y = centres[one, 1] * of_one + centres[two, 1] * of_two
            count = of_one + of_two
        boxes[node, 0], boxes[node, 1], boxes[node, 2], boxes[node, 3] = left, right, bottom, top
        centres[node, 0], centres[node, 1], centres[node, 2] = sum_x / count, sum_y / count, count
