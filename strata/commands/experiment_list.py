"""The experiments that DVC lists: each commit's runs, with parameters, metrics, code and state."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strata.core.errors import StrataError, in_short

WORKSPACE = "workspace"
CODE = ("stages/", "strata/", "networks")
SUCCESS = "success"


@dataclass(frozen=True)
class Run:
    """One run: its name, its state if it is not done, parameters, metrics by file name, hashes of its code."""

    name: str
    state: str = ""
    created: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """The workspace or a commit, and the experiments that started from it: finished ones by age, then the rest."""

    run: Run
    experiments: list[Run]


def read_experiments(repository: Path, all_commits: bool = False) -> list[Baseline]:
    """Return the workspace, the last commit and its experiments, or those of all commits.

    Raises StrataError if DVC cannot list them.
    """
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json", *(["--all-commits"] if all_commits else [])]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    if done.returncode:
        raise StrataError(f"dvc exp show: {in_short(done.stderr)}")
    return [_baseline(state) for state in json.loads(done.stdout)]


def _baseline(state: Mapping[str, Any]) -> Baseline:
    runs: dict[str, Run] = {}
    for experiment in state.get("experiments") or []:
        run = _run(experiment["revs"][0], experiment.get("executor") or {})
        runs.setdefault(run.name, run)  # one that has just started may also be listed as queued
    return Baseline(_run(state, {}), sorted(runs.values(), key=lambda run: (bool(run.state), run.created, run.name)))


def _run(state: Mapping[str, Any], executor: Mapping[str, Any]) -> Run:
    """Return a run. One that is not done gets no metrics, although DVC shows those of the commit before it."""
    data = state.get("data") or {}
    name = state.get("name") or state["rev"]
    progress = executor.get("state") or ""
    unfinished = progress if progress != SUCCESS else ""
    files = {Path(path).name: content.get("data") or {} for path, content in (data.get("metrics") or {}).items()}
    return Run(
        name=name if name != state["rev"] or name == WORKSPACE else name[:7],
        state=unfinished or ("failed" if state.get("error") else ""),
        created=data.get("timestamp") or "",
        params=((data.get("params") or {}).get("params.yaml") or {}).get("data") or {},
        metrics={} if unfinished else files,
        code={path: dep["hash"] for path, dep in (data.get("deps") or {}).items() if path.startswith(CODE)},
    )
