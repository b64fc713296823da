"""The times whose weights were kept are told from the names of files and folders, in order."""

import pytest

from strata.artifacts.run import kept_folders, kept_weights
from strata.core.errors import StrataError


def test_weights_are_in_the_order_of_their_times(tmp_path):
    for name in ("10.pt", "0.1.pt", "2.pt", "0.pt", ".2.pt.part"):
        (tmp_path / name).touch()
    found = kept_weights(tmp_path)
    assert list(found) == ["0", "0.1", "2", "10"]
    assert found["0.1"] == tmp_path / "0.1.pt"


def test_folders_are_in_the_order_of_their_times(tmp_path):
    for name in ("3", "0.25", "0"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert kept_folders(tmp_path) == {name: tmp_path / "checkpoints" / name for name in ("0", "0.25", "3")}


def test_nothing_is_kept_by_default(tmp_path):
    assert kept_weights(tmp_path) == kept_folders(tmp_path) == {}


@pytest.mark.parametrize("name", ["last.pt", "nan.pt", "inf.pt", "-1.pt"])
def test_other_names_are_one_line(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(StrataError, match="is no time in epochs; run `dvc repro -f train`"):
        kept_weights(tmp_path)
