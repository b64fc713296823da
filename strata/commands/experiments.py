"""Experiments: a table of what each experiment changed, and its main metrics, next to the commit it started from.

python -m strata.commands.experiments [--all-commits]
"""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from strata.commands.experiment_list import WORKSPACE, Baseline, Run, read_experiments
from strata.commands.killed_experiment import killed_experiment
from strata.commands.place import check_git
from strata.core.stage import run_stage, stage_parser

WIDTH = 100
NAME_WIDTH = 24
TITLES = ("test", "train", "hit", "worst map", "late")
LEGEND = (
    "test, train: accuracy   hit: neighbourhood hit of the first and the last layer",
    "worst map: the lowest trustworthiness of a map   late: share decided in the last layers",
)
NONE = (
    "this commit has no experiments: `dvc exp run --temp -S train.epochs=1` makes one;"
    " `make experiments ALL=1` shows those of other commits"
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--all-commits", action="store_true", help="also experiments that started from other commits")
    options = parser.parse_args(arguments)
    check_git(Path.cwd(), "experiments")
    baselines = read_experiments(Path.cwd(), options.all_commits)
    print(printable("\n".join(table(baselines))))
    if not any(baseline.experiments for baseline in baselines):
        print(NONE)
    if line := killed_experiment(Path.cwd()):
        print(line)


def printable(text: str) -> str:
    """Return a text with ? for the characters, such as arrows, that the terminal's encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def table(baselines: Sequence[Baseline]) -> list[str]:
    """Return the lines of the table, none wider than WIDTH.

    The last commit is always shown, other commits only if experiments started from them, and the workspace only if it
    differs from the last commit.
    """
    rows: list[tuple[str, tuple[str, ...], str]] = []
    commits = [baseline for baseline in baselines if baseline.run.name != WORKSPACE]
    for workspace in (baseline.run for baseline in baselines if baseline.run.name == WORKSPACE):
        last = commits[0].run if commits else workspace
        if changed(workspace, last) or workspace.metrics != last.metrics:
            rows.append((WORKSPACE, figures(workspace), changed(workspace, last)))
    for index, commit in enumerate(commits):
        if commit.experiments or index == 0:
            rows.append((commit.run.name, figures(commit.run), ""))
            rows += [(f"  {run.name}", figures(run), changed(run, commit.run)) for run in commit.experiments]
    return [*_lines([("experiment", TITLES, "changed"), *rows]), "", *LEGEND]


def figures(run: Run) -> tuple[str, ...]:
    """Return a run's cells under TITLES; what was not measured is empty, and a state takes the first cell."""
    training, measures = (run.metrics.get(name, {}) for name in ("training.json", "measures.json"))
    hit = list(measures.get("neighbourhood_hit", {}).values())
    maps = measures.get("map_trustworthiness", {})
    worst = min(maps, key=lambda layer: maps[layer], default=None)
    accuracies = [f"{training[key]:.3f}" if key in training else "" for key in ("test_accuracy", "train_accuracy")]
    return (
        run.state or accuracies[0],
        accuracies[1],
        f"{hit[0]:.3f}→{hit[-1]:.3f}" if hit else "",
        f"{maps[worst]:.3f} {worst}" if worst else "",
        f"{measures['late'] / measures['points']:.0%}" if measures.get("points") else "",
    )


def changed(run: Run, before: Run) -> str:
    """Return what differs from another run, such as `train.momentum=0`, and the code files that differ."""
    texts = [f"{key}={_flow(value)}" for key, value in _changed_params(run.params, before.params, "")]
    if run.code and before.code:
        names = {*run.code, *before.code}
        texts += sorted(name for name in names if run.code.get(name) != before.code.get(name))
    return ", ".join(texts)


def _changed_params(now: Mapping[str, Any], before: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of what differs; a mapping with other keys, such as another network's, is one value."""
    for key, value in now.items():
        earlier = before.get(key)
        if isinstance(value, dict) and isinstance(earlier, dict) and set(value) == set(earlier):
            yield from _changed_params(value, earlier, f"{path}{key}.")
        elif value != earlier or key not in before:
            yield f"{path}{key}", value


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return value
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**6).strip()[1:-1]


def _lines(rows: Sequence[tuple[str, tuple[str, ...], str]]) -> list[str]:
    """Return the rows as lines, in columns as wide as needed, with the last column wrapped."""
    names = [name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…" for name, _, _ in rows]
    columns = [names, *([cells[index] for _, cells, _ in rows] for index in range(len(TITLES)))]
    widths = [max(map(len, column)) for column in columns]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for index, (_, _, last) in enumerate(rows):
        start = "".join(column[index].ljust(width + 2) for column, width in zip(columns, widths, strict=True))
        wrapped = textwrap.wrap(last, max(WIDTH - indent, 20), break_on_hyphens=False) or [""]
        lines.append((start + wrapped[0]).rstrip())
        lines += [" " * indent + line for line in wrapped[1:]]
    return lines


if __name__ == "__main__":
    run_stage(main)
