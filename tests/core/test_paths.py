"""The times whose weights were kept are read from the names of files and folders, in order."""

import pytest

from strata.core.errors import StrataError
from strata.core.paths import Paths


@pytest.fixture
def paths(tmp_path):
    """The paths of a run whose train stage kept no weights."""
    paths = Paths.of(tmp_path, tmp_path / "reports")
    paths.checkpoints.mkdir(parents=True)
    return paths


def test_weights_are_in_the_order_of_their_times(paths):
    for name in ("10.pt", "0.1.pt", "2.pt", "0.pt", ".2.pt.part"):
        (paths.checkpoints / name).touch()
    kept = paths.kept_weights()
    assert list(kept) == ["0", "0.1", "2", "10"]
    assert kept["0.1"] == paths.checkpoints / "0.1.pt"


def test_folders_are_in_the_order_of_their_times(paths):
    for name in ("3", "0.25", "0"):
        (paths.activations / "checkpoints" / name).mkdir(parents=True)
    assert paths.kept_times(paths.activations) == ["0", "0.25", "3"]


def test_nothing_is_kept_by_default(paths):
    assert paths.kept_weights() == {} and paths.kept_times(paths.activations) == []


@pytest.mark.parametrize("name", ["last.pt", "nan.pt", "inf.pt", "-1.pt"])
def test_other_names_are_one_line(paths, name):
    (paths.checkpoints / name).touch()
    with pytest.raises(StrataError, match="is not a time in epochs; run `dvc repro -f train`"):
        paths.kept_weights()


def test_replicates_are_in_the_order_of_their_numbers(paths):
    paths.replicates.mkdir()
    for name in ("10.pt", "2.pt", ".3.pt.part"):
        (paths.replicates / name).touch()
    assert paths.replicate_weights() == {2: paths.replicates / "2.pt", 10: paths.replicates / "10.pt"}
    assert paths.replicate(2) == paths.replicates / "2.pt"


@pytest.mark.parametrize("name", ["first.pt", "2.onnx", "-2.pt"])
def test_other_files_among_the_replicates_are_one_line(paths, name):
    paths.replicates.mkdir()
    (paths.replicates / name).touch()
    with pytest.raises(StrataError, match="is not a network's number; run `dvc repro -f replicate`"):
        paths.replicate_weights()
