"""The set-up by make: done once, and again if .venv is stale. With stubs: nothing is installed."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny_pipeline import ROOT

SETTING_UP = "Setting up .venv"
WORKING, BROKEN = "#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 1\n"


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with the Makefile and a .venv that looks set up, with a Python that does nothing."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    folder = tmp_path / "a prôject"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    write_python(folder, WORKING)
    (folder / ".venv/set-up-done").write_text(f"{folder}\n", encoding="utf-8")
    return folder


def write_python(folder: Path, script: str) -> None:
    path = folder / ".venv/bin/python"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


def planned(folder: Path, target: str = "repro") -> subprocess.CompletedProcess[str]:
    """Return what make would do."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=folder, env=plain, text=True, capture_output=True, check=True
    )
    assert "Traceback" not in done.stderr
    return done


def test_a_venv_that_works_is_used_as_it_is(project):
    done = planned(project)
    assert SETTING_UP not in done.stdout and "--then-repro" in done.stdout
    assert done.stderr == ""


def test_the_plan_needs_the_data_only(project):
    recipe = planned(project, "plan").stdout
    assert recipe.index("-m dvc repro -q download") < recipe.index("-m strata.commands.plan.main")


def test_a_venv_whose_python_is_gone_is_set_up_again(project):
    python = project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/no/such/python3.11")
    done = planned(project)
    assert (
        done.stdout.index(SETTING_UP) < done.stdout.index("-m venv --clear .venv") < done.stdout.index("--then-repro")
    )
    assert done.stderr == ""


def test_a_venv_whose_packages_are_gone_is_set_up_again(project):
    write_python(project, BROKEN)
    assert SETTING_UP in planned(project).stdout


def test_a_set_up_that_was_interrupted_is_done_again(project):
    (project / ".venv/set-up-done").unlink()
    assert SETTING_UP in planned(project).stdout


def test_newer_requirements_are_installed(project):
    mark = project / ".venv/set-up-done"
    os.utime(project / "requirements.txt", ns=(mark.stat().st_mtime_ns + 10**9,) * 2)
    assert SETTING_UP in planned(project).stdout


def test_a_moved_folder_works_by_make_and_says_what_does_not(project):
    moved = project.with_name("moved")
    project.rename(moved)
    done = planned(moved)
    assert SETTING_UP not in done.stdout and "--then-repro" in done.stdout
    assert done.stderr == (
        "note: this folder was moved after .venv was set up: make works, but activating .venv does not;"
        " to fix that: make clean-venv repro\n"
    )
    (moved / ".venv/set-up-done").write_text("", encoding="utf-8")  # a set-up by an older Makefile names no folder
    assert planned(moved).stderr == ""


def test_the_set_up_is_marked_with_its_folder_only_when_it_is_whole(project):
    """The mark is written last: if anything fails before, the next make starts over."""
    (project / ".venv/set-up-done").unlink()
    recipe = planned(project).stdout
    assert recipe.index("pip check") < recipe.index("pwd -P > .venv/set-up-done") < recipe.index("--then-repro")


STUB = """#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  *"-m pip install"*) echo "$@" > pip-arguments ;;
  *strata.commands.place*) exec "{python}" "$@" ;;
esac
"""


@pytest.fixture
def set_up(project, tmp_path) -> list[str]:
    """A command that sets up .venv in `project`, really, by a Python that installs nothing."""
    shutil.copytree(ROOT / "strata/commands", project / "strata/commands")
    shutil.copytree(ROOT / "strata/core", project / "strata/core")
    shutil.copy(ROOT / "strata/__init__.py", project / "strata/__init__.py")
    shutil.rmtree(project / ".venv")
    stub = tmp_path / "python"
    stub.write_text(STUB.format(python=sys.executable), encoding="utf-8")
    stub.chmod(0o755)
    return ["make", "TORCH_INDEX=none", f"PYTHON={stub}"]


def made(command: list[str], target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run([*command, target], cwd=folder, env=plain, text=True, capture_output=True)


def test_requirements_from_the_future_are_set_up_once(project, set_up):
    """Written by another clock, they would be newer than the set-up every time."""
    os.utime(project / "requirements.txt", (time.time() + 3600,) * 2)
    assert SETTING_UP in made(set_up, "format", project).stdout
    again = made(set_up, "format", project)
    assert again.returncode == 0 and SETTING_UP not in again.stdout


FROM_REQUIREMENTS = "--no-deps --extra-index-url none --requirement .venv/requirements.txt\n"


@pytest.mark.parametrize("works", [True, False], ids=["that works", "that fails"])
def test_uv_installs_where_there_is_one(works, project, set_up, tmp_path, monkeypatch):
    """In half of pip's time; where it fails, for want of pip's own settings perhaps, pip does it."""
    uv = tmp_path / "tools/uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/uv-arguments"\nexit {int(not works)}\n', encoding="utf-8")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    assert made(set_up, "format", project).returncode == 0
    arguments = (tmp_path / "uv-arguments").read_text(encoding="utf-8")
    assert arguments == f"pip install --quiet --python .venv/bin/python {FROM_REQUIREMENTS}"
    assert (project / "pip-arguments").exists() is not works


def test_pip_installs_where_there_is_no_uv(project, set_up, tmp_path, monkeypatch):
    for tool in ("sh", "make", "env", "sed", "grep", "df", "awk", "cat", "pwd", "touch", "rm", "mkdir", "cp", "test"):
        (tmp_path / "plain" / tool).parent.mkdir(exist_ok=True)
        (tmp_path / "plain" / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tmp_path / "plain"))
    assert made(set_up, "format", project).returncode == 0
    pip = (project / "pip-arguments").read_text(encoding="utf-8")
    assert pip == f"-m pip install --quiet {FROM_REQUIREMENTS}"


def test_a_colon_in_the_path_is_one_line_before_the_set_up(project, set_up):
    """Python's venv refuses it, and PATH would be split there."""
    moved = project.with_name("a:b")
    project.rename(moved)
    done = made(set_up, "format", moved)
    assert done.returncode != 0 and SETTING_UP not in done.stdout
    assert done.stderr.splitlines()[0] == (
        f"error: the path of this folder has a ':', which separates folders in PATH: rename '{moved}'"
    )


def test_every_command_is_run_by_the_path_of_its_python():
    """PATH is not looked at: make 3.81, which macOS has, looks in the PATH that it was started with."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"(^\t@?|[;|&] *)python ", text, re.MULTILINE)
    assert "PY := $(VENV)/bin/python" in text and text.count("$(PY) -m") > 20


def test_the_shell_s_own_path_is_left_to_the_doctor(project):
    write_python(project, '#!/bin/sh\ntest "$2" != strata.commands.doctor || echo "$STRATA_TYPED_PATH"\n')
    done = made(["make"], "doctor", project)
    assert done.stdout == f"{os.environ['PATH']}\n"
