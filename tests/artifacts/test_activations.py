"""Files of activations: what is written is read, and whatever is not of the form is refused by name."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strata.artifacts.activations import (
    ActivationWriter,
    LayerInfo,
    as_stored,
    iterate_activations,
    read_activations,
    read_info,
    read_one_activation,
    repeats_itself,
)
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

INFO = LayerInfo("h2", (2, 3), Provenance("test", "a" * 64, "b" * 64))
VALUES = np.arange(42, dtype=np.float32).reshape(7, 2, 3) / 8


@pytest.fixture
def path(tmp_path):
    return tmp_path / "h2.parquet"


def write(path, sizes=(3, 3, 1), ids=None, values=VALUES):
    """Write 7 samples of 2 x 3 units in batches of the sizes given."""
    ids = np.arange(7, dtype=np.int32) if ids is None else np.array(ids, dtype=np.int32)
    with ActivationWriter(path, INFO) as writer:
        start = 0
        for size in sizes:
            writer.write(ids[start : start + size], values[start : start + size])
            start += size


def write_columns(path, ids, activations, metadata=None):
    """Write a Parquet file with any columns under the metadata of INFO."""
    metadata = INFO.schema().metadata if metadata is None else metadata
    pq.write_table(pa.table({"sample_id": ids, "activation": activations}).replace_schema_metadata(metadata), path)


def read_error(path, read=read_activations):
    """Return the text of the StrataError that reading ends in."""
    with pytest.raises(StrataError) as caught:
        read(path)
    return str(caught.value)


def test_values_and_ids_survive_the_round_trip(path):
    write(path, ids=[0, 1, 2, 5, 6, 9, 40])
    activations = read_activations(path)
    assert activations.sample_ids.tolist() == [0, 1, 2, 5, 6, 9, 40]
    assert (activations.sample_ids.dtype, activations.values.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(activations.values, VALUES.reshape(7, 6))


def test_float16_takes_half_of_the_bytes_and_is_read_as_the_nearest_float32(path):
    values = np.random.default_rng(0).normal(size=(200, 2, 3)).astype(np.float32)
    sizes = {}
    for dtype in ("float32", "float16"):
        with ActivationWriter(path, replace(INFO, dtype=dtype)) as writer:
            writer.write(np.arange(200, dtype=np.int32), values)
        sizes[dtype] = pq.ParquetFile(path).metadata.row_group(0).column(1).total_uncompressed_size
    found = read_activations(path)
    assert found.info.dtype == read_info(path).dtype == "float16" and found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, values.reshape(200, 6).astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(found.values, values.reshape(200, 6), rtol=2**-11)
    assert read_one_activation(path, 7).tobytes() == found.values[7].tobytes()
    assert sizes["float16"] < 0.55 * sizes["float32"]


@pytest.mark.parametrize("sign", [1, -1])
def test_what_float16_cannot_hold_is_refused(path, sign):
    as_stored(np.array([[sign * 65504.0]], dtype=np.float32), "float16", "h2")
    with pytest.raises(StrataError) as caught, ActivationWriter(path, replace(INFO, dtype="float16")) as writer:
        writer.write(np.arange(7, dtype=np.int32), VALUES + np.float32(sign * 65505))
    assert str(caught.value).startswith(
        "layer 'h2': an activation of 6.55e+04 is beyond float16, which ends at 65504; "
    )
    assert not path.exists()


def test_only_values_that_repeat_get_a_dictionary(path):
    grey = np.random.default_rng(0).integers(0, 200, (20, 2, 3000)).astype(np.float32)
    drawn = np.random.default_rng(1).normal(size=grey.shape).astype(np.float32)
    assert repeats_itself(grey) and not repeats_itself(drawn)
    for repeats in (True, False):
        with ActivationWriter(path, replace(INFO, shape=(2, 3000)), repeats) as writer:
            writer.write(np.arange(20, dtype=np.int32), grey)
        assert pq.ParquetFile(path).metadata.row_group(0).column(1).has_dictionary_page == repeats
        np.testing.assert_array_equal(read_activations(path).values, grey.reshape(20, 6000))


def test_the_file_says_its_layer_shape_and_origin(path):
    write(path)
    assert read_info(path) == INFO == read_activations(path).info
    assert INFO.units == 6


def test_metadata_are_text_that_any_program_reads(path):
    write(path)
    assert pq.read_schema(path).metadata == {
        b"layer": b"h2",
        b"shape": b"[2, 3]",
        b"split": b"test",
        b"model_sha256": b"a" * 64,
        b"data_sha256": b"b" * 64,
    }


def test_each_write_is_one_row_group(path):
    write(path, sizes=(3, 3, 1))
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [3, 3, 1]


def test_iteration_yields_the_batches_as_written(path):
    write(path, sizes=(2, 4, 1))
    batches = list(iterate_activations(path))
    assert [batch.sample_ids.tolist() for batch in batches] == [[0, 1], [2, 3, 4, 5], [6]]
    np.testing.assert_array_equal(np.concatenate([batch.values for batch in batches]), VALUES.reshape(7, 6))


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write(path)
    write(tmp_path / "other/name.parquet")
    assert path.read_bytes() == (tmp_path / "other/name.parquet").read_bytes()


def test_one_activation_comes_in_the_shape_of_the_layer_from_its_row_group_alone(path, monkeypatch):
    write(path)
    groups, read_row_group = [], pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda file, group, columns: groups.append((group, columns)) or read_row_group(file, group, columns),
    )
    np.testing.assert_array_equal(read_one_activation(path, 4), VALUES[4])
    assert groups == [(0, ["sample_id"]), (1, ["sample_id"]), (1, ["sample_id", "activation"])]


@pytest.mark.parametrize("sample", [-1, 7, 3])
def test_a_sample_that_is_not_there_is_named(path, sample):
    write(path, ids=[0, 1, 2, 4, 5, 6, 8])
    message = read_error(path, lambda path: read_one_activation(path, sample))
    assert message == f"{path} holds no sample {sample}; choose another report.sample_id"


@pytest.mark.parametrize("ids", [[0, 2, 1, 3, 4, 5, 6], [0, 1, 1, 3, 4, 5, 6], [0, 1, 2, 2, 3, 4, 5], [-1, *range(6)]])
def test_ids_that_do_not_ascend_are_refused(path, ids):
    write(path, ids=ids)
    assert read_error(path) == f"{path}: sample ids must ascend; run `dvc repro -f extract`"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(path, bad):
    values = VALUES.copy()
    values[5, 1, 2] = bad
    write(path, values=values)
    expected = f"{path}: activations must be finite; check the training, then run `dvc repro -f extract`"
    assert read_error(path) == expected


@pytest.mark.parametrize(
    ("ids", "rows"),
    [([0, None], [[1.0, 2.0]] * 2), ([0, 1], [[1.0, 2.0], None]), ([0, 1], [[1.0, 2.0], [None, 3.0]])],
    ids=["id", "row", "value"],
)
def test_nulls_are_refused(path, ids, rows):
    metadata = LayerInfo("h", (2,), INFO.provenance).schema().metadata
    write_columns(path, pa.array(ids, pa.int32()), pa.array(rows, pa.list_(pa.float32(), 2)), metadata)
    assert read_error(path) == f"{path}: some activations are null; run `dvc repro -f extract`"


def test_a_file_without_samples_is_refused(path):
    write(path, sizes=())
    assert read_error(path) == f"{path} holds no samples; run `dvc repro -f extract`"


def test_a_missing_file_is_named(path):
    assert read_error(path) == f"{path} is missing; run `dvc repro`"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"sample_id,activation\n0,1\n"])
def test_what_is_not_parquet_is_refused(path, content):
    path.write_bytes(content)
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")


def test_a_truncated_file_is_refused(path):
    write(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")


def test_damaged_data_are_refused(path):
    write(path)
    content = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(1).data_page_offset
    content[start : start + 40] = bytes(40)
    path.write_bytes(content)
    message = read_error(path)
    assert message.startswith(f"{path} is damaged or not Parquet: ") and "\n" not in message


@pytest.mark.parametrize("name", [b"sample_id", b"activation"])
def test_names_of_columns_that_are_no_longer_text_are_refused(path, name):
    write(path)
    path.write_bytes(path.read_bytes().replace(name, b"\xff" + name[1:]))
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")


def test_a_key_that_is_no_longer_text_does_no_harm_as_parquet_keeps_a_second_copy(path):
    write(path)
    path.write_bytes(path.read_bytes().replace(b"layer", b"\xffayer"))
    assert read_info(path) == INFO


@pytest.mark.parametrize(
    ("ids", "activations"),
    [
        (pa.array([0], pa.int64()), pa.array([[1.0] * 6], pa.list_(pa.float32(), 6))),
        (pa.array([0], pa.int32()), pa.array([[1.0] * 6], pa.list_(pa.float64(), 6))),
        (pa.array([0], pa.int32()), pa.array([[1.0] * 5], pa.list_(pa.float32(), 5))),
        (pa.array([0], pa.int32()), pa.array([[1.0] * 6], pa.list_(pa.float32()))),
    ],
    ids=["id type", "value type", "length", "no fixed length"],
)
def test_wrong_columns_are_refused(path, ids, activations):
    write_columns(path, ids, activations)
    assert read_error(path) == f"{path}: columns must be sample_id int32 and activation float32[6]"


@pytest.mark.parametrize(
    "change", [{"shape": None}, {"layer": None}, {"shape": "2 x 3"}, {"shape": "6"}, {"shape": '["a"]'}]
)
def test_metadata_without_layer_or_shape_are_refused(path, change):
    metadata = {"layer": "h2", "shape": "[2, 3]", **INFO.provenance.metadata(), **change}
    kept = {key: value for key, value in metadata.items() if value is not None}
    write_columns(path, pa.array([0], pa.int32()), pa.array([[1.0] * 6], pa.list_(pa.float32(), 6)), kept)
    assert (
        read_error(path)
        == f"{path} is not a file of activations: its metadata has no layer and shape; run `dvc repro -f extract`"
    )


def test_an_error_while_writing_leaves_no_file(path, tmp_path):
    with pytest.raises(ZeroDivisionError), ActivationWriter(path, INFO) as writer:
        writer.write(np.arange(7, dtype=np.int32), VALUES)
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_leaves_the_file_before_as_it_was(path, tmp_path):
    write(path)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), ActivationWriter(path, INFO):
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
