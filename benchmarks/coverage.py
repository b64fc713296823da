"""Do 95% intervals hold the truth 95% of the time? Every measure of the registry, and CKA, on synthetic data.

python -m benchmarks.coverage --out docs    # make coverage

Each repeat draws a sample, and makes the intervals as the measure stage does. The truth is what the measure is on
average over as many other samples of as many points; of accuracies, what the readers as they are fitted reach on 50,000
further points; of the participation ratio, that of the law that the samples are drawn from.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.coverage_data import SETTINGS, Setting, participation_ratio
from benchmarks.coverage_samples import ACCURACIES, Repeats, repeated, true_accuracies
from benchmarks.coverage_tables import coverage_page
from strata.core.files import write_json, write_text
from strata.jobs.pool import run_jobs
from strata.measures.intervals import Estimate

BATCH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    jobs = [
        Repeats(setting, first, min(BATCH, options.repeats - first), intervals)
        for setting in sorted(SETTINGS, key=lambda setting: -setting.points * setting.units)
        for intervals in (True, False)
        for first in range(0, options.repeats, BATCH)
    ]
    done = dict(zip(jobs, run_jobs(repeated, jobs, "coverage"), strict=True))
    accuracies = dict(zip(SETTINGS, run_jobs(true_accuracies, SETTINGS, "accuracies"), strict=True))
    rows = [row for setting in SETTINGS for row in rows_of(setting, accuracies[setting], done)]
    write_json(options.out / "coverage.json", rows)
    write_text(options.out / "coverage.md", coverage_page(rows, options.repeats))


def rows_of(
    setting: Setting, accuracies: Mapping[str, float], done: Mapping[Repeats, list[dict[str, Estimate]]]
) -> list[dict[str, object]]:
    """Return a row of figures for each measure in a setting."""
    found, other = (
        [one for job, ones in done.items() if job.setting == setting and job.intervals == intervals for one in ones]
        for intervals in (True, False)
    )
    keys = [key for key in found[0] if all(key in one for one in found + other)]  # without what hardly exists
    truths = {key: float(np.mean([one[key].value for one in other])) for key in keys}
    truths |= {"participation_ratio": participation_ratio(setting), **accuracies}
    return [row_of(setting, key, truths[key], [one[key] for one in found], [one[key] for one in other]) for key in keys]


def row_of(setting: Setting, key: str, truth: float, found: list[Estimate], other: list[Estimate]) -> dict[str, object]:
    """Return how often the intervals of a measure hold the truth, and how wide they are against its true spread."""
    values = np.array([one.value for one in found + (other if key not in ACCURACIES else [])])
    low, high = (np.array([getattr(one, bound) for one in found]) for bound in ("low", "high"))
    coverage = float(((low <= truth) & (truth <= high)).mean())
    return {
        **{name: value for name, value in asdict(setting).items() if name in ("name", "points", "k")},
        "measure": key,
        "truth": truth,
        "mean": float(np.mean([one.value for one in found])),
        "coverage": coverage,
        "coverage_error": (coverage * (1 - coverage) / len(found)) ** 0.5,
        "width_ratio": float((high - low).mean() / (2 * 1.959964 * values.std(ddof=1))),
    }


if __name__ == "__main__":
    main()
