"""Faults of the machine: a full disk, a read-only folder, no memory. Each ends in one line and leaves nothing half."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.killed_stage import absent_objects
from stages import embed, extract, measure, train
from strata.artifacts.measured import TRAINED
from strata.core.files import write_text
from strata.jobs import pool
from strata.jobs.pool import run_jobs
from strata.measures.space_files import POINTS, SpaceFiles
from tests.environments.small_clone import environment, run
from tests.jobs.pool_jobs import PoolHere, take_all_memory
from tests.tiny_pipeline import ROOT, run_embed

OUT_OF_MEMORY = "error: out of memory; free some, or lower the stage's batch_size in params.yaml\n"
MAINS = {"train": train.main, "extract": extract.main, "embed": embed.main, "measure": measure.main}


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 32 KiB."""
    folder = tmp_path / "a full dïsk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a failed test may still map a file


def words_of(name: str, extracted: Path, params: Path, out: Path) -> list[str]:
    """Return a stage's arguments to work on the tiny artifacts under `extracted` and write under `out`."""
    folder = {"train": "model", "extract": "activations", "embed": "embeddings", "measure": "measures"}[name]
    words = ["--params", str(params), "--data", str(extracted)]
    return [*words, "--out", str(out / folder), "--reports", str(out / "reports")]


def stage_on(name: str, extracted: Path, params: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run a stage as DVC does, on the tiny artifacts under `extracted`, writing under `out`."""
    words = [sys.executable, "-m", f"stages.{name}", *words_of(name, extracted, params, out)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


def final_files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files at final names, by path."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".part")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one error line of a stage that failed; other lines may only tell its progress."""
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("error:") == 1
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", MAINS)
def test_a_full_disk_is_one_line_with_the_path_and_no_half_file(
    name, extracted, write_params, small_disk, tmp_path, monkeypatch
):
    monkeypatch.setattr(pool, "Pool", PoolHere)
    params, whole = write_params(layers=["input", "h1", "h6"]), tmp_path / "whole"
    if name == "measure":
        run_embed(params, extracted)
    MAINS[name](words_of(name, extracted, params, whole))
    (small_disk / "filling").write_bytes(bytes(28 << 10))
    line = last_line(stage_on(name, extracted, params, small_disk))
    assert line.startswith(f"error: {small_disk}/") and line.endswith(": the disk is full")
    (small_disk / "filling").unlink()
    left = final_files(small_disk)
    assert left.items() < final_files(whole).items()
    assert not list(small_disk.rglob("*.part"))


def test_an_array_that_the_disk_has_no_room_for_is_an_error_at_once(small_disk):
    with pytest.raises(OSError, match="No space left") as caught:
        SpaceFiles(small_disk).create(TRAINED, POINTS, "h1", (100, 100))
    assert caught.value.filename == str(small_disk / "none.points.h1.npy")


def test_scratch_arrays_hold_what_was_written(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    files = SpaceFiles(tmp_path)
    files.write(TRAINED, POINTS, "h1", values)
    np.testing.assert_array_equal(files.read(TRAINED, POINTS, "h1"), values)
    assert files.path(TRAINED, POINTS, "h1").stat().st_size == 128 + values.nbytes


@pytest.mark.parametrize("name", ["extract", "embed"])
def test_a_read_only_folder_is_one_line(name, extracted, write_params, small_disk):
    params = write_params(layers=["input", "h6"])
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    folder = {"extract": "activations", "embed": "embeddings"}[name]
    line = last_line(stage_on(name, extracted, params, small_disk))
    assert line == f"error: {small_disk / folder}: the file system is read-only"


def test_a_folder_without_permission_is_one_line(extracted, write_params, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    out = tmp_path / "locked"
    out.mkdir(mode=0o555)
    line = last_line(stage_on("embed", extracted, write_params(layers=["input", "h6"]), out))
    assert line == f"error: {out / 'embeddings'}: permission denied"


def test_an_error_that_names_no_file_is_told_the_one_that_was_written(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_text(tmp_path / "a.txt", "text")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_memory_running_out_in_a_worker_is_raised_here(monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "1")
    with pytest.raises(MemoryError, match="Unable to allocate"):
        run_jobs(take_all_memory, [1 << 50], "embed: t-SNE")


@pytest.mark.parametrize("code", ["import numpy; numpy.ones(1 << 31)", "import torch; torch.ones(1 << 31)"])
def test_a_limit_of_memory_is_one_line(code):
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({6 << 30}, {resource.RLIM_INFINITY}))"
    main = f"from strata.core.stage import run_stage\n{limit}\ndef main():\n    {code}\nrun_stage(main)"
    done = subprocess.run([sys.executable, "-c", main], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, OUT_OF_MEMORY)


def test_a_disk_that_fills_while_dvc_caches_is_an_error_and_is_not_in_the_lock(small_disk):
    """DVC copies 1.1 MB into its cache where there is room for one copy only; with more room, it goes on."""
    subprocess.run(["mount", "-o", "remount,size=2200k", small_disk], check=True)
    run("git", "init", "--quiet", folder=small_disk)
    run("dvc", "init", "--quiet", folder=small_disk)
    (small_disk / ".dvc/config").write_text(
        "[core]\n    analytics = false\n[cache]\n    type = copy\n", encoding="utf-8"
    )
    stage = {"cmd": "python -c \"open('out.bin', 'wb').write(bytes(1100000))\"", "outs": ["out.bin"]}
    (small_disk / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}), encoding="utf-8")
    done = subprocess.run(["dvc", "repro"], cwd=small_disk, env=environment(), text=True, capture_output=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "ERROR: failed to reproduce 'make': [Errno 28] No space left on device"
    assert not (small_disk / "dvc.lock").exists()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    run("dvc", "repro", folder=small_disk)
    assert absent_objects(small_disk) == []
    assert "up to date" in run("dvc", "status", folder=small_disk)
