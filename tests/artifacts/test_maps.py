"""Files of maps: what is written is read, and what is not of the form is refused by name."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from strata.artifacts.maps import COLUMNS, METADATA, LayerMap, MapMethod, read_map, write_map
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

METHOD = MapMethod(
    "umap",
    "UMAP",
    "UMAP with “15” neighbours",
    "UMAP, 500 epochs.",
    ("Sizes mean little.", "So do distances: 1 < 2."),
    {"neighbours": "15", "epochs": "500"},
    "All maps start from “input”.",
)
MAP = LayerMap(
    "h3",
    np.array([0, 3, 4], dtype=np.int32),
    np.array([[1.5, -2.0], [0.25, 8.0], [-3.0, 0.0]], dtype=np.float32),
    METHOD,
    Provenance("test", "a" * 64, "b" * 64),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "h3.parquet"
    write_map(path, MAP)
    return path


def read_error(path):
    """Return the text of the StrataError that reading ends in."""
    with pytest.raises(StrataError) as caught:
        read_map(path)
    return str(caught.value)


def without(path, *keys):
    """Write the file again without some of its metadata."""
    table = pq.read_table(path)
    kept = {key: value for key, value in table.schema.metadata.items() if key.decode() not in keys}
    pq.write_table(table.replace_schema_metadata(kept), path)


def test_a_map_survives_the_round_trip(path):
    read = read_map(path)
    assert (read.layer, read.method, read.provenance) == (MAP.layer, METHOD, MAP.provenance)
    assert read.settings == {"neighbours": "15", "epochs": "500"}
    np.testing.assert_array_equal(read.sample_ids, MAP.sample_ids)
    np.testing.assert_array_equal(read.points, MAP.points)
    assert (read.sample_ids.dtype, read.points.dtype) == (np.int32, np.float32)


def test_a_map_from_before_starts_were_recorded_says_nothing_of_its_start(path):
    without(path, "start")
    assert read_map(path).method == replace(METHOD, start="")


def test_the_columns_of_the_file(path):
    schema = pq.read_schema(path)
    assert dict(zip(schema.names, schema.types, strict=True)) == COLUMNS


def test_the_same_map_gives_the_same_bytes(path, tmp_path):
    write_map(tmp_path / "again/other.parquet", MAP)
    assert (tmp_path / "again/other.parquet").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(path, name):
    pq.write_table(pq.read_table(path).drop_columns([name]), path)
    assert read_error(path) == f"{path}: column '{name}' must be {COLUMNS[name]} without nulls; run `dvc repro -f`"


@pytest.mark.parametrize("key", METADATA)
def test_missing_metadata_are_named(path, key):
    without(path, key)
    assert read_error(path) == f"{path} is not a map: its metadata lacks {key}; run `dvc repro -f embed`"


def test_all_missing_metadata_are_named(path):
    without(path, "layer", "method", "settings")
    lacking = "its metadata lacks layer, method, settings"
    assert read_error(path) == f"{path} is not a map: {lacking}; run `dvc repro -f embed`"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("settings", ""),
        ("settings", "[]"),
        ("settings", '{"neighbours": 15}'),
        ("settings", '{"neighbours": "15"'),
        ("caveats", "{}"),
        ("caveats", "[1]"),
        ("caveats", "[" * 100_000),
    ],
    ids=repr,
)
def test_damaged_metadata_are_one_line(path, key, text):
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(table.schema.metadata | {key.encode(): text.encode()}), path)
    assert read_error(path) == f"{path} is damaged: its {key} cannot be read; run `dvc repro -f embed`"


def test_a_map_that_does_not_say_its_origin_is_refused(path):
    without(path, "model_sha256")
    assert (
        read_error(path) == f"{path} has no model_sha256 in its metadata: it was not written by Strata; run `dvc repro`"
    )


def test_a_missing_file_is_named(tmp_path):
    assert read_error(tmp_path / "none.parquet") == f"{tmp_path / 'none.parquet'} is missing; run `dvc repro`"


def test_a_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-1])
    assert read_error(path).startswith(f"{path} is damaged or not Parquet: ")
