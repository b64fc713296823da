"""The coverage study as a page of text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

BAND = (0.92, 0.98)
HEAD = """# Do the 95% intervals hold?

Made by `make coverage`: {repeats} samples of each setting, every measure that has an interval, as the measure stage
makes it (`benchmarks/coverage.py`, `benchmarks/coverage_data.py`). Labels are ten Gaussian classes, in 1,000 dimensions
one cloud of variances 1 / i^0.7 in ten sizes; the next layer is a random ReLU layer with noise, the map two units with
noise.

The truth that an interval is about: for an accuracy, that of the reader as it is fitted, on further images; for
everything else, what the measure is on average over other samples of *as many points*: a dimension, or a share of
neighbours, is a statement about that number of points. The participation ratio does not depend on it: its truth is that
of the law itself. A map is taken as given, a function of the points, and so is a trained network: neither is redone.

A coverage of 95% in {repeats} samples has a standard error of {error:.1%}, in all settings together {row_error:.1%}.
{outside} of the {cells} cells are outside of 92% to 98% (in bold); chance alone would put {expected:.0f} there.

"""
EXCEPTIONS = """
## Outside of 92% to 98%

A width of 0.9 to 1.1 is what it should be: there, chance alone is likely. Elsewhere the reason follows, as far as it is
known.

"""
RIGHT_WIDTH = (0.9, 1.1)
TOO_NARROW = (
    "too narrow where the map has next to nothing of a layer of 1,000 dimensions: there, few points are near to very"
)
TOO_NARROW += " many, and what such a point does to all ranks is not part of its influence (likely, not shown)"
CAUTIOUS = (
    "too wide on purpose: the influence of a point on its followers counts in full; the narrower form fell to 78% in"
)
CAUTIOUS += " 1,000 dimensions"
REASONS = {
    "map_trustworthiness": TOO_NARROW,
    "map_recall": TOO_NARROW,
    "collapse_variability": "too wide where the classes differ in fewer dimensions than they could: the least spread of"
    " the means is noise, and the inverse follows it less than its derivative says",
    "collapse_angles": "too wide where many cosines lie near their target: the absolute deviation has a kink there,"
    " which a derivative does not see",
    "collapse_norms": "too narrow where there are no classes: the means are noise, and so are their norms",
    "imbalance_to_next": CAUTIOUS,
    "imbalance_from_next": CAUTIOUS,
}
LONG = """
## Every figure

*Width* is the intervals' mean width, relative to that of a normal interval by the true standard deviation.

| measure | setting | n | k | truth | mean | coverage, % | width |
|---|---|---:|---:|---:|---:|---:|---:|
"""


def coverage_page(rows: Sequence[dict[str, Any]], repeats: int) -> str:
    """Return the page: coverage of measures by settings, then a row for every measure in every setting."""
    settings = list(dict.fromkeys((row["name"], row["points"], row["k"]) for row in rows))
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    cells = {(row["measure"], (row["name"], row["points"], row["k"])): row for row in rows}
    error = (0.95 * 0.05 / repeats) ** 0.5
    head = HEAD.format(
        repeats=repeats,
        error=error,
        row_error=error / len(settings) ** 0.5,
        outside=sum(not inside(row) for row in rows),
        cells=len(rows),
        expected=len(rows) * chance_outside(repeats),
    )
    titles = [f"{name}, n = {points:,}" + (f", k = {k}" if k != 15 else "") for name, points, k in settings]
    table = [f"| coverage, % | {' | '.join(titles)} | all |", "|---|" + "---:|" * (len(titles) + 1)]
    for measure in measures:
        found = [cells.get((measure, setting)) for setting in settings]
        mean = float(np.mean([row["coverage"] for row in found if row]))
        texts = [percent(row) if row else "–" for row in found]
        table.append(f"| `{measure}` | {' | '.join(texts)} | {mean:.1%} |".replace("%", ""))
    long = [long_row(row) for row in sorted(rows, key=lambda row: measures.index(row["measure"]))]
    outside = [exception(measure, [row for row in rows if row["measure"] == measure]) for measure in measures]
    return head + "\n".join(table) + "\n" + EXCEPTIONS + "".join(filter(None, outside)) + LONG + "\n".join(long) + "\n"


def exception(measure: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return a line about the cells of a measure that are outside of 92% to 98%; empty if there are none."""
    outside = [row for row in rows if not inside(row)]
    if not outside:
        return ""
    cells = [
        f"{row['coverage']:.1%} in {row['name']}, n = {row['points']:,}, k = {row['k']}"
        f" (width {row['width_ratio']:.2f})"
        for row in outside
    ]
    wrong = [row for row in outside if not RIGHT_WIDTH[0] <= row["width_ratio"] <= RIGHT_WIDTH[1]]
    reason = REASONS.get(measure, "the reason is not known") if wrong else "the widths are right"
    return f"- `{measure}`: {'; '.join(cells)}. {reason[0].upper()}{reason[1:]}.\n"


def long_row(row: dict[str, Any]) -> str:
    """Return a line of all figures of a measure in a setting."""
    where = f"`{row['measure']}` | {row['name']} | {row['points']:,} | {row['k']}"
    coverage = f"{row['coverage'] * 100:.1f} ± {row['coverage_error'] * 100:.1f}"
    return f"| {where} | {row['truth']:.4g} | {row['mean']:.4g} | {coverage} | {row['width_ratio']:.2f} |"


def inside(row: dict[str, Any]) -> bool:
    """Return whether a coverage is 92% to 98%."""
    return BAND[0] <= row["coverage"] <= BAND[1]


def percent(row: dict[str, Any]) -> str:
    """Return a coverage in %, in bold where it is outside of 92% to 98%."""
    text = f"{row['coverage'] * 100:.1f}"
    return text if inside(row) else f"**{text}**"


def chance_outside(repeats: int) -> float:
    """Return how often the coverage in so many repeats is outside of 92% to 98%, where it is 95%."""
    hits = np.random.default_rng(0).binomial(repeats, 0.95, 100_000) / repeats
    return float(((hits < BAND[0]) | (hits > BAND[1])).mean())
