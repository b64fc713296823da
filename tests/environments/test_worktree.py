"""A worktree of Git, where .git is a file: the pipeline, experiments and the doctor work as in the first folder."""

from pathlib import Path

import pytest

from tests.environments.small_clone import run
from tests.environments.stand_ins import doctor, share_cache


@pytest.fixture
def worktree(project, tmp_path) -> Path:
    folder = tmp_path / "a worktree"
    run("git", "worktree", "add", "--quiet", "-b", "other", str(folder), folder=project)
    assert (folder / ".git").is_file()
    share_cache(project, folder)
    return folder


def test_nothing_runs_again(worktree):
    assert doctor(worktree).stderr == ""
    assert "Running stage" not in run("dvc", "repro", "train", folder=worktree)
    assert run("git", "status", "--porcelain", folder=worktree) == ""


def test_an_experiment_is_kept_and_the_first_folder_is_as_it_was(worktree, project):
    before = run("git", "status", "--porcelain", "--branch", folder=project)
    run("dvc", "exp", "run", "--quiet", "--temp", "-n", "apart", "-S", "train.epochs=2", "train", folder=worktree)
    for folder in (worktree, project):  # they start from the same commit
        assert run("dvc", "exp", "list", "--name-only", folder=folder) == "apart\n"
    assert run("git", "status", "--porcelain", "--branch", folder=project) == before
