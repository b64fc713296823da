"""Experiments of DVC that lack a file, or are killed: what to type is in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from strata.commands import experiments
from strata.commands.killed_experiment import UNDO, killed_experiment
from strata.core.temporary_folder import left_behind
from tests.environments.small_clone import commit_all, environment, run
from tests.tiny_pipeline import ROOT
from tests.waiting import wait_until

MAKES_A_NETWORK = """
from strata.core.stage import run_stage
from strata.network.make import initialized_network
from strata.network.params import NetworkParams

params = NetworkParams(target="nets.mine:Net", arguments={}, outputs="logits")
run_stage(lambda: initialized_network(params, (1, 2, 2), 3, seed=0))
"""
NETWORK = "from torch import nn\n\ndef Net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))\n"
WAITS = "import pathlib, time\npathlib.Path('began').touch()\nwhile pathlib.Path('wait').exists(): time.sleep(0.05)\n"
TRACKED_ONLY = "an experiment in a temporary folder has tracked files only"


@pytest.fixture
def project(tmp_path) -> Path:
    """A committed DVC project whose one stage runs stage.py when `seed` changes."""
    folder = tmp_path / "a project"
    folder.mkdir()
    run("git", "init", "--quiet", folder=folder)
    run("dvc", "init", "--quiet", folder=folder)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    autostage = true\n", encoding="utf-8")
    (folder / ".gitignore").write_text("began\nwait\n", encoding="utf-8")
    (folder / "params.yaml").write_text("seed: 0\n", encoding="utf-8")
    stage = {"cmd": "python stage.py", "params": ["seed"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}), encoding="utf-8")
    return folder


def committed(project: Path, stage: str) -> Path:
    (project / "stage.py").write_text(stage, encoding="utf-8")
    commit_all(project, "as it is")
    return project


def test_an_untracked_network_is_told_to_be_added(project):
    committed(project, MAKES_A_NETWORK)
    (project / "nets").mkdir()
    (project / "nets/mine.py").write_text(NETWORK, encoding="utf-8")
    command = ["dvc", "exp", "run", "--temp", "-S", "seed=1"]
    variables = {**environment(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project, env=variables, text=True, capture_output=True)
    line = f"error: network.target nets.mine:Net: no module 'nets'; {TRACKED_ONLY}: git add nets/mine.py"
    assert done.returncode != 0 and line in done.stderr.splitlines()
    run("git", "add", "nets/mine.py", folder=project)
    subprocess.run(command, cwd=project, env=variables, check=True, capture_output=True)


def test_only_what_the_project_has_and_the_folder_lacks_was_left_behind(tmp_path, monkeypatch):
    inside = tmp_path / ".dvc/tmp/exps/tmpabc"
    inside.mkdir(parents=True)
    for path in (tmp_path / "here.pt", inside / "there.pt"):
        path.touch()
    monkeypatch.chdir(inside)
    assert left_behind(Path("here.pt"), "write its full path") == f"{TRACKED_ONLY}: write its full path"
    assert [left_behind(path) for path in (Path("there.pt"), Path("none.pt"), tmp_path / "here.pt")] == [""] * 3
    monkeypatch.chdir(tmp_path)
    assert left_behind(Path("here.pt")) == ""


def test_a_killed_experiment_says_how_to_undo_its_changes(project, capsys, monkeypatch):
    committed(project, WAITS)
    monkeypatch.chdir(project)
    assert killed_experiment(project) is None
    (project / "wait").touch()
    command = [sys.executable, "-m", "dvc", "exp", "run", "-n", "one", "-S", "seed=1"]
    process = subprocess.Popen(command, cwd=project, env=environment(), stdout=subprocess.DEVNULL)
    wait_until((project / "began").exists)
    assert killed_experiment(project) is None  # it runs
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (project / "wait").unlink()
    (project / "new.txt").touch()
    run("git", "add", "new.txt", folder=project)
    line = f"note: experiment one was killed, and params.yaml keeps its changes; to undo them: {UNDO}"
    assert killed_experiment(project) == line and len(line) <= 200
    experiments.main([])
    assert capsys.readouterr().out.splitlines()[-1] == line
    run("sh", "-c", UNDO, folder=project)
    assert run("git", "status", "--porcelain", folder=project) == "?? new.txt\n"
    assert killed_experiment(project) is None


def test_an_experiment_that_ended_is_not_a_killed_one(project):
    committed(project, WAITS)
    run("dvc", "exp", "run", "-n", "one", "-S", "seed=1", folder=project)
    assert run("git", "status", "--porcelain", "params.yaml", folder=project) != ""
    assert killed_experiment(project) is None
