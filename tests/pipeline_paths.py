"""What dvc.yaml and params.yaml name: the paths of a stage, the schema of a section."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from strata.core.params import Section
from tests.tiny_pipeline import ROOT


def named_paths(entries: Iterable[Any]) -> list[str]:
    """Return the paths of a list in dvc.yaml."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def outputs(stage: Mapping[str, Any]) -> list[str]:
    """Return the paths of everything that a stage writes."""
    return named_paths([*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])])


def schema_of(section: str) -> type[Section]:
    """Return the schema of a section of params.yaml, which lies beside the code that it configures."""
    name = f"{section.title()}Params"
    packages = [path.parent.name for path in (ROOT / "strata").glob("*/params.py")]
    modules = [import_module(f"strata.{package}.params") for package in packages]
    (schema,) = {getattr(module, name) for module in modules if hasattr(module, name)}
    return schema
