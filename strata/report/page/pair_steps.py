"""Where two classes part: the course of a pair's separability over the layers, and the interval of its largest step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from strata.artifacts.samples import places_of
from strata.report.page.inputs import ReportInputs


@dataclass(frozen=True)
class PairStep:
    """A pair of classes, its separability per layer, and the rise with its interval after layer `place`."""

    classes: tuple[int, int]
    course: NDArray[np.float64]
    place: int
    rise: float
    low: float
    high: float


def parting_pair(inputs: ReportInputs) -> PairStep | None:
    """Return the pair that is least separable in the first layer, with its largest step; None without pairs."""
    layers, table, labels = list(inputs.maps), inputs.measures.pairs, inputs.samples.label
    if labels is None:
        return None
    apart = table[(table["class"] != table["other_class"])]
    courses: dict[tuple[int, int], dict[str, float]] = {}
    for layer, first, second, value in apart[["layer", "class", "other_class", "separability"]].itertuples(index=False):
        courses.setdefault((int(first), int(second)), {})[str(layer)] = float(value)
    whole = {
        pair: np.array([course[layer] for layer in layers])
        for pair, course in courses.items()
        if set(layers) <= set(course) and np.isfinite([course[layer] for layer in layers]).all()
    }
    if not whole or len(layers) < 2:
        return None
    pair, course = min(whole.items(), key=lambda item: item[1][0])
    place = int(np.diff(course).argmax())
    half = step_half_width(inputs, labels, pair, (layers[place], layers[place + 1]), len(layers) - 1)
    rise = float(course[place + 1] - course[place])
    return PairStep(pair, course, place, rise, rise - half, rise + half)


def step_half_width(
    inputs: ReportInputs,
    labels: NDArray[np.integer],
    classes: tuple[int, int],
    layers: tuple[str, str],
    steps: int,
) -> float:
    """Return half the width of the 95% interval of a pair's rise between two layers, the largest of `steps`.

    Bonferroni, for the choice. Over samples, each of which counts by its own neighbours and as a neighbour of others.
    """
    ids = inputs.samples.sample_id
    points = [inputs.measures.points[layer] for layer in layers]
    own = labels[places_of(points[0].sample_id, ids)]
    influences = [pair_influences(own, places_of(each.neighbours, each.sample_id), classes) for each in points]
    change = influences[1] - influences[0]
    z = float(norm.ppf(1 - 0.025 / steps))
    return z * float(np.sqrt((change**2).sum()))


def pair_influences(
    labels: NDArray[np.integer], neighbours: NDArray[np.integer], classes: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the influence of each sample (n,) on a pair's separability, to first order.

    `neighbours` (n, k) are rows of the samples, -1 for others, which count for no class. The separability is the mean
    over both classes of own / (own + other), the neighbours counted over the class (Paulovich et al. 2008, for a pair).
    """
    influences = np.zeros(len(labels))
    known = np.where(neighbours >= 0, labels[neighbours], -1)
    for mine, other in (classes, classes[::-1]):
        rows = np.flatnonzero(labels == mine)
        right, false = known[rows] == mine, known[rows] == other
        total = right.sum() + false.sum()
        if not total:
            return np.full(len(labels), np.nan)
        share = right.sum() / total
        each = (right * (1 - share) - false * share) / (2 * total)
        influences[rows] += each.sum(axis=1)
        at = neighbours[rows]
        np.add.at(influences, at[at >= 0], each[at >= 0])
    return influences
