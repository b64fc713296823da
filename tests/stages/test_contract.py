"""Each stage reads only what its deps list and writes only what its outs list: run with nothing else there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages import embed, extract, measure, replicate, report, train
from strata.jobs import pool
from strata.report import whole_report
from tests.jobs.pool_jobs import PoolHere
from tests.pipeline_paths import named_paths, outputs
from tests.tiny_pipeline import ROOT, run_tiny_project

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
MAINS: dict[str, Callable] = {
    "train": train.main,
    "replicate": replicate.main,
    "extract": extract.main,
    "embed": embed.main,
    "measure": measure.main,
    "report": report.main,
}


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    """A project's folder in which every stage has run, with weights kept during training."""
    folder = tmp_path_factory.mktemp("complete")
    run_tiny_project(folder, list("0123456789"), layers=["input", "h4", "h6"], train={"checkpoints": [1]})
    return folder


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def below(path: str, listed: list[str]) -> bool:
    return any(path == entry or path.startswith(f"{entry}/") for entry in listed)


@pytest.mark.parametrize("name", MAINS)
def test_a_stage_reads_its_deps_and_writes_its_outs(complete, tmp_path, monkeypatch, name):
    deps, outs = named_paths(STAGES[name]["deps"]), outputs(STAGES[name])
    folder = tmp_path / "only the deps"
    for path in files_of(complete):
        if path == "params.yaml" or below(path, deps):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(complete / path, folder / path)
    before = files_of(folder)
    monkeypatch.setattr(pool, "Pool", PoolHere)
    monkeypatch.setattr(whole_report, "run_jobs", lambda work, jobs, _: [work(job) for job in jobs])
    monkeypatch.chdir(folder)
    MAINS[name](STAGES[name]["cmd"].split()[3:])
    written = files_of(folder) - before
    assert [path for path in written if not below(path, outs)] == []
    assert [entry for entry in outs if not any(below(path, [entry]) for path in written)] == []
