"""A measure as one row: its description for people, and the function that computes its scores."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from strata.artifacts.measure_registry import Interval, MeasureEntry
from strata.measures.intervals import Estimate, Scores, estimate_from
from strata.measures.results import LayerResults


@dataclass(frozen=True)
class OfActivations:
    """A score of a layer's activations float32 (n, D) themselves, computed in the pool, where they lie.

    `score` is a function of a module. It returns what the measure's interval is made from: a number for each point
    (n,), or one number; for half-samples it is called with all points, and then with each half of them.
    """

    score: Callable[[NDArray[np.float32]], Scores]


class Measure(MeasureEntry):
    """A row of the registry.

    `score` is a function of what the jobs found of a layer (LayerResults), or of its activations (OfActivations). It
    returns what the interval is made from: a number for each point (n,) for a mean, hits bool (n,) for Wilson's,
    Influences (strata/measures/influence.py) where a point counts for the scores of others, (1 + r,) for all points and
    each half, or one number; None where the measure does not exist.
    """

    score: OfActivations | Callable[[LayerResults], Scores | None] = Field(exclude=True)

    def estimate(self, layer: LayerResults) -> Estimate | None:
        """Return the measure of a layer with its interval, or None where it does not exist."""
        if isinstance(self.score, OfActivations):
            return estimate_from(layer.geometry.scores[self.key], self.interval)
        scores = self.score(layer)
        return None if scores is None else estimate_from(scores, self.interval)


def scores_of_activations(
    function: Callable[[NDArray[np.float32]], Scores],
    interval: Interval,
    values: NDArray[np.float32],
    halves: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return what an interval is made from: the function of values (n, D), or of all and each of halves (n, 1 + r)."""
    if interval == Interval.HALF_SAMPLES:
        return np.array([function(values[rows]) for rows in halves.T], dtype=np.float64)
    return np.asarray(function(values), dtype=np.float64)
