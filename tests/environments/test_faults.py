"""Faults of a whole pipeline under DVC: kills, damaged and missing objects of its cache, two at once, other folders."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.killed_stage import (
    DVC_REPRO,
    absent_objects,
    half_files,
    read_stages,
    remove_outs,
    written_files,
)
from benchmarks.kills import DVC, Tally, Undisturbed, differences, kill
from strata.commands.recorded import cached, objects_folder
from strata.core.files import md5_of
from tests.environments.small_clone import environment, run

KILL, TERMINATE, INTERRUPT = 0, 1, 2  # places in benchmarks.killed_stage.SIGNALS
MAP = "data/embeddings/h6.parquet"


@pytest.fixture(scope="module")
def whole(small_clone, tmp_path_factory) -> Undisturbed:
    """A copy of the small clone; tests leave it as after the undisturbed run."""
    folder = tmp_path_factory.mktemp("fäults") / "a cöpy"
    shutil.copytree(small_clone, folder, symlinks=True)
    stages = read_stages(folder)
    durations = {**dict.fromkeys(stages, 2.5), DVC: 8.0}
    return Undisturbed(
        folder, stages, written_files(folder, stages.values()), (folder / "dvc.lock").read_bytes(), durations
    )


def dvc(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["dvc", *command], cwd=folder, env=environment(), text=True, capture_output=True)


def test_a_copied_and_a_moved_repository_have_nothing_to_do(whole, tmp_path):
    moved = tmp_path / "ein anderer Ort, 数"
    shutil.copytree(whole.folder, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy").rename(moved)
    for folder in (whole.folder, moved):
        assert "up to date" in run("dvc", "status", folder=folder)
        again = run("dvc", "repro", folder=folder)
        assert again.count("didn't change, skipping") == len(whole.stages) and "Running stage" not in again
        assert run("git", "status", "--porcelain", folder=folder) == ""


def test_stages_and_dvc_killed_at_random_moments_leave_nothing_and_are_repaired(whole):
    rng, tally = random.Random(7), Tally()
    for name, kind in (("measure", KILL), ("embed", TERMINATE), ("embed", KILL), ("extract", INTERRUPT), (DVC, KILL)):
        kill(whole, name, kind, rng, tally)
    assert tally.differences == []
    assert sum(tally.kills.values()) == 5
    run(*DVC_REPRO, folder=whole.folder)
    assert differences(whole) == []


@pytest.mark.parametrize("others", ["gone", "whole"])
def test_a_table_of_epochs_that_a_power_cut_left_is_written_again(whole, others):
    """No process is left to remove it then. DVC has removed the stage's other files before it began."""
    table = whole.folder / "reports/epochs.csv"
    if others == "gone":
        remove_outs(whole.folder, whole.stages["train"])
    table.write_bytes(b"epoch,train_loss\n1,2.5\n")
    assert "reports/epochs.csv" in run("dvc", "status", "train", folder=whole.folder)
    run("dvc", "repro", folder=whole.folder)
    assert differences(whole) == [] and absent_objects(whole.folder) == []


def test_a_second_repro_at_once_ends_in_an_error_and_harms_nothing(whole):
    first = subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", "extract"],
        cwd=whole.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    while "stages.extract" not in first.stdout.readline():
        assert first.poll() is None
    second = dvc("repro", "--force", "--single-item", "extract", folder=whole.folder)
    assert first.wait(120) == 0
    first.stdout.close()
    assert second.returncode != 0 and "Traceback" not in second.stderr
    assert "is busy, it is being blocked by" in second.stderr.splitlines()[0]
    assert differences(whole) == [] and absent_objects(whole.folder) == []


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_an_object_missing_from_the_cache_or_damaged_is_made_again(whole, fault):
    path = cached(objects_folder(whole.folder), whole.files[MAP])
    if fault == "missing":
        path.unlink()
    else:
        damage(path, mode=0o644)
    assert absent_objects(whole.folder) == [MAP]
    shutil.rmtree(whole.folder / "data/embeddings")
    found = dvc("checkout", folder=whole.folder)
    if fault == "missing":
        assert found.returncode != 0 and "Checkout failed" in found.stderr and "Traceback" not in found.stderr
    else:
        assert "data/embeddings" in run("dvc", "status", folder=whole.folder)
    assert "Running stage 'embed'" in run("dvc", "repro", folder=whole.folder)
    assert differences(whole) == [] and absent_objects(whole.folder) == []


def test_a_damaged_object_that_dvc_takes_for_whole_is_made_again_once_it_is_removed(whole):
    """DVC does not look into objects that are still write-protected; docs/reliability.md says so."""
    path = cached(objects_folder(whole.folder), whole.files[MAP])
    damage(path, mode=0o444)
    assert absent_objects(whole.folder) == [MAP]
    path.unlink()
    shutil.rmtree(whole.folder / "data/embeddings")
    run("dvc", "repro", folder=whole.folder)
    assert differences(whole) == [] and absent_objects(whole.folder) == []


def damage(path: Path, mode: int) -> None:
    """Change four bytes of an object in place, as a failing disk would: a copy in the workspace stays."""
    content = bytearray(path.read_bytes())
    content[100:104] = b"\0\xff\0\xff"
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def test_a_truncated_input_is_one_line_and_dvc_makes_it_again(whole):
    path = whole.folder / MAP
    content = path.read_bytes()
    path.unlink()  # it may be one file with the cache's object
    path.write_bytes(content[: len(content) // 2])
    stage = whole.stages["report"]
    done = subprocess.run(stage.command, cwd=whole.folder, env=environment(), text=True, capture_output=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"error: {MAP} is damaged or not Parquet: ")
    assert half_files(whole.folder, [stage], whole.files) == []
    run("dvc", "repro", folder=whole.folder)
    assert md5_of(path) == whole.files[MAP]
    assert differences(whole) == []
