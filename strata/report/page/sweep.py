"""Several runs on one page: every measure by layer, one line per run, and where a run differs from the base run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from strata.artifacts.measure_registry import MeasureEntry
from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS, as_title
from strata.report.page.inputs import ReportInputs

# The colours of runs, which colour-blind readers can tell apart; letters beside the lines say the same. Grey is the
# untrained networks'.
_LOOKS = (*CONTROL_LOOKS.values(), *MEASURE_LOOKS)
COLOURS = [_LOOKS[place].colour for place in (0, 5, 4, 3, 1, 7, 8, 9)]
LETTERS = "ABCDEFGH"
MOST_RUNS = len(LETTERS)


def sweep_payload(names: Sequence[str], runs: Sequence[ReportInputs]) -> dict[str, Any]:
    """Return the runs, and a chart of each measure that all have, by the layers that all have, as values for JSON.

    The first run is the base. At most MOST_RUNS runs.
    """
    layers = [layer for layer in runs[0].maps if all(layer in run.maps for run in runs)]
    charts = []
    for panel in runs[0].registry.panels:
        for measure in runs[0].registry.shown_in(panel):
            trained = [course(run, measure.key, TRAINED, layers) for run in runs]
            if all(np.isfinite(each["value"]).any() for each in trained):
                twins = [course(run, measure.key, UNTRAINED, layers)["value"] for run in runs]
                charts.append(
                    {"axis": panel.axis, "end": panel.end, **_titles(measure, panel.title, panel.lines)}
                    | {"lines": [{name: _values(part) for name, part in each.items()} for each in trained]}
                    | {"untrained": [_values(each) for each in _distinct(twins)]}
                    | {
                        "clear": clear_of_base(trained, layers),
                        "same": [_first_like(trained, i) for i in range(len(runs))],
                    }
                )
    about = [
        {"letter": letter, "name": name, "colour": colour, "accuracy": last_accuracy(run), "same_as": same}
        for letter, name, colour, run, same in zip(LETTERS, names, COLOURS, runs, identical_to(runs), strict=False)
    ]
    return {"layers": layers, "runs": about, "charts": charts}


def course(run: ReportInputs, measure: str, control: str, layers: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return a measure's value, low and high by layer, each (layers,); NaN where there is none."""
    table = run.measures.table
    rows = table[(table["measure"] == measure) & (table["control"] == control)].set_index("layer")
    return {name: rows[name].reindex(list(layers)).to_numpy(np.float64) for name in ("value", "low", "high")}


def clear_of_base(courses: Sequence[dict[str, NDArray[np.float64]]], layers: Sequence[str]) -> list[list[str]]:
    """Return for each run the layers at which it differs from the first beyond the 95% intervals.

    Intervals are widened for the number of comparisons in this chart (Bonferroni), and taken as independent.
    """
    base, *others = courses
    halves = [np.hypot(base["high"] - base["low"], each["high"] - each["low"]) / 2 for each in others]
    compared = sum(int(np.isfinite(half).sum()) for half in halves)
    wider = float(ndtri(1 - 0.025 / max(1, compared)) / ndtri(0.975))
    found: list[list[str]] = [[]]
    for each, half in zip(others, halves, strict=True):
        apart = np.abs(each["value"] - base["value"]) > wider * half
        found.append([layer for layer, is_apart in zip(layers, apart, strict=True) if is_apart])
    return found


def identical_to(runs: Sequence[ReportInputs]) -> list[str | None]:
    """Return for each run the letter of the first run before it with the same results; None without one."""
    return [
        next((LETTERS[first] for first in range(place) if same_results(runs[first], run)), None)
        for place, run in enumerate(runs)
    ]


def same_results(one: ReportInputs, other: ReportInputs) -> bool:
    """Return whether two runs have the same predictions, maps and measures, value by value."""
    samples = [
        (getattr(one.samples, name), getattr(other.samples, name)) for name in ("sample_id", "predicted", "confidence")
    ]
    maps = list(one.maps) == list(other.maps) and all(
        np.array_equal(each.points, other.maps[layer].points) for layer, each in one.maps.items()
    )
    return maps and all(_equal(*pair) for pair in samples) and _same_table(one.measures.table, other.measures.table)


def last_accuracy(run: ReportInputs) -> float | None:
    """Return the accuracy on test images after the last epoch; None where it is not known."""
    found = run.epochs["test_accuracy"].to_numpy(np.float64) if "test_accuracy" in run.epochs else np.empty(0)
    return float(found[-1]) if len(found) and np.isfinite(found[-1]) else None


def _titles(measure: MeasureEntry, title: str, lines: str) -> dict[str, str]:
    own = title if lines == "controls" else measure.title
    return {"key": measure.key, "title": as_title(own), "meaning": measure.meaning}


def _values(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _distinct(courses: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return the courses that have a value, each once: runs often share the untrained network."""
    found: list[NDArray[np.float64]] = []
    for each in courses:
        if np.isfinite(each).any() and not any(np.array_equal(each, other, equal_nan=True) for other in found):
            found.append(each)
    return found


def _first_like(courses: Sequence[dict[str, NDArray[np.float64]]], place: int) -> int:
    """Return the first of the courses that has all values of one of them: that one's own place, or an earlier one."""
    return next(
        first
        for first in range(place + 1)
        if all(np.array_equal(courses[first][name], courses[place][name], equal_nan=True) for name in courses[place])
    )


def _equal(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    return one is other is None or (one is not None and other is not None and np.array_equal(one, other))


def _same_table(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.reset_index(drop=True).equals(other.reset_index(drop=True))
