"""An experiment in the workspace that was killed: DVC leaves its parameters in params.yaml, and does not say so."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from strata.commands.place import holder_of

RUNNING = 3  # DVC numbers the states before success 0, 1 and 2
UNDO = "git restore --staged . && git restore params.yaml"


def killed_experiment(project: Path) -> str | None:
    """Return one line on an experiment that was killed and left its changes in params.yaml, with how to undo them.

    None if there is no such experiment, it still runs, or params.yaml is as committed.
    """
    top = holder_of(".dvc", project)
    if top is None:
        return None
    folder = top / ".dvc/tmp/exps/run/workspace"
    state, process = _content(folder / "workspace.run"), _content(folder / "workspace.json")
    if state.get("status", RUNNING) >= RUNNING or psutil.pid_exists(process.get("pid", -1)):
        return None
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "params.yaml"], cwd=project)
    if changed.returncode != 1:
        return None
    name = " ".join(str(state.get("name")).split())[:40]
    return f"note: experiment {name} was killed, and params.yaml keeps its changes; to undo them: {UNDO}"


def _content(path: Path) -> dict[str, Any]:
    """Return a JSON file's content; empty if it is missing or was cut short."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
