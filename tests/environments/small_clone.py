"""A clone of the working tree with little work: the whole pipeline under DVC in half a minute."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.tiny_pipeline import ROOT

# The default data set with a narrow network, one epoch of it, three layers, short t-SNE.
SMALL = {
    "network": {"arguments": {"conv1_channels": 5, "conv2_channels": 10, "kernel_size": 5, "fc1_units": 60}},
    "layers": ["input", "h5", "h6"],
    "train": {"epochs": 1, "batch_size": 32, "threads": 1},
    "replicate": {"networks": 2},
    "extract": {"threads": 1},
    "embed": {"early_exaggeration_iterations": 150, "iterations": 100},
    "measure": {
        "samples": 200,
        "half_samples": 4,
        "stability_samples": 40,
        "stability_perplexities": [10],
        "threads": 1,
    },
    "report": {"misclassified": 6, "late_deciders": 6, "page_samples": 300, "dpi": 50},
}


def skip_without_git() -> None:
    """Skip a test that copies the Git checkout, if this is a copy without .git."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the Git checkout: this is a copy without .git")


def environment() -> dict[str, str]:
    """Return the environment with this Python first on the path, as DVC's commands need it."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(*command: str, folder: Path) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(command, cwd=folder, env=environment(), text=True, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def copy_working_tree(folder: Path) -> None:
    """Copy what Git tracks, or would, into `folder`, with small parameters, as a Git repository without commits."""
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    for section, changes in SMALL.items():
        params[section] = {**params[section], **changes} if isinstance(changes, dict) else changes
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    run("git", "init", "--quiet", folder=folder)


def commit_all(folder: Path, message: str) -> None:
    """Commit everything that Git does not ignore."""
    run("git", "add", "--all", folder=folder)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *identity, "commit", "--quiet", "--message", message, folder=folder)
