"""`dvc exp run` of single stages in a clone without cache: DVC does not look for what was never made there."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.environments.small_clone import run, skip_without_git
from tests.environments.stand_ins import copy_with_stand_ins
from tests.tiny_pipeline import ROOT

ONE_EPOCH = ("-S", "train.epochs=1")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A clone as it comes from Git, with a dvc.lock of another machine's run and no cache; the stages are stand-ins."""
    skip_without_git()
    folder = tmp_path_factory.mktemp("clone")
    copy_with_stand_ins(folder)
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    assert "reports/figures" in [out["path"] for out in lock["report"]["outs"]]
    assert not (folder / ".dvc/cache").exists() and not (folder / "reports/figures").exists()
    return folder


@pytest.fixture
def clone(project, tmp_path) -> Path:
    folder = tmp_path / "clone"
    shutil.copytree(project, folder, symlinks=True)
    return folder


def experiments(folder: Path) -> list[str]:
    """Return the names of the experiments of this commit."""
    return run("dvc", "exp", "list", "--name-only", folder=folder).split()


def recorded(folder: Path, name: str) -> int:
    """Return the epochs of training in an experiment's dvc.lock."""
    (reference,) = [line for line in run("git", "show-ref", folder=folder).split() if line.endswith(f"/{name}")]
    lock = yaml.safe_load(run("git", "show", f"{reference}:dvc.lock", folder=folder))
    return lock["stages"]["train"]["params"]["params.yaml"]["train"]["epochs"]


def test_in_the_workspace(clone):
    printed = run("dvc", "exp", "run", "-n", "one", *ONE_EPOCH, "extract", folder=clone)
    assert [f"Running stage '{name}'" in printed for name in ("download", "train", "extract")] == [True] * 3
    assert "Running stage 'report'" not in printed
    assert experiments(clone) == ["one"] and recorded(clone, "one") == 1
    assert (clone / "data/activations/file").read_text() == "extract\n"


def test_in_a_folder_of_its_own(clone):
    printed = run("dvc", "exp", "run", "--temp", "-n", "two", *ONE_EPOCH, "train", "replicate", folder=clone)
    assert "Running stage 'replicate'" in printed
    assert experiments(clone) == ["two"] and recorded(clone, "two") == 1
    assert not (clone / "data").exists()


def test_from_the_queue(clone):
    run("dvc", "exp", "run", "--queue", "-n", "three", *ONE_EPOCH, "train", folder=clone)
    run("dvc", "exp", "run", "--run-all", folder=clone)
    assert experiments(clone) == ["three"] and recorded(clone, "three") == 1


def test_no_plot_is_a_path_that_dvc_would_look_for():
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    for plot in plots:
        ((name, content),) = plot.items()
        assert isinstance(content["y"], dict) and os.sep not in name, name


def test_the_pictures_are_shown_as_pictures(clone):
    for name in ("measures", "maps"):
        path = clone / "reports/figures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\x89PNG " + name.encode())
    run("dvc", "plots", "show", "--out", "shown", "measures.png", "maps.png", folder=clone)
    shown = {path.name: path.read_bytes() for path in (clone / "shown/static").iterdir()}
    assert shown == {
        "workspace_reports_figures_measures.png": b"\x89PNG measures",
        "workspace_reports_figures_maps.png": b"\x89PNG maps",
    }
