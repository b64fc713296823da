"""A project in a folder of a Git repository, DVC above it, a cache elsewhere: Strata asks DVC where things are."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from strata.artifacts.revisions import revision_files, run_of_revision
from strata.commands import repair, verify
from strata.commands.known_experiments import known_experiments
from strata.commands.recorded import cached, objects_folder, read_lock
from strata.core.errors import StrataError
from tests.environments.small_clone import commit_all, run

SCRIPT = """
from pathlib import Path
Path("data/maps").mkdir(parents=True, exist_ok=True)
Path("reports").mkdir(exist_ok=True)
Path("data/maps/a.txt").write_text(Path("params.yaml").read_text().splitlines()[0] + "\\n")
Path("reports/training.json").write_text('{"test_accuracy": 0.9}\\n')
"""
LAYOUTS = ["DVC at the top", "cache elsewhere"]


@pytest.fixture(scope="module", params=LAYOUTS)
def project(request, tmp_path_factory) -> Path:
    """A small project that has run twice, with seeds 1 and 2; both are committed."""
    top = tmp_path_factory.mktemp("repository")
    folder = top / "a folder"
    folder.mkdir()
    dvc = top if request.param == "DVC at the top" else folder
    run("git", "init", "--quiet", folder=top)
    (dvc / ".dvc").mkdir()
    config = "[core]\n    analytics = false\n    autostage = true\n"
    (dvc / ".dvc/config").write_text(config, encoding="utf-8")
    (dvc / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n", encoding="utf-8")
    if request.param == "cache elsewhere":
        run("dvc", "cache", "dir", "--local", str(tmp_path_factory.mktemp("shared cache")), folder=folder)
    (folder / "make.py").write_text(SCRIPT, encoding="utf-8")
    stage = {"cmd": "python make.py", "deps": ["make.py"], "params": ["seed"], "outs": ["data/maps"]}
    stage["metrics"] = [{"reports/training.json": {"cache": False}}]
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}), encoding="utf-8")
    for seed in (1, 2):
        # Of another size each time: within one tick of the clock, Git may take files of one size for the same.
        (folder / "params.yaml").write_text(f"seed: {seed}\n" + seed * "# again\n", encoding="utf-8")
        run("dvc", "repro", "--quiet", folder=folder)
        commit_all(top, f"seed {seed}")
    return folder


@pytest.mark.parametrize("working_folder", ["", "reports", "/"])
def test_the_files_of_a_revision_are_those_of_the_project(project, working_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(project / working_folder)
    for revision, seed in (("HEAD~1", 1), ("HEAD", 2), ("workspace", 2)):
        root = tmp_path / revision
        files = revision_files(project, revision, root)
        assert run_of_revision(project, revision, root).params == {"seed": seed}
        files(root / "data/maps")
        assert (root / "data/maps/a.txt").read_text() == f"seed: {seed}\n"
        files(root / "reports/training.json")
        assert json.loads((root / "reports/training.json").read_text()) == {"test_accuracy": 0.9}


def test_an_unknown_revision_is_told(project, tmp_path):
    with pytest.raises(StrataError, match="'nothing' is neither an experiment nor a Git revision"):
        _ = run_of_revision(project, "nothing", tmp_path / "nothing").params


def test_experiments_are_known_by_their_params(project):
    head, first = (run("git", "rev-parse", name, folder=project).strip() for name in ("HEAD", "HEAD~1"))
    reference = f"refs/exps/{head[:2]}/{head[2:]}/tried"
    run("git", "update-ref", reference, first, folder=project)
    (found,) = known_experiments(project)
    assert (found.name, found.changes, found.training) == ("tried", {"seed": "1"}, {"test_accuracy": 0.9})
    run("git", "update-ref", "-d", reference, folder=project)


def test_what_was_committed_is_verified(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    verify.main(["--rev", "HEAD~1"])
    printed = capsys.readouterr().out
    assert "make      data/maps              same" in printed
    assert "every artifact of HEAD~1 is the same" in printed


def test_damage_is_found_wherever_the_cache_is(project, monkeypatch, capsys):
    """The cache DVC reports is where the objects are; one of them is damaged, removed, and made again."""
    monkeypatch.chdir(project)
    objects = objects_folder(project)
    listing = cached(objects, read_lock(Path("dvc.lock"))["make"].outs["data/maps"])
    path = cached(objects, json.loads(listing.read_text(encoding="utf-8"))[0]["md5"])
    path.chmod(0o644)
    path.write_text("seed: 9\n", encoding="utf-8")
    path.chmod(0o444)
    with pytest.raises(StrataError):
        verify.main([])
    assert f"make: data/maps/a.txt is damaged in DVC's cache; delete {verify_path(path)}" in capsys.readouterr().out
    repair.repair_here()
    assert capsys.readouterr().err == "damaged in DVC's cache, and removed to be made again: data/maps/a.txt\n"
    run("dvc", "repro", "--quiet", folder=project)
    assert path.read_text(encoding="utf-8") == "seed: 2\n"
    assert subprocess.run(["git", "diff", "--quiet"], cwd=project).returncode == 0


def verify_path(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
