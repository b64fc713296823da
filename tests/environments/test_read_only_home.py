"""A home folder that cannot be written, or no home at all, as for services and in containers."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strata.commands.doctor import user_faults
from tests.environments.stand_ins import attempt, doctor
from tests.tiny_pipeline import ROOT


@pytest.fixture
def read_only_home(tmp_path) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    if os.geteuid() != 0:
        yield home
        return
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", home], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"root writes everywhere, and may not mount here: {done.stderr.strip()}")
    yield home
    subprocess.run(["umount", "--lazy", home], check=True)


def caches(home: Path | None) -> dict[str, str | None]:
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "MPLCONFIGDIR")
    return {**dict.fromkeys(names), "HOME": str(home) if home else None}


def test_the_pipeline_runs_and_the_doctor_finds_nothing(project, read_only_home):
    with pytest.raises(OSError, match=r"Read-only|Permission"):
        (read_only_home / "probe").touch()
    done = attempt("dvc", "repro", "--force", "download", folder=project, **caches(read_only_home))
    assert done.returncode == 0 and "Running stage 'download'" in done.stdout
    assert doctor(project, "--repro", **caches(read_only_home)).stderr == ""


def test_a_stage_loads_its_libraries_and_only_matplotlib_says_what_it_lacks(read_only_home):
    load = "import strata.report.whole_report, strata.measures.run_tables, strata.maps.map_files"
    done = attempt("python", "-c", load, folder=ROOT, **caches(read_only_home))
    assert done.returncode == 0
    failed, created = done.stderr.splitlines()
    assert failed.startswith("mkdir -p failed for path") and created.startswith("Matplotlib created a temporary cache")


def test_without_a_home_in_the_environment_dvc_works(project):
    assert "up to date" in attempt("dvc", "status", folder=project, **caches(None)).stdout
    assert doctor(project, "--repro", **caches(None)).stderr == ""


def test_a_user_that_the_machine_does_not_know_is_one_line(monkeypatch, tmp_path):
    """In a container that runs as any number, DVC asks for a name and a home, and ends in a traceback without."""
    assert list(user_faults()) == []
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert list(user_faults()) == [
        "user 12345 has no name or no home here, and DVC needs both: export LOGNAME=me HOME=/tmp"
    ]
    monkeypatch.setenv("LOGNAME", "me")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(user_faults()) == []
