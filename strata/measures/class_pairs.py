"""How separable each pair of classes is in each layer, and how much it rises from the layer before, with intervals."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.measures.intervals import Z
from strata.measures.labels import LabelledSets, class_pair_hits
from strata.measures.plan import Plan
from strata.measures.results import Results

COLUMNS = ("layer", "class", "other_class", "separability", "low", "high", "rise", "rise_low", "rise_high", "control")
# Of more classes than these, pairs have no intervals: their number grows with the square.
MOST_WITH_INTERVALS = 40


def class_pair_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return the separability of each pair of classes by layer, in the trained network and its untrained twin.

    It is the neighbourhood hit of the pair; `rise` is how much larger it is than in the layer before, NaN in the first.
    Intervals are over samples, each of which counts by its own neighbours and as a neighbour of others. Empty without
    labels.
    """
    rows = []
    for control in (TRAINED, UNTRAINED) if plan.labels else ():
        labels = plan.labels[TRAINED]
        before: tuple[NDArray[np.float64], dict[tuple[int, int], NDArray[np.float64]]] | None = None
        for layer in plan.layers:
            neighbours = results.geometries[control, layer].neighbours
            values = class_pair_hits(labels.points[neighbours], labels.points, labels.classes)
            influences = dict(_influences(labels, neighbours))
            for pair in _pairs(labels.classes):
                own = influences.get(pair)
                low, high = np.clip(_bounds(values[pair], own), 0, 1)
                rise, change = np.nan, None
                if before is not None:
                    rise = values[pair] - before[0][pair]
                    change = None if own is None else own - before[1][pair]
                risen = _bounds(rise, change)
                rows.append((layer, pair[0], pair[1], values[pair], low, high, rise, risen[0], risen[1], control))
            before = values, influences
    return pd.DataFrame(rows, columns=list(COLUMNS))


def pair_influences(
    labels: NDArray[np.integer], neighbours: NDArray[np.integer], classes: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the influence of each sample (n,) on a pair's separability, to first order: their squares sum to its
    variance.

    `neighbours` (n, k) are rows of the samples. The separability is the mean over both classes of own / (own + other),
    the neighbours counted over the class (Paulovich et al. 2008, for a pair); of a class with itself, its share among
    all. NaN where a class has no such neighbours.
    """
    influences = np.zeros(len(labels))
    for mine, other in dict.fromkeys((classes, classes[::-1])):
        rows = np.flatnonzero(labels == mine)
        at = neighbours[rows]
        near = labels[at]
        right = near == mine
        false = near == other if other != mine else ~right
        total = right.sum() + false.sum()
        if not total:
            return np.full(len(labels), np.nan)
        share = right.sum() / total
        each = (right * (1 - share) - false * share) / (total * len(set(classes)))
        influences[rows] += each.sum(axis=1)
        influences += np.bincount(at.ravel(), each.ravel(), minlength=len(labels))
    return influences


def _pairs(classes: int) -> list[tuple[int, int]]:
    return [(first, second) for first in range(classes) for second in range(first, classes)]


def _influences(
    labels: LabelledSets, neighbours: NDArray[np.integer]
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64]]]:
    for pair in _pairs(labels.classes) if labels.classes <= MOST_WITH_INTERVALS else ():
        yield pair, pair_influences(labels.points, neighbours, pair)


def _bounds(value: float, influences: NDArray[np.float64] | None) -> tuple[float, float]:
    """Return the 95% interval of a value by the influences on it (n,); NaN without them."""
    half = np.nan if influences is None else Z * float(np.sqrt(influences @ influences))
    return value - half, value + half
