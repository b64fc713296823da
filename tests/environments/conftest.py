"""A pipeline of stand-ins that has run: what the tests of clones and machines start from."""

import shutil
from pathlib import Path

import pytest

from tests.environments.small_clone import commit_all, run, skip_without_git
from tests.environments.stand_ins import copy_with_stand_ins


@pytest.fixture(scope="session")
def origin(tmp_path_factory) -> Path:
    """A Git repository whose pipeline of stand-ins has run, with two commits. Tests leave it so."""
    skip_without_git()
    folder = tmp_path_factory.mktemp("origin")
    copy_with_stand_ins(folder)
    run("dvc", "repro", "--quiet", folder=folder)
    commit_all(folder, "a run")
    return folder


@pytest.fixture
def project(origin, tmp_path) -> Path:
    """A copy of `origin` for one test, with a cache of its own."""
    return Path(shutil.copytree(origin, tmp_path / "project", symlinks=True))
