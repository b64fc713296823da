"""dvc.lock: what each stage was made from and what it made, by hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from strata.errors import StrataError


@dataclass(frozen=True)
class LockedStage:
    """A stage's command, its dependencies' and artifacts' hashes by path, and its parameters."""

    command: str
    deps: Mapping[str, str]
    params: Mapping[str, Any]
    outs: Mapping[str, str]


def read_lock(path: Path) -> dict[str, LockedStage]:
    """Return every stage of a dvc.lock, by name. Raises StrataError where it is missing or no such file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {name: _stage(stage) for name, stage in content["stages"].items()}
    except FileNotFoundError:
        raise StrataError(f"{path} is missing: nothing was recorded; run `dvc repro` and commit it") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise StrataError(f"{path} is not a lock file of DVC: {' '.join(str(error).split())[:100]}") from None


def _stage(content: Mapping[str, Any]) -> LockedStage:
    return LockedStage(
        content["cmd"],
        {entry["path"]: entry["md5"] for entry in content.get("deps", [])},
        content.get("params", {}),
        {entry["path"]: entry["md5"] for entry in content.get("outs", [])},
    )
