"""A downloaded ZIP, unpacked: no Git repository. Said before the set-up of minutes, with what to type, which works."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from strata.commands import compare, experiments, verify
from strata.commands.place import TYPE_NO_GIT, is_without_git
from strata.core.errors import StrataError
from tests.environments.small_clone import run
from tests.environments.stand_ins import attempt, doctor

LINE = (
    "error: this folder is in no Git repository: type `git init && git add . && git commit -m start`; or, without"
    r" experiments, `printf '[core]\nno_scm = true\n' >> .dvc/config.local`"
)
IDENTITY = {f"GIT_{who}_{key}": "me@example.org" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


@pytest.fixture
def unpacked(origin, tmp_path) -> Path:
    """The project as a ZIP has it: without .git, and without what DVC keeps."""
    ignored = shutil.ignore_patterns(".git", "cache", "tmp", "data", "figures")
    return Path(shutil.copytree(origin, tmp_path / "strata-main", ignore=ignored))


def typed(text: str) -> list[str]:
    return re.findall("`(.*?)`", text)


@pytest.mark.parametrize("target", ["repro", "plan", "doctor", "experiments", "verify"])
def test_make_says_so_before_the_set_up(unpacked, target):
    variables = dict.fromkeys(("MAKEFLAGS", "MAKELEVEL"))
    done = attempt("make", target, f"PYTHON={sys.executable}", folder=unpacked, **variables)
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.splitlines()[0] == LINE and len(LINE) <= 200
    assert not (unpacked / ".venv").exists()


def test_the_first_remedy_works(unpacked):
    assert doctor(unpacked).stderr == f"{LINE}\n"
    done = attempt("sh", "-c", typed(LINE)[0], folder=unpacked, **IDENTITY)
    assert done.returncode == 0, done.stderr
    done = attempt("dvc", "exp", "run", "download", folder=unpacked, **IDENTITY)
    assert "Ran experiment(s)" in done.stdout and (unpacked / "data/raw/file").read_text() == "download\n"


def test_the_second_remedy_runs_without_git_and_experiments_are_refused(unpacked, monkeypatch):
    run("sh", "-c", typed(LINE)[1], folder=unpacked)
    assert is_without_git(unpacked)
    assert doctor(unpacked, "--repro").stderr == ""
    run("dvc", "repro", "--quiet", "download", folder=unpacked)
    assert (unpacked / "data/raw/file").read_text() == "download\n"
    monkeypatch.chdir(unpacked)
    for what, command, words in (
        ("experiments", experiments, []),
        ("revisions", verify, []),
        ("experiments and revisions", compare, ["HEAD", "workspace"]),
    ):
        with pytest.raises(StrataError) as caught:
            command.main(words)
        assert str(caught.value) == (
            f"{what} need Git, and this project is without (core.no_scm): `git init && git add . && git commit -m"
            " start`, then `dvc config --local --unset core.no_scm`"
        )
        assert len(f"error: {caught.value}") <= 200
    shutil.rmtree(unpacked / "reports")
    with pytest.raises(StrataError, match="of 'workspace' is neither in Git nor in DVC's cache"):
        compare.main(["workspace", "workspace"])  # two states of one folder need no Git


def test_the_last_of_the_two_settings_counts(tmp_path):
    (tmp_path / ".dvc").mkdir()
    assert not is_without_git(tmp_path)
    for content, value in (("[core]\n    no_scm = true\n", True), ("[core]\nno_scm = false\n", False)):
        (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n", encoding="utf-8")
        (tmp_path / ".dvc/config.local").write_text(content, encoding="utf-8")
        assert is_without_git(tmp_path) is value
    assert TYPE_NO_GIT in LINE
