"""The plan before a run: where settings or data are new, what cannot fit or has too few points fails before it trains.

Stages train and extract begin with it, in a process of its own: it decides only whether they go on, not what they
write, so neither its code nor the settings that it reads are their dependencies.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strata.core.files import md5_of
from strata.core.params import STAGES, read_params
from strata.core.paths import Paths

COMMAND = "strata.commands.plan.main"
OFF = "STRATA_PLAN"  # off: no plan before a run
SCHEDULER = "STRATA_SCHEDULER"  # jobs run on other machines, which the plan does not know
# What no stage fails for late: settings that take no memory and need no points.
NO_MATTER = ("seed", "reproducible", "download")
OF_TRAINING = ("epochs", "lr", "momentum", "log_interval", "precision", "threads", "freeze")
DATA, NETWORKS = "data/raw", "networks"


def plan_first(params_path: Path, paths: Paths) -> None:
    """Make the plan, if this is a DVC project whose settings, data or networks are not those of the last whole run.

    Ends the process with the plan's status, after its one line, if the plan refuses them.
    """
    project = params_path.parent
    if not (project / "dvc.yaml").is_file() or os.environ.get(OFF) == "off" or os.environ.get(SCHEDULER):
        return
    params, networks, lock = read_params(params_path), networks_hash(project), _locked(project / "dvc.lock")
    mark = project / ".dvc/tmp/planned"  # what passed already: extract need not plan again after train
    data = md5_of(paths.raw / "dataset.json") if (paths.raw / "dataset.json").is_file() else ""
    digest = hashlib.sha256(json.dumps([_that_matter(params), networks, data], sort_keys=True).encode()).hexdigest()
    if not _is_new(params, networks, lock) or (mark.is_file() and mark.read_text(encoding="utf-8") == digest):
        return
    command = [sys.executable, "-m", COMMAND, "--brief", "--params", str(params_path), "--data", str(paths.raw.parent)]
    if status := status_of(command):
        sys.exit(status)
    if mark.parent.is_dir():
        mark.write_text(digest, encoding="utf-8")


def status_of(command: Sequence[str]) -> int:
    """Return the exit status of a command, which prints what it has to say."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own command


def _is_new(params: Mapping[str, Any], networks: str, lock: Mapping[str, Any]) -> bool:
    """Return whether a stage is to run with other settings, data or networks than those in dvc.lock."""
    data = _hashes(lock.get("download", {}), "outs").get(DATA)
    for name in STAGES[1:]:
        stage = lock.get(name, {})
        recorded = stage.get("params", {}).get("params.yaml")
        if recorded is None:
            return True
        known = {section: params.get(section) for section in recorded}
        deps = _hashes(stage, "deps")
        if _that_matter(known) != _that_matter(recorded) or deps.get(DATA, data) != data:
            return True
        if deps.get(NETWORKS, networks) != networks:
            return True
    return False


def _that_matter(params: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: section for name, section in params.items() if name not in NO_MATTER}
    if isinstance(kept.get("train"), dict):
        kept["train"] = {key: value for key, value in kept["train"].items() if key not in OF_TRAINING}
    return kept


def _locked(path: Path) -> Mapping[str, Any]:
    """Return the stages of dvc.lock; none where it cannot be read, which is for DVC to say."""
    import yaml  # a dependency of DVC, without which there is no dvc.lock

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first takes a tenth of the time
        stages = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe
        return {name: dict(stage) for name, stage in stages["stages"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return {}


def _hashes(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in stage.get(kind, [])}


def networks_hash(project: Path) -> str:
    """Return the hash of the project's networks, as DVC makes it of a folder's files and their names."""
    folder = project / NETWORKS
    files = sorted(folder.rglob("*.py"))
    listing = [{"md5": md5_of(file), "relpath": file.relative_to(folder).as_posix()} for file in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
