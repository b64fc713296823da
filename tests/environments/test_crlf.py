"""A clone with `core.autocrlf=true`, as Git for Windows sets it, has the same bytes: no stage is stale."""

from pathlib import Path

import pytest

from tests.environments.small_clone import run
from tests.environments.stand_ins import clone
from tests.tiny_pipeline import ROOT

BINARY = {".gif", ".png"}


@pytest.fixture(scope="module")
def windows_clone(origin, tmp_path_factory) -> Path:
    return clone(origin, tmp_path_factory.mktemp("crlf") / "clone", "--config", "core.autocrlf=true")


def test_nothing_is_stale_and_git_sees_no_change(windows_clone):
    run("dvc", "checkout", "--quiet", folder=windows_clone)
    assert "Running stage" not in run("dvc", "repro", folder=windows_clone)
    assert run("git", "status", "--porcelain", folder=windows_clone) == ""


def test_text_has_unix_line_ends_and_pictures_are_as_they_were(windows_clone):
    names = run("git", "ls-files", "-z", folder=windows_clone).split("\0")[:-1]
    pictures = [name for name in names if Path(name).suffix in BINARY]
    assert pictures and all((windows_clone / name).read_bytes() == (ROOT / name).read_bytes() for name in pictures)
    assert [name for name in names if name not in pictures and b"\r\n" in (windows_clone / name).read_bytes()] == []


def test_a_file_that_an_editor_saved_with_windows_line_ends_is_committed_without(windows_clone):
    path = windows_clone / "params.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    run("git", "add", "params.yaml", folder=windows_clone)
    assert run("git", "status", "--porcelain", folder=windows_clone) == ""


def test_every_picture_in_git_is_marked_binary():
    names = run("git", "ls-files", folder=ROOT).splitlines()
    pictures = [name for name in names if Path(name).suffix in BINARY]
    marks = run("git", "check-attr", "text", "--", *pictures, "data/model/mnist_cnn.pt", "a.npz", folder=ROOT)
    assert [line.rpartition(": ")[2] for line in marks.splitlines()] == ["unset"] * (len(pictures) + 2)
