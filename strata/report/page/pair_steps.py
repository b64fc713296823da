"""Where two classes part: the course of a pair's separability over the layers, and its largest step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.report.page.headline import Measured
from strata.report.page.inputs import ReportInputs

PAIR = ["class", "other_class"]


@dataclass(frozen=True)
class PairStep:
    """A pair of classes, its separability per layer, and the rise with its interval after layer `place`.

    The interval is widened for the choice of the step. `untrained` and `untrained_rise` are the same in the untrained
    twin, whose interval is not; None where it was not measured.
    """

    classes: tuple[int, int]
    course: NDArray[np.float64]
    place: int
    rise: Measured
    untrained: NDArray[np.float64] | None = None
    untrained_rise: Measured | None = None


def parting_pair(inputs: ReportInputs) -> PairStep | None:
    """Return the pair that is least separable in the first layer, with its largest step; None without pairs.

    Also None where layers between the two are left out here: the table has the rise from the layer before.
    """
    layers, table = list(inputs.maps), inputs.measures.pairs
    apart = table[table["class"] != table["other_class"]]
    courses = _courses(apart[apart["control"] == TRAINED], layers)
    if not courses or len(layers) < 2:
        return None
    pair, course = min(courses.items(), key=lambda item: item[1][0])
    place = int(np.diff(course).argmax())
    here, there = layers[place], layers[place + 1]
    measured = list(dict.fromkeys(table["layer"]))
    if measured.index(there) != measured.index(here) + 1:
        return None
    is_pair = (apart["class"] == pair[0]) & (apart["other_class"] == pair[1])
    rises = {row.control: _rise(row) for row in apart[is_pair & (apart["layer"] == there)].itertuples(index=False)}
    twin = _courses(apart[apart["control"] == UNTRAINED], layers).get(pair)
    return PairStep(pair, course, place, widened(rises[TRAINED], len(layers) - 1), twin, rises.get(UNTRAINED))


def widened(rise: Measured, choices: int) -> Measured:
    """Return a value with its 95% interval widened for having been chosen as the largest of some (Bonferroni)."""
    by = float(ndtri(1 - 0.025 / choices) / ndtri(0.975))
    return Measured(rise.value, rise.value - by * (rise.value - rise.low), rise.value + by * (rise.high - rise.value))


def _courses(table: pd.DataFrame, layers: list[str]) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Return the separability of each pair by layer, of pairs that have one in all."""
    wide = table.pivot_table(index=PAIR, columns="layer", values="separability").reindex(columns=layers).dropna()
    return {
        (int(first), int(second)): row
        for (first, second), row in zip(wide.index, wide.to_numpy(np.float64), strict=True)
    }


def _rise(row: Any) -> Measured:
    return Measured(float(row.rise), float(row.rise_low), float(row.rise_high))
