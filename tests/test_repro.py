"""The whole pipeline under DVC, in a temporary clone of the working tree: it runs, caches, and repeats itself."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.tiny_pipeline import ROOT

# The default data set with little work: one epoch, three layers, short t-SNE.
SMALL = {
    "layers": ["input", "h5", "h6"],
    "train": {"epochs": 1},
    "embed": {"early_exaggeration_iterations": 150, "iterations": 100},
    "measure": {"samples": 200, "half_samples": 3, "stability_samples": 40, "stability_perplexities": [10]},
    "report": {"dpi": 50},
}


def run(*command: str, folder: Path) -> str:
    """Run a command with this environment's Python first on the path; return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, text=True, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A Git repository in a folder with a space and an accent, holding the working tree and small parameters."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the Git checkout: this is a copy without .git")
    folder = tmp_path_factory.mktemp("a clöne")
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
    run("dvc", "repro", "--quiet", folder=folder)
    commit_all(folder, "small run")
    return folder


def commit_all(folder: Path, message: str) -> None:
    run("git", "add", "--all", folder=folder)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *identity, "commit", "--quiet", "--message", message, folder=folder)


def test_every_path_of_the_contract_exists(clone):
    files = {
        path.relative_to(clone).as_posix() for folder in ("data", "reports") for path in (clone / folder).rglob("*")
    }
    expected = {
        *(f"data/raw/{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
        "data/raw/dataset.json",
        "data/model/mnist_cnn.pt",
        *(f"data/activations/{name}.parquet" for name in ("input", "h5", "h6", "samples")),
        *(f"data/embeddings/{name}.parquet" for name in ("input", "h5", "h6")),
        *(f"data/measures/points/{name}.parquet" for name in ("input", "h5", "h6")),
        *(f"data/measures/{name}.parquet" for name in ("samples", "stability_maps")),
        *(f"reports/{name}.json" for name in ("training", "embedding", "measures")),
        *(f"reports/{name}.csv" for name in ("learning_curve", "epochs", "predictions", "measures", "cka")),
        *(f"reports/{name}.csv" for name in ("measures_by_layer", "intrinsic_dimension", "stability", "class_pairs")),
        *(f"reports/figures/maps.{suffix}" for suffix in ("png", "svg")),
        *("reports/network.txt", "reports/index.html"),
    }
    assert expected <= files
    assert json.loads((clone / "reports/training.json").read_text())["test_accuracy"] > 0.85


def test_outputs_are_ignored_by_git_and_nothing_is_left_to_do(clone):
    assert run("git", "status", "--porcelain", folder=clone) == ""
    assert "up to date" in run("dvc", "status", folder=clone)
    again = run("dvc", "repro", folder=clone)
    assert "Running stage" not in again
    assert again.count("didn't change, skipping") == 6


def test_a_change_of_one_section_runs_its_stage_and_what_follows(clone):
    params = clone / "params.yaml"
    before = params.read_text(encoding="utf-8")
    try:
        params.write_text(before.replace("perplexity: 30", "perplexity: 20"), encoding="utf-8")
        changed = set(json.loads(run("dvc", "status", "--json", folder=clone)))
    finally:
        params.write_text(before, encoding="utf-8")
    assert changed == {"embed", "measure", "report"}


def test_recomputing_everything_gives_the_same_lock_to_the_byte(clone):
    lock = clone / "dvc.lock"
    before = lock.read_bytes()
    run("dvc", "repro", "--force", "--quiet", folder=clone)
    assert lock.read_bytes() == before
    assert run("git", "status", "--porcelain", folder=clone) == ""
