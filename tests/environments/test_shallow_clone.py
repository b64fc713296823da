"""A shallow clone, as CI makes it: the pipeline works, and the doctor says what DVC would lose there."""

from pathlib import Path

import pytest

from tests.environments.small_clone import run
from tests.environments.stand_ins import clone, doctor

TEMPORARY = ("dvc", "exp", "run", "--temp", "-S", "train.epochs=2", "-n")
NOTE = "note: in a shallow clone, `dvc exp run --temp` and the queue lose their results: git fetch --unshallow\n"


@pytest.fixture
def shallow(origin, tmp_path) -> Path:
    folder = clone(origin, tmp_path / "shallow", "--depth", "1")
    assert run("git", "rev-list", "--count", "HEAD", folder=folder) == "1\n"
    return folder


def experiments(folder: Path) -> list[str]:
    return run("dvc", "exp", "list", "--name-only", folder=folder).split()


def test_nothing_runs_again(shallow):
    assert "Running stage" not in run("dvc", "repro", "train", folder=shallow)
    assert run("git", "status", "--porcelain", folder=shallow) == ""


def test_the_doctor_says_what_dvc_loses_and_the_remedy_helps(shallow):
    run(*TEMPORARY, "lost", "download", folder=shallow)  # DVC itself says nothing of it
    assert experiments(shallow) == []
    done = doctor(shallow)
    assert (done.returncode, done.stderr) == (0, NOTE)
    run("git", "fetch", "--quiet", "--unshallow", folder=shallow)
    assert doctor(shallow).stderr == ""
    run(*TEMPORARY, "kept", "download", folder=shallow)
    assert experiments(shallow) == ["kept"]


def test_make_repro_says_nothing_of_experiments(shallow):
    done = doctor(shallow, "--repro")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
