"""Two clones share one cache: the second runs nothing, and finds what is damaged there."""

from pathlib import Path

import pytest

from strata.commands.recorded import cached, files_of, objects_folder, read_lock
from tests.environments.small_clone import run
from tests.environments.stand_ins import clone, doctor


@pytest.fixture
def second(project, tmp_path) -> Path:
    folder = clone(project, tmp_path / "second")
    assert objects_folder(folder) == objects_folder(project)
    return folder


def test_the_second_clone_takes_everything_from_the_cache(second, project):
    assert "Running stage" not in run("dvc", "repro", "train", folder=second)
    for name in ("data/model/mnist_cnn.pt", "data/raw/file"):
        assert (second / name).read_bytes() == (project / name).read_bytes()
    assert not (second / ".dvc/cache").exists()


def test_an_object_that_the_other_clone_damaged_is_named_and_made_again(second):
    objects = objects_folder(second)
    md5 = files_of(objects, read_lock(second / "dvc.lock")["download"].outs)["data/raw/file"]
    path = cached(objects, md5)
    path.chmod(0o644)
    path.write_bytes(b"WRONG")
    path.chmod(0o444)
    done = doctor(second, "--repro")
    assert done.returncode == 0
    assert done.stderr == "damaged in DVC's cache, and removed to be made again: data/raw/file\n"
    assert "Running stage 'download'" in run("dvc", "repro", "download", folder=second)
    assert path.read_bytes() == (second / "data/raw/file").read_bytes() == b"download\n"
