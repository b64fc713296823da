"""Verify, on a small pipeline of its own: it passes when nothing changed, and notices every kind of change."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from strata.artifacts.maps import LayerMap, MapMethod, write_map
from strata.artifacts.provenance import Provenance
from strata.commands import verify
from strata.commands.recorded import cached, objects_folder, read_lock
from strata.core.errors import StrataError

SCRIPT = """
import sys, yaml
import numpy as np
from pathlib import Path
sys.path.insert(0, {root!r})
from strata.artifacts.maps import LayerMap, MapMethod, write_map
from strata.artifacts.provenance import Provenance
from strata.core.files import write_text
number = yaml.safe_load(open("params.yaml"))["number"]
points = np.random.default_rng(number).normal(size=(40, 2)).astype(np.float32)
method = MapMethod("tsne", "t-SNE", "t-SNE with perplexity 5", "t-SNE by sklearn.", (), {{}})
layer_map = LayerMap("h1", np.arange(40, dtype=np.int32), points, method, Provenance("test", "a" * 64, "b" * 64))
write_map(Path("data/maps/h1.parquet"), layer_map)
write_text(Path("reports/metrics.json"), f'{{{{"number": {{number}}}}}}\\n')
"""
ROOT = Path(__file__).resolve().parent.parent.parent


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def commit(folder: Path, message: str) -> None:
    run("git", "add", "--all", folder=folder)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *identity, "commit", "--quiet", "--message", message, folder=folder)


def dvc(*command: str, folder: Path) -> str:
    return run(sys.executable, "-m", "dvc", *command, folder=folder)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Path:
    """A repository with one stage, run and committed."""
    folder = tmp_path_factory.mktemp("verify") / "the repository"
    folder.mkdir()
    run("git", "init", "--quiet", folder=folder)
    dvc("init", "--quiet", folder=folder)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    autostage = true\n", encoding="utf-8")
    (folder / "make.py").write_text(SCRIPT.format(root=str(ROOT)), encoding="utf-8")
    (folder / "params.yaml").write_text("number: 1\n", encoding="utf-8")
    stage = {
        "cmd": f"'{sys.executable}' make.py",
        "deps": ["make.py"],
        "params": ["number"],
        "outs": ["data/maps"],
        "metrics": [{"reports/metrics.json": {"cache": False}}],
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}), encoding="utf-8")
    dvc("repro", "--quiet", folder=folder)
    commit(folder, "as computed")
    return folder


@pytest.fixture
def repository(pipeline, tmp_path, monkeypatch) -> Path:
    """A copy of it, in which this test runs."""
    folder = tmp_path / "copy"
    shutil.copytree(pipeline, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def problems(capsys) -> tuple[str, str]:
    """Return what a failing verification ends in, and what it printed."""
    with pytest.raises(StrataError) as caught:
        verify.main([])
    return str(caught.value), capsys.readouterr().out


def test_what_was_committed_as_computed_passes(repository, capsys):
    verify.main([])
    printed = capsys.readouterr().out
    assert "make      data/maps             same" in printed
    assert "make      reports/metrics.json  same" in printed
    assert "every artifact of HEAD is the same" in printed
    assert run("git", "status", "--porcelain", folder=repository) == ""


def test_a_parameter_changed_without_recomputing_is_noticed(repository, capsys):
    (repository / "params.yaml").write_text("number: 2\n", encoding="utf-8")
    commit(repository, "only the parameter")
    message, printed = problems(capsys)
    assert message == "verify: HEAD differs from what its code and parameters compute; see the lines above"
    assert "make: its parameters changed without recomputing" in printed
    assert "data/maps             DIFFERENT" in printed


def test_code_changed_without_recomputing_is_noticed_and_how_far_the_first_artifact_is(repository, capsys):
    script = (repository / "make.py").read_text(encoding="utf-8")
    (repository / "make.py").write_text(script.replace("normal(size=(40, 2))", "normal(scale=2, size=(40, 2))"))
    commit(repository, "only the code")
    _, printed = problems(capsys)
    assert "make: make.py changed without recomputing" in printed
    assert "make: data/maps differs" in printed
    (repository / "make.py").write_text(script, encoding="utf-8")


def test_a_lock_of_other_bytes_is_noticed_with_the_distance(repository, capsys):
    method = MapMethod("tsne", "t-SNE", "t-SNE with perplexity 5", "t-SNE by sklearn.", (), {})
    points = np.random.default_rng(1).normal(size=(40, 2)).astype(np.float32)
    points[0] += 0.5
    origin = Provenance("test", "a" * 64, "b" * 64)
    dvc("unprotect", "data/maps", folder=repository)
    write_map(
        repository / "data/maps/h1.parquet", LayerMap("h1", np.arange(40, dtype=np.int32), points, method, origin)
    )
    dvc("commit", "--force", "--quiet", folder=repository)
    commit(repository, "one point moved by hand")
    _, printed = problems(capsys)
    assert "make: data/maps differs (h1.parquet: largest difference 0.5" in printed
    assert "of 15 neighbours kept)" in printed


def test_a_damaged_object_in_the_cache_is_noticed(repository, capsys):
    entry = read_lock(repository / "dvc.lock")["make"].outs["data/maps"]
    objects = objects_folder(repository)
    listing = json.loads(cached(objects, entry).read_text(encoding="utf-8"))
    path = cached(objects, listing[0]["md5"])
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.unlink()  # a hard link of the workspace's file, which stays whole
    path.write_bytes(bytes(content))
    path.chmod(0o444)
    _, printed = problems(capsys)
    where = path.relative_to(repository)
    assert (
        f"make: data/maps/h1.parquet is damaged in DVC's cache; delete {where}, then run `dvc repro -f make`" in printed
    )


def test_one_byte_of_a_file_in_git_is_noticed(repository, capsys):
    (repository / "reports/metrics.json").write_text('{"number": 7}\n', encoding="utf-8")
    commit(repository, "a nicer number")
    message, printed = problems(capsys)
    assert "make: reports/metrics.json in Git does not match dvc.lock" in printed
    assert "differs from what its code and parameters compute" in message


def test_an_older_revision_can_be_verified_and_an_unknown_one_is_named(repository, capsys):
    (repository / "params.yaml").write_text("number: 3\n", encoding="utf-8")
    commit(repository, "not recomputed")
    verify.main(["--rev", "HEAD~1"])
    assert "every artifact of HEAD~1 is the same" in capsys.readouterr().out
    with pytest.raises(StrataError, match="'nothing' is neither a Git revision nor an experiment"):
        verify.main(["--rev", "nothing"])
