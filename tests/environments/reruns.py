"""Which stages a change of a parameter or a file touches: by `dvc status`, and by what follows in the graph."""

from typing import Any

from tests.pipeline_paths import named_paths, outputs

RUNS, FOLLOWS = "●", "○"


def touched(status: dict[str, list[Any]], item: str) -> set[str]:
    """Return the stages that `dvc status --json` names for an item: a section of params.yaml, or a path."""
    found = set()
    for stage, changes in status.items():
        for change in changes:
            dependencies = change.get("changed deps", {}) if isinstance(change, dict) else {}
            if item in {*dependencies, *dependencies.get("params.yaml", {})}:
                found.add(stage)
    return found


def followers(stages: dict[str, Any], first: set[str]) -> set[str]:
    """Return the stages that read, directly or not, what the first write, without these."""
    reached = set(first)
    for name, stage in stages.items():  # the order of dvc.yaml: data flows one way
        for earlier in list(reached):
            if set(outputs(stages[earlier])) & set(named_paths(stage["deps"])):
                reached.add(name)
    return reached - first


def row(stages: dict[str, Any], item: str, runs: set[str]) -> str:
    """Return the line of the documents' table for an item."""
    follows = followers(stages, runs)
    cells = [RUNS if name in runs else FOLLOWS if name in follows else " " for name in stages]
    return f"| `{item}` | {' | '.join(cells)} |"
