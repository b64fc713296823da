"""What DVC recorded: dvc.lock, and whether the objects in the cache match their hashes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import SCMError

from strata.core.errors import StrataError, in_short
from strata.core.files import md5_of


@dataclass(frozen=True)
class LockedStage:
    """A stage's command, its dependencies' and artifacts' hashes by path, and its parameters."""

    command: str
    deps: Mapping[str, str]
    params: Mapping[str, Any]
    outs: Mapping[str, str]


def read_lock(path: Path) -> dict[str, LockedStage]:
    """Return every stage of a dvc.lock, by name. Raises StrataError if it is missing or another kind of file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {name: _stage(stage) for name, stage in content["stages"].items()}
    except FileNotFoundError:
        raise StrataError(f"{path} is missing: nothing was recorded; run `dvc repro` and commit it") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise StrataError(f"{path} is not a DVC lock file: {in_short(error)}") from None


def _stage(content: Mapping[str, Any]) -> LockedStage:
    return LockedStage(
        content["cmd"],
        {entry["path"]: entry["md5"] for entry in content.get("deps", [])},
        content.get("params", {}),
        {entry["path"]: entry["md5"] for entry in content.get("outs", [])},
    )


def objects_folder(project: Path) -> Path:
    """Return the folder of the objects in the cache of a project, wherever it is.

    Raises StrataError if the folder is not one of a DVC project.
    """
    try:
        with Repo(str(project)) as repo:
            return Path(repo.cache.local.path)
    except (DvcException, SCMError) as error:
        raise StrataError(f"{project}: DVC does not open this folder: {in_short(error)}") from None


def cached(objects: Path, md5: str) -> Path:
    """Return the path of a hash's object, in the folder of all objects."""
    return objects / md5[:2] / md5[2:]


def damaged_objects(objects: Path, stages: Mapping[str, LockedStage]) -> list[str]:
    """Return a line for every artifact of dvc.lock whose bytes in the cache do not match its hash.

    Artifacts that are not in the cache do not count: they are in Git, or elsewhere.
    """
    lines = []
    for name, stage in stages.items():
        for path, md5 in files_of(objects, stage.outs).items():
            cache_file = cached(objects, md5)
            if cache_file.is_file() and md5_of(cache_file) != md5.removesuffix(".dir"):
                where = _shown(cache_file)
                lines.append(
                    f"{name}: {path} is damaged in DVC's cache; delete {where}, then run `dvc repro -f {name}`"
                )
    return lines


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def files_of(objects: Path, outs: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of artifacts, and of the files in each folder whose listing is in the cache."""
    files = dict(outs)
    for path, md5 in outs.items():
        listing = cached(objects, md5)
        if md5.endswith(".dir") and listing.is_file() and md5_of(listing) == md5.removesuffix(".dir"):
            entries = json.loads(listing.read_text(encoding="utf-8"))
            files |= {f"{path}/{entry['relpath']}": entry["md5"] for entry in entries}
    return files
