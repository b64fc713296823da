"""Artifacts overwritten in place, and with them objects of DVC's cache: `make repro` makes them as they were."""

import os
import re
import shutil
import sys
from pathlib import Path

import dvc.cli
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from dvc.repo import Repo

from benchmarks.killed_stage import absent_objects, read_stages, written_files
from strata.commands import doctor, repair
from strata.commands.recorded import cached, objects_folder, read_lock
from strata.core.files import md5_of
from tests.environments.small_clone import run
from tests.tiny_pipeline import ROOT

RECIPE = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nrepro:")[1].split("\n\n")[0]
(REPRO,) = re.findall(r"^\t@\$\(PY\) (-m .*)$", RECIPE, re.MULTILINE)


def make_repro(folder: Path) -> str:
    """Run the command of `make repro`; return what DVC prints."""
    return run("python", *REPRO.split(), folder=folder)


def test_make_repro_looks_at_the_cache_before_dvc_uses_it(monkeypatch):
    assert REPRO == "-m strata.commands.doctor --then-repro"
    done = []
    monkeypatch.setattr(repair, "repair_here", lambda: done.append("repair"))
    monkeypatch.setattr(dvc.cli, "main", lambda words: [done.append(words), 3][1])
    monkeypatch.setattr(sys, "argv", sys.argv)
    with pytest.raises(SystemExit) as ended:
        doctor.main(["--then-repro"])
    assert done == ["repair", ["repro"]] and ended.value.code == 3


def overwrite(path: Path) -> None:
    """Write other bytes into the same file, by whatever one would use for files of its kind."""
    inode = path.stat().st_ino
    if path.suffix == ".pt":
        torch.save({"fc2.weight": torch.zeros(2, 3)}, path)
    elif path.suffix == ".csv":
        pd.DataFrame({"epoch": [1], "loss": [0.0]}).to_csv(path)
    else:
        with path.open("r+b") as file:
            file.write(b"WRONG")
    assert path.stat().st_ino == inode


def test_every_artifact_overwritten_in_place_is_as_it_was(small_clone, tmp_path):
    folder = tmp_path / "overwritten"
    shutil.copytree(small_clone, folder, symlinks=True)
    run("dvc", "checkout", "--relink", "--quiet", folder=folder)
    stages = read_stages(folder).values()
    before = written_files(folder, stages)
    for name in before:
        overwrite(folder / name)
    assert len(before) > 60 and not before.items() & written_files(folder, stages).items()
    printed = make_repro(folder)
    assert written_files(folder, stages) == before
    assert absent_objects(folder) == []
    assert "Running stage" not in printed  # the cache had them all
    assert run("git", "status", "--porcelain", folder=folder) == ""


SCRIPT = """
from pathlib import Path
Path("folder").mkdir(exist_ok=True)
for name in ("one.bin", "folder/two.bin", "folder/three.bin"):
    Path(name).write_bytes(name.encode() * 1000)
"""
FILES = ("one.bin", "folder/two.bin", "folder/three.bin")


@pytest.fixture
def linked(tmp_path, monkeypatch) -> Path:
    """A project that has run, whose artifacts are hard links into the cache as they once were; this test runs in it."""
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "make.py").write_text(SCRIPT, encoding="utf-8")
    stage = {"cmd": "python make.py", "deps": ["make.py"], "outs": ["one.bin", "folder"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}), encoding="utf-8")
    config = (ROOT / ".dvc/config").read_text(encoding="utf-8").replace("[core]", "[core]\n    no_scm = true")
    assert 'type = "reflink,copy"' in config
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text(config.replace("reflink,copy", "hardlink"), encoding="utf-8")
    run("dvc", "repro", "--quiet", folder=folder)
    run("dvc", "checkout", "--relink", "--quiet", folder=folder)
    assert all((folder / name).stat().st_nlink == 2 for name in FILES)
    (folder / ".dvc/config").write_text(config, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def write_through(path: Path) -> None:
    """Write into a file and so into the cache, as root may: DVC's objects are read-only."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"WRONG")
    path.chmod(0o444)


def is_as_made(folder: Path) -> bool:
    return all((folder / name).read_bytes() == name.encode() * 1000 for name in FILES)


@pytest.mark.parametrize("dvc_was_here", [False, True])
def test_what_was_written_through_a_hard_link_is_named_and_made_again(linked, capsys, dvc_was_here):
    for name in FILES[:2]:
        write_through(linked / name)
    if dvc_was_here:  # without the check it takes the damaged objects for whole
        assert "is cached - skipping run" in run("dvc", "repro", folder=linked)
        assert "up to date" in run("dvc", "status", folder=linked)
        assert not is_as_made(linked)
    repair.repair_here()
    assert capsys.readouterr().err == (
        "damaged in DVC's cache, and removed to be made again: folder/two.bin, one.bin\n"
    )
    assert "Running stage 'make'" in run("dvc", "repro", folder=linked)
    assert is_as_made(linked) and absent_objects(linked) == []


def test_older_links_are_cut_and_what_is_written_stays_in_the_workspace(linked, capsys):
    repair.repair_here()
    assert capsys.readouterr().err == ""
    assert all((linked / name).stat().st_nlink == 1 for name in FILES)
    for name in FILES:
        write_through(linked / name)
    assert absent_objects(linked) == []
    run("dvc", "repro", folder=linked)
    assert is_as_made(linked)


def test_a_damaged_listing_of_a_folder_is_named_and_made_again(linked, capsys):
    path = cached(objects_folder(linked), read_lock(linked / "dvc.lock")["make"].outs["folder"])
    write_through(path)
    repair.repair_here()
    assert capsys.readouterr().err == "damaged in DVC's cache, and removed to be made again: folder\n"
    assert "Running stage 'make'" in run("dvc", "repro", folder=linked)
    assert is_as_made(linked) and absent_objects(linked) == []


def test_only_what_has_changed_is_read(linked, monkeypatch):
    read: list[Path] = []

    def reading(path: Path) -> str:
        read.append(path)
        return md5_of(path)

    monkeypatch.setattr(repair, "md5_of", reading)
    with Repo(str(linked)) as repo:
        assert repair.repair(linked, repo.cache.local) == [] and read == []
        path = cached(Path(repo.cache.local.path), read_lock(linked / "dvc.lock")["make"].outs["one.bin"])
        os.utime(path, (0, 0))
        assert repair.repair(linked, repo.cache.local) == [] and read == [path]
        assert repair.repair(linked, repo.cache.local) == [] and read == [path]  # it was recorded as whole


def test_a_folder_without_dvc_or_without_a_lock_is_left_to_dvc(linked, tmp_path, monkeypatch, capsys):
    (linked / "dvc.lock").unlink()
    repair.repair_here()
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    repair.repair_here()
    assert capsys.readouterr().err == "" and list(empty.iterdir()) == []


def test_a_thousand_artifacts_are_one_short_line(tmp_path, monkeypatch, capsys):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repair, "repair", lambda *_: [str(number) for number in np.arange(1000)])
    repair.repair_here()
    assert capsys.readouterr().err == (
        "damaged in DVC's cache, and removed to be made again: 0, 1, 2, 3, 4 and 995 more\n"
    )
