"""Provenance: artifacts of different origin are not joined, and the message says which and in what they differ."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.core.errors import StrataError

FIRST = Provenance("test", "0123456789abcdef" * 4, "fedcba9876543210" * 4)
ONE, OTHER = Path("data/h1.parquet"), Path("data/h2.parquet")


def test_provenance_is_the_split_and_the_checksums_of_model_and_dataset_json(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "dataset.json").write_bytes(b"{}")
    assert Provenance.of("train", tmp_path / "model.pt", tmp_path) == Provenance(
        "train", hashlib.sha256(b"weights").hexdigest(), hashlib.sha256(b"{}").hexdigest()
    )


def test_a_missing_checkpoint_is_named(tmp_path):
    (tmp_path / "dataset.json").write_bytes(b"{}")
    with pytest.raises(StrataError) as caught:
        Provenance.of("test", tmp_path / "model.pt", tmp_path)
    assert str(caught.value) == f"{tmp_path / 'model.pt'} is missing; run `dvc repro -f train`"


def test_metadata_survive_the_round_trip():
    assert Provenance.from_metadata({**FIRST.metadata(), "layer": "h1"}, ONE) == FIRST


@pytest.mark.parametrize("field", ["split", "model_sha256", "data_sha256"])
def test_incomplete_metadata_are_refused(field):
    metadata = FIRST.metadata()
    del metadata[field]
    with pytest.raises(StrataError) as caught:
        Provenance.from_metadata(metadata, ONE)
    assert (
        str(caught.value)
        == f"data/h1.parquet has no {field} in its metadata: it was not written by Strata; run `dvc repro`"
    )


def test_the_same_origin_passes():
    check_same_origin(FIRST, ONE, replace(FIRST), OTHER)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("split", "train", "test and train"),
        ("model_sha256", "9" * 64, "0123456789ab and 999999999999"),
        ("data_sha256", "8" * 64, "fedcba987654 and 888888888888"),
    ],
)
def test_another_origin_is_refused_with_both_paths_and_the_field(field, value, shown):
    with pytest.raises(StrataError) as caught:
        check_same_origin(FIRST, ONE, replace(FIRST, **{field: value}), OTHER)
    assert str(caught.value) == (
        f"data/h1.parquet and data/h2.parquet do not belong together: their {field} differ ({shown}); run `dvc repro`"
    )


def test_the_same_samples_pass():
    check_same_samples(np.array([0, 2], np.int32), ONE, np.array([0, 2], np.int32), OTHER)


@pytest.mark.parametrize("ids", [[0, 1, 2], [0, 3], [2, 0], []])
def test_other_samples_are_refused_with_both_paths(ids):
    with pytest.raises(StrataError) as caught:
        check_same_samples(np.array([0, 2], np.int32), ONE, np.array(ids, np.int32), OTHER)
    assert str(caught.value) == (
        f"data/h1.parquet and data/h2.parquet do not hold the same samples (2 and {len(ids)}); run `dvc repro`"
    )
