"""The paths that a stage of dvc.yaml names; an entry may carry options."""

from collections.abc import Iterable, Mapping
from typing import Any


def named_paths(entries: Iterable[Any]) -> list[str]:
    """Return the paths of a list in dvc.yaml."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def outputs(stage: Mapping[str, Any]) -> list[str]:
    """Return the paths of everything that a stage writes."""
    return named_paths([*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])])
