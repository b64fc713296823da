"""A clone with `core.autocrlf=true`, as Git for Windows sets it, has the same bytes: no stage is stale."""

from pathlib import Path

import pytest

from tests.environments.small_clone import commit_all, run
from tests.environments.stand_ins import copy_with_stand_ins
from tests.tiny_pipeline import ROOT

BINARY = {".png"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A clone with autocrlf of a repository whose pipeline has run, which shares its cache."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the Git checkout: this is a copy without .git")
    origin = tmp_path_factory.mktemp("origin")
    copy_with_stand_ins(origin)
    run("dvc", "repro", "--quiet", folder=origin)
    commit_all(origin, "a run")
    folder = origin.parent / f"{origin.name} cloned"
    run("git", "clone", "--quiet", "--config", "core.autocrlf=true", str(origin), str(folder), folder=origin)
    run("dvc", "cache", "dir", "--local", str(origin / ".dvc/cache"), folder=folder)
    return folder


def test_nothing_is_stale_and_git_sees_no_change(clone):
    run("dvc", "checkout", "--quiet", folder=clone)
    assert "up to date" in run("dvc", "status", folder=clone)
    assert "Running stage" not in run("dvc", "repro", folder=clone)
    assert run("git", "status", "--porcelain", folder=clone) == ""


def test_text_has_unix_line_ends_and_pictures_are_as_they_were(clone):
    names = run("git", "ls-files", "-z", folder=clone).split("\0")[:-1]
    pictures = [name for name in names if Path(name).suffix in BINARY]
    assert pictures and all((clone / name).read_bytes() == (ROOT / name).read_bytes() for name in pictures)
    assert [name for name in names if name not in pictures and b"\r\n" in (clone / name).read_bytes()] == []


def test_a_file_that_an_editor_saved_with_windows_line_ends_is_committed_without(clone):
    path = clone / "params.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    run("git", "add", "params.yaml", folder=clone)
    assert run("git", "status", "--porcelain", folder=clone) == ""


def test_every_picture_in_git_is_marked_binary():
    names = run("git", "ls-files", folder=ROOT).splitlines()
    pictures = [name for name in names if Path(name).suffix in BINARY]
    marks = run("git", "check-attr", "text", "--", *pictures, "data/model/mnist_cnn.pt", "a.npz", folder=ROOT)
    assert [line.rpartition(": ")[2] for line in marks.splitlines()] == ["unset"] * (len(pictures) + 2)
