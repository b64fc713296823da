"""Files of the measure stage: what is written is read, value by value, and what is not of the form is refused."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strata.artifacts.measured import (
    MAP_COLUMNS,
    POINT_COLUMNS,
    SAMPLE_COLUMNS,
    LayerPoints,
    SampleDecisions,
    StabilityMap,
    read_decisions,
    read_points,
    read_stability_maps,
    write_decisions,
    write_points,
    write_stability_maps,
)
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

ORIGIN = Provenance("test", "a" * 64, "b" * 64)
NAN = float("nan")


def ids(*values):
    return np.array(values, dtype=np.int32)


def shares(*values):
    return np.array(values, dtype=np.float32)


DECISIONS = SampleDecisions(
    sample_id=ids(0, 3, 70_000),
    commit_layer=np.array([0, 6, 7], dtype=np.int16),
    flips=np.array([6, 0, 1], dtype=np.int16),
    late=np.array([True, False, True]),
    flip_flopper=np.array([True, False, False]),
    right_then_lost=np.array([False, False, True]),
)
POINTS = LayerPoints(
    sample_id=ids(0, 3, 70_000),
    vote=np.array([9, 0, 4], dtype=np.int16),
    hit=shares(0, 0.5, 1),
    recall=shares(0.1, 0.2, 0.3),
    trustworthiness=shares(0.4, 0.5, 0.6),
    continuity=shares(0.7, 0.8, 0.9),
    false_neighbours=shares(0, 0.25, 1),
    missing_neighbours=shares(1, 0.75, 0),
    drift=shares(NAN, NAN, NAN),
    stability=shares(0.5, NAN, 1 / 3),
    neighbours=np.array([[3, 70_000], [70_000, 0], [0, 3]], dtype=np.int32),
)
# Not in alphabetical or numerical order: the order written is to be kept.
MAPS = [
    StabilityMap("input", 30.0, ids(3, 0), np.array([[1.5, -2], [0.25, 8]], dtype=np.float32)),
    StabilityMap("input", 2.5, ids(3, 0), np.array([[-1e-3, 0], [1e30, 1 / 3]], dtype=np.float32)),
    StabilityMap("h1", 30.0, ids(0, 70_000), np.array([[7, 6], [5, 4]], dtype=np.float32)),
]


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, content, how it is written and read, and the types of its columns."""

    name: str
    content: Any
    write: Any
    read: Any
    columns: dict[str, pa.DataType]


NEIGHBOURS = {"neighbours": pa.list_(pa.int32(), 2)}
KINDS = [
    Kind("samples", DECISIONS, write_decisions, read_decisions, SAMPLE_COLUMNS),
    Kind("points", POINTS, write_points, read_points, POINT_COLUMNS | NEIGHBOURS),
    Kind("maps", MAPS, write_stability_maps, read_stability_maps, MAP_COLUMNS),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
every_column = pytest.mark.parametrize(
    ("kind", "column"), [pytest.param(kind, name, id=f"{kind.name}-{name}") for kind in KINDS for name in kind.columns]
)


@pytest.fixture
def written(tmp_path):
    """A function that writes a kind of file and returns its path."""

    def write(kind):
        path = tmp_path / f"{kind.name}.parquet"
        kind.write(path, kind.content, ORIGIN)
        return path

    return write


def read_error(kind, path):
    """Return the text of the StrataError that reading ends in."""
    with pytest.raises(StrataError) as caught:
        kind.read(path)
    return str(caught.value)


def expected_error(kind, path, column):
    """Return what is said of a column that is missing or of another type."""
    if column == "neighbours":
        return f"{path}: column 'neighbours' must be a fixed-size list of int32; run `dvc repro -f measure`"
    return f"{path}: column '{column}' must be {kind.columns[column]} without nulls; run `dvc repro -f`"


def assert_same(found, expected):
    """Compare two dataclasses of arrays: types, and values with NaN where NaN is expected."""
    assert type(found) is type(expected)
    for field in fields(expected):
        left, right = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(right, np.ndarray):
            assert left.dtype == right.dtype, field.name
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("kind", KINDS[:2], ids=lambda kind: kind.name)
def test_a_table_survives_the_round_trip(written, kind):
    found, origin = kind.read(written(kind))
    assert_same(found, kind.content)
    assert origin == ORIGIN


def test_maps_survive_the_round_trip_in_their_order(written):
    found, origin = read_stability_maps(written(KINDS[2]))
    assert len(found) == len(MAPS)
    for one, expected in zip(found, MAPS, strict=True):
        assert_same(one, expected)
    assert origin == ORIGIN


def test_values_of_a_wider_type_are_narrowed(tmp_path):
    path = tmp_path / "points.parquet"
    wide = replace(POINTS, neighbours=POINTS.neighbours.astype(np.int64), recall=POINTS.recall.astype(np.float64))
    write_points(path, wide, ORIGIN)
    assert_same(read_points(path)[0], POINTS)


def test_one_neighbour_stays_a_list(tmp_path):
    path = tmp_path / "points.parquet"
    single = replace(POINTS, neighbours=POINTS.neighbours[:, :1])
    write_points(path, single, ORIGIN)
    assert pq.read_schema(path).field("neighbours").type == pa.list_(pa.int32(), 1)
    assert_same(read_points(path)[0], single)


def test_rows_of_neighbours_stay_together_where_they_lie_apart_in_memory(tmp_path):
    path = tmp_path / "points.parquet"
    write_points(path, replace(POINTS, neighbours=np.asfortranarray(POINTS.neighbours)), ORIGIN)
    assert_same(read_points(path)[0], POINTS)


@every_kind
def test_the_columns_of_the_file(written, kind):
    schema = pq.read_schema(written(kind))
    assert dict(zip(schema.names, schema.types, strict=True)) == kind.columns


@every_kind
def test_no_value_is_null_though_some_are_undefined(written, kind):
    table = pq.read_table(written(kind))
    assert [table[name].null_count for name in table.column_names] == [0] * table.num_columns


@every_kind
def test_the_file_says_its_origin_and_no_more(written, kind):
    metadata = pq.read_schema(written(kind)).metadata
    assert metadata == {b"split": b"test", b"model_sha256": b"a" * 64, b"data_sha256": b"b" * 64}


@every_kind
def test_the_same_content_gives_the_same_bytes(written, kind, tmp_path):
    other = tmp_path / "again/other.parquet"
    kind.write(other, kind.content, ORIGIN)
    assert other.read_bytes() == written(kind).read_bytes()
    assert [path.name for path in other.parent.iterdir()] == ["other.parquet"]


@every_column
def test_a_missing_column_is_named(written, kind, column):
    path = written(kind)
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    assert read_error(kind, path) == expected_error(kind, path, column)


@every_column
def test_a_column_of_another_type_is_named(written, kind, column):
    path = written(kind)
    table = pq.read_table(path)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(["text"] * table.num_rows, pa.large_string())), path)
    assert read_error(kind, path) == expected_error(kind, path, column)


@every_column
def test_a_column_with_a_null_is_named(written, kind, column):
    path = written(kind)
    table = pq.read_table(path)
    values = [None, *table[column].to_pylist()[1:]]
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values, kind.columns[column])), path)
    assert read_error(kind, path).startswith(f"{path}: column '{column}' must be ")


@pytest.mark.parametrize("other", [pa.list_(pa.int32()), pa.list_(pa.int64(), 2), pa.list_(pa.float32(), 2)], ids=str)
def test_neighbours_in_a_list_of_another_kind_are_refused(written, other):
    path = written(KINDS[1])
    table = pq.read_table(path)
    place = table.column_names.index("neighbours")
    pq.write_table(table.set_column(place, "neighbours", table["neighbours"].cast(other)), path)
    assert read_error(KINDS[1], path) == expected_error(KINDS[1], path, "neighbours")


def test_a_null_among_the_neighbours_is_refused(written):
    path = written(KINDS[1])
    table = pq.read_table(path)
    lists = pa.array([[None, 3], *table["neighbours"].to_pylist()[1:]], NEIGHBOURS["neighbours"])
    pq.write_table(table.set_column(table.column_names.index("neighbours"), "neighbours", lists), path)
    message = read_error(KINDS[1], path)
    assert message.startswith(f"{path}") and "neighbours" in message and len(message.splitlines()) == 1


@every_kind
@pytest.mark.parametrize("key", ["split", "model_sha256", "data_sha256"])
def test_a_file_that_does_not_say_its_origin_is_refused(written, kind, key):
    path = written(kind)
    table = pq.read_table(path)
    kept = {name: value for name, value in table.schema.metadata.items() if name.decode() != key}
    pq.write_table(table.replace_schema_metadata(kept), path)
    assert (
        read_error(kind, path) == f"{path} has no {key} in its metadata: it was not written by Strata; run `dvc repro`"
    )


@every_kind
def test_a_missing_file_is_named(kind, tmp_path):
    assert read_error(kind, tmp_path / "none.parquet") == f"{tmp_path / 'none.parquet'} is missing; run `dvc repro`"


@every_kind
def test_a_truncated_file_is_refused(written, kind):
    path = written(kind)
    path.write_bytes(path.read_bytes()[:-1])
    message = read_error(kind, path)
    assert message.startswith(f"{path} is damaged or not Parquet: ") and len(message.splitlines()) == 1


@every_kind
def test_a_file_whose_data_are_damaged_is_refused(written, kind):
    path = written(kind)
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    content = bytearray(path.read_bytes())
    start = chunk.data_page_offset if chunk.dictionary_page_offset is None else chunk.dictionary_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(bytes(content))
    message = read_error(kind, path)
    assert message.startswith(f"{path} is damaged or not Parquet: ") and len(message.splitlines()) == 1
