"""samples.parquet: what is written is read, and what is not of the form is refused by name."""

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import COLUMNS, Samples, described_samples, read_samples, write_samples
from strata.core.errors import StrataError

PROVENANCE = Provenance("both", "a" * 64, "b" * 64)
SAMPLES = Samples(
    sample_id=np.array([0, 1, 2], dtype=np.int32),
    split=np.array(["train", "train", "test"]),
    label=np.array([7, 2, 1], dtype=np.int16),
    predicted=np.array([7, 3, 1], dtype=np.int16),
    log_probability=np.array([-0.1, -2.5, -0.01], dtype=np.float32),
    confidence=np.array([0.9, 0.6, 0.99], dtype=np.float32),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "samples.parquet"
    write_samples(path, SAMPLES, PROVENANCE)
    return path


def rewrite(path, change):
    """Write the file again with `change` applied to its table."""
    pq.write_table(change(pq.read_table(path)), path)


def read_error(path):
    """Return the text of the StrataError that reading ends in."""
    with pytest.raises(StrataError) as caught:
        read_samples(path)
    return str(caught.value)


def test_every_column_and_the_origin_survive_the_round_trip(path):
    samples, provenance = read_samples(path)
    assert provenance == PROVENANCE
    for field in fields(Samples):
        expected, read = getattr(SAMPLES, field.name), getattr(samples, field.name)
        if expected is None:
            assert read is None
            continue
        np.testing.assert_array_equal(read, expected)
        assert read.dtype.kind == expected.dtype.kind and (read.dtype == expected.dtype or field.name == "split")


def test_the_columns_of_the_file(path):
    schema = pq.read_schema(path)
    assert dict(zip(schema.names, schema.types, strict=True)) == COLUMNS
    assert schema.metadata == {b"split": b"both", b"model_sha256": b"a" * 64, b"data_sha256": b"b" * 64}


def test_the_same_samples_give_the_same_bytes(path, tmp_path):
    write_samples(tmp_path / "again/other.parquet", SAMPLES, PROVENANCE)
    assert (tmp_path / "again/other.parquet").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(path, name):
    rewrite(path, lambda table: table.drop_columns([name]))
    assert read_error(path) == f"{path}: column '{name}' must be {COLUMNS[name]} without nulls; run `dvc repro -f`"


def test_a_column_of_another_type_is_named(path):
    rewrite(path, lambda table: table.set_column(2, "label", table["label"].cast(pa.int64())))
    assert read_error(path) == f"{path}: column 'label' must be int16 without nulls; run `dvc repro -f`"


def test_a_null_is_refused(path):
    rewrite(path, lambda table: table.set_column(1, "split", pa.array(["train", None, "test"])))
    assert read_error(path) == f"{path}: column 'split' must be string without nulls; run `dvc repro -f`"


@pytest.mark.parametrize("field", ["split", "model_sha256", "data_sha256"])
def test_a_file_that_does_not_say_its_origin_is_refused(path, field):
    kept = {key: value for key, value in PROVENANCE.metadata().items() if key != field}
    rewrite(path, lambda table: table.replace_schema_metadata(kept))
    assert read_error(path) == f"{path} has no {field} in its metadata: it was not written by Strata; run `dvc repro`"


def test_a_missing_file_is_named(tmp_path):
    assert read_error(tmp_path / "none.parquet") == f"{tmp_path / 'none.parquet'} is missing; run `dvc repro`"


def test_a_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-1])
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")


def test_a_split_that_is_no_longer_text_is_refused(path):
    broken = pa.StringArray.from_buffers(
        3, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"\xff\xfe\xfd")
    )
    rewrite(path, lambda table: table.set_column(1, "split", broken))
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")


LOGS = np.log(np.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]], dtype=np.float32))
LABELS, SPLITS, TARGETS = np.array([1, 2]), np.array(["test", "test"]), np.array([[1, 2], [3, 4]], dtype=np.float32)


@pytest.mark.parametrize(
    ("known", "columns"),
    [
        ({}, []),
        ({"labels": LABELS}, ["label"]),
        ({"log_probabilities": LOGS}, ["predicted", "confidence"]),
        ({"labels": LABELS, "log_probabilities": LOGS}, ["label", "predicted", "log_probability", "confidence"]),
        ({"targets": TARGETS}, ["targets"]),
        ({"targets": TARGETS, "output": -TARGETS}, ["targets", "output"]),
    ],
)
def test_samples_have_the_columns_of_what_is_known(known, columns, tmp_path):
    path = tmp_path / "samples.parquet"
    samples = described_samples(SPLITS, **known)
    write_samples(path, samples, PROVENANCE)
    assert pq.read_schema(path).names == ["sample_id", "split", *columns]
    found, _ = read_samples(path)
    for field in fields(Samples):
        expected, read = getattr(samples, field.name), getattr(found, field.name)
        assert (read is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(read, expected)
    if "log_probabilities" in known:
        assert found.predictions.tolist() == [0, 2]
        np.testing.assert_allclose(found.confidences, [0.7, 0.5], rtol=1e-6)
    if {"labels", "log_probabilities"} <= set(known):
        np.testing.assert_allclose(found.log_probability, np.log([0.2, 0.5]), rtol=1e-6)
    if "labels" not in known:
        with pytest.raises(ValueError, match="these samples have no labels"):
            _ = found.labels


def test_what_is_known_of_other_samples_or_classes_is_refused():
    with pytest.raises(ValueError, match="2 samples, but 3 of what is known of them"):
        described_samples(SPLITS, np.array([0, 1, 1]))
    for wrong in (np.array([0, 3]), np.array([-1, 0])):
        with pytest.raises(ValueError, match="labels must be 0 to 2"):
            described_samples(SPLITS, wrong, LOGS)


@pytest.mark.parametrize("column", ["predicted", "confidence", "log_probability"])
def test_a_part_of_what_goes_together_is_no_less_than_damage(path, column):
    rewrite(path, lambda table: table.drop_columns([column]))
    assert f"column '{column}' must be" in read_error(path)
