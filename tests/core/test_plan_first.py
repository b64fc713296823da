"""The plan before a run: made where settings, data or networks are new, and what it refuses is not trained."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from stages import download, extract, train
from strata.commands.plan import disk
from strata.commands.plan import main as plan
from strata.core.errors import StrataError
from strata.core.params import STAGES, read_params
from strata.core.paths import Paths
from strata.core.plan_first import networks_hash, plan_first
from tests.tiny_pipeline import ROOT

Memory, Usage = namedtuple("Memory", "available"), namedtuple("Usage", "free")


@pytest.fixture
def project(tmp_path, write_params, monkeypatch) -> Path:
    """A project's folder, in which everything has run: its dvc.lock has its settings, data and networks."""
    monkeypatch.delenv("STRATA_PLAN", raising=False)
    folder = tmp_path / "project"
    (folder / ".dvc/tmp").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/dataset.json").write_text("{}", encoding="utf-8")
    shutil.copytree(ROOT / "networks", folder / "networks", ignore=shutil.ignore_patterns("__pycache__"))
    write_params().rename(folder / "params.yaml")
    monkeypatch.chdir(folder)
    lock(folder)
    return folder


def lock(project: Path, data: str = "d.dir", trained_on: str = "d.dir") -> None:
    """Write a dvc.lock of the project's settings, with the hashes of the data, and of those that were trained on."""
    params = read_params(project / "params.yaml")
    deps = [{"path": "data/raw", "md5": trained_on}, {"path": "networks", "md5": networks_hash(project)}]
    stages = {name: {"deps": deps, "params": {"params.yaml": params}} for name in STAGES[1:]}
    stages["download"] = {"outs": [{"path": "data/raw", "md5": data}]}
    (project / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}), encoding="utf-8")


def change(project: Path, **sections: dict) -> None:
    params = read_params(project / "params.yaml")
    changed = {name: {**params[name], **section} for name, section in sections.items()}
    (project / "params.yaml").write_text(yaml.safe_dump({**params, **changed}), encoding="utf-8")


@pytest.fixture
def plans(monkeypatch) -> list[list[str]]:
    """The plans that were made, as commands; all of them pass."""
    made: list[list[str]] = []
    monkeypatch.setattr("strata.core.plan_first.status_of", lambda words: made.append(words) or 0)
    return made


def first() -> None:
    plan_first(Path("params.yaml"), Paths.under(Path()))


def test_nothing_new_is_not_planned(project, plans):
    first()
    change(project, train={"lr": 0.01, "epochs": 3}, download={"attempts": 9})
    first()
    assert plans == []


@pytest.mark.parametrize(
    "changes",
    [
        {"embed": {"perplexity": 9}},
        {"network": {"arguments": {}}},
        {"extract": {"split": "both"}},
        {"train": {"batch_size": 9}},
        {"measure": {"neighbours": 7}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_new_settings_are_planned_once(project, plans, changes):
    change(project, **changes)
    first()
    first()  # stage extract, after train
    assert [words[1:] for words in plans] == [
        ["-m", "strata.commands.plan.main", "--brief", "--params", "params.yaml", "--data", "data"]
    ]
    change(project, report={"dpi": 99})
    first()
    assert len(plans) == 2


def test_new_data_new_networks_and_a_lock_that_lacks_a_stage_are_planned(project, plans):
    lock(project, data="e.dir")
    first()
    (project / "data/raw/dataset.json").write_text("{ }", encoding="utf-8")
    first()
    lock(project)
    with (project / "networks/mlp.py").open("a", encoding="utf-8") as file:
        file.write("# wider\n")
    first()
    shutil.rmtree(project / ".dvc/tmp")
    (project / "dvc.lock").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    first()
    (project / "dvc.lock").unlink()
    first()
    assert len(plans) == 5


def test_there_is_no_plan_outside_of_a_project_on_a_cluster_or_if_it_is_off(project, plans, monkeypatch):
    change(project, embed={"perplexity": 9})
    for name, value in (("STRATA_PLAN", "off"), ("STRATA_SCHEDULER", "tcp://127.0.0.1:1")):
        monkeypatch.setenv(name, value)
        first()
        monkeypatch.delenv(name)
    (project / "dvc.yaml").unlink()
    first()
    assert plans == []


def test_the_recorded_hash_of_the_networks_is_found_again():
    """This repository's dvc.lock, which DVC wrote: if DVC hashed folders otherwise, each run would be planned."""
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    deps = {entry["path"]: entry for entry in stages["train"]["deps"]}
    files = sorted(path for path in (ROOT / "networks").glob("*.py"))
    if deps["networks"]["nfiles"] != len(files) or deps["networks"]["size"] != sum(map(len_of, files)):
        pytest.skip("networks/ has changed since the last run")
    assert networks_hash(ROOT) == deps["networks"]["md5"]


def len_of(path: Path) -> int:
    return path.stat().st_size


def test_forty_images_with_a_perplexity_too_high_are_refused_before_training(project, tiny_data):
    """The command that DVC runs: 40 test images, one line that names the setting, and nothing trained."""
    shutil.rmtree(project / "data/raw")
    shutil.copytree(tiny_data, project / "data/raw")
    change(project, embed={"perplexity": 30})
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "stages.train"], env=environment, text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: embed.perplexity 30 is too large for 40 points: at most 13 with these\n"
    assert not (project / "data/model").exists() and not (project / ".dvc/tmp/planned").exists()


@pytest.mark.parametrize("stage", [train, extract])
def test_wide_layers_of_large_images_are_refused_before_training(stage, project, tmp_path, monkeypatch):
    """224 x 224 x 3 with the default network, whole layers, 8 GiB of memory and 2 GiB of disk."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (90, 224, 224, 3), dtype=np.uint8)
    np.savez(tmp_path / "wide.npz", images=images, labels=np.arange(90) % 3)
    change(project, dataset={"name": str(tmp_path / "wide.npz"), "test_share": 0.3})
    change(
        project, network={"arguments": {"conv1_channels": 20, "conv2_channels": 50, "kernel_size": 5, "fc1_units": 9}}
    )
    shutil.rmtree(project / "data/raw")
    download.main(["--out", "data/raw"])
    monkeypatch.setattr("strata.commands.plan.memory_watch.in_new_process", lambda work, job, _: work(job))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 << 30))
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(2 << 30))

    def refused(words):
        with pytest.raises(StrataError, match=r"give layer h1 a pool or project") as caught:
            plan.main(words[3:])
        assert len(f"error: {caught.value}") <= 200
        return 1

    monkeypatch.setattr("strata.core.plan_first.status_of", refused)
    with pytest.raises(SystemExit) as ended:
        stage.main(["--data", "data", "--out", "data/model" if stage is train else "data/activations"])
    assert ended.value.code == 1
    assert not (project / "data/model").exists() and not (project / "data/activations").exists()
