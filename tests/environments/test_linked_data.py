"""`data` or `reports` as a link to another disk: DVC refuses it, after the work. The doctor says so before."""

import shutil
from pathlib import Path

import pytest
import yaml

from strata.commands.place import FOLDERS
from tests.environments.small_clone import run
from tests.environments.stand_ins import attempt, doctor
from tests.pipeline_paths import outputs
from tests.tiny_pipeline import ROOT


def link(project: Path, name: str) -> Path:
    """Move a folder of the project to another place and leave a link; return the place."""
    other = project.parent / "another disk" / name
    other.parent.mkdir(parents=True)
    if (project / name).exists():
        shutil.move(project / name, other)
    other.mkdir(exist_ok=True)
    (project / name).symlink_to(other)
    return other


@pytest.mark.parametrize("name", FOLDERS)
def test_it_is_one_line_before_the_work(project, name):
    link(project, name)
    done = doctor(project, "--repro")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {name} is a link out of the Git repository, which DVC refuses, but only after the work: move the"
        f" project there, or make {name} a folder and `mount --bind` the other on it\n"
    )
    assert len(done.stderr) <= 200


def test_dvc_itself_says_so_after_the_work(project):
    other = link(project, "data")
    shutil.rmtree(other / "raw")
    done = attempt("dvc", "repro", "--force", "download", folder=project)
    assert "data/raw' is outside of git repository" in done.stderr
    assert (other / "raw/file").read_text() == "download\n"  # the work is done, and not recorded


def test_these_are_the_folders_that_hold_outs():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    paths = {Path(name) for stage in stages for name in outputs(stage)}
    assert {parent.as_posix() for path in paths for parent in path.parents} - {"."} == set(FOLDERS)


def test_a_link_within_the_repository_and_a_cache_elsewhere_are_no_fault(project):
    shutil.move(project / "data", project / "elsewhere")
    (project / "data").symlink_to("elsewhere")
    link(project, ".dvc/cache")
    assert doctor(project, "--repro").stderr == ""
    assert "Running stage 'download'" in run("dvc", "repro", "--force", "download", folder=project)
    assert (project / "elsewhere/raw/file").read_text() == "download\n"


def test_without_git_dvc_follows_the_link(project):
    other = link(project, "data")
    shutil.rmtree(project / ".git")
    (project / ".dvc/config.local").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    assert doctor(project, "--repro").stderr == ""
    run("dvc", "repro", "--quiet", "--force", "download", folder=project)
    assert (project / "data").is_symlink() and (other / "raw/file").read_text() == "download\n"
