"""What was measured, read for the report: value by value, and refused where it belongs to another run or is damaged."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from strata.artifacts.measure_registry import write_registry
from strata.artifacts.measured import (
    LayerPoints,
    SampleDecisions,
    StabilityMap,
    write_decisions,
    write_points,
    write_stability_maps,
)
from strata.artifacts.provenance import Provenance
from strata.artifacts.tables import check_commit_layers, read_csv, read_measures
from strata.core.errors import StrataError
from strata.core.files import write_csv
from strata.core.paths import Paths
from strata.measures.registry import REGISTRY

ORIGIN = Provenance("test", "a" * 64, "b" * 64)
LAYERS = ["input", "h1"]
SAMPLE_IDS = np.arange(0, 20, 2, dtype=np.int32)
MEASURED = np.array([2, 4, 10, 18], dtype=np.int32)
ROWS = [1, 2, 5, 9]
TABLES = {
    "table": pd.DataFrame(
        {
            "layer": ["input", "h1", "h1"],
            "measure": ["dead_share", "knn_accuracy", "knn_accuracy"],
            "value": [0.123457, 1.0, 3.21e-5],
            "low": [np.nan, 0.5, np.nan],
            "high": [np.nan, 0.75, np.nan],
            "control": ["none", "none", "shuffled labels"],
        }
    ),
    "cka": pd.DataFrame(
        {"layer": ["input"], "other_layer": ["h1"], "value": [np.nan], "low": [0.1], "high": [0.2], "control": ["none"]}
    ),
    "networks": pd.DataFrame(
        {"network": [1], "layer": ["h1"], "measure": ["zero_share"], "value": [0.5], "low": [np.nan], "high": [np.nan]}
    ),
    "between": pd.DataFrame(
        {
            "measure": ["cka"],
            "network": [1],
            "layer": ["input"],
            "other_network": ["untrained"],
            "other_layer": ["h1"],
            "value": [0.25],
            "low": [0.125],
            "high": [0.5],
        }
    ),
    "dimension": pd.DataFrame(
        {
            "layer": LAYERS,
            "estimator": ["linear_fit", "maximum_likelihood"],
            "points": [4, 2],
            "value": [2.5, 1.25],
            "low": [2.0, np.nan],
            "high": [3.0, np.nan],
            "control": ["none", "none"],
        }
    ),
    "stability": pd.DataFrame(
        {"layer": LAYERS, "perplexity": [2.5, 7.5], "points": [3, 3], "runs": [2, 2], "knn_overlap": [0.5, 0.25]}
    ),
    "pairs": pd.DataFrame(
        {
            "layer": LAYERS,
            "class": [0, 1],
            "other_class": [1, 1],
            "separability": [0.75, np.nan],
            "low": [0.5, np.nan],
            "high": [1.0, np.nan],
            "rise": [np.nan, 0.25],
            "rise_low": [np.nan, 0.125],
            "rise_high": [np.nan, 0.5],
            "control": ["none", "untrained"],
        }
    ),
}


# Table -> the stem of its file.
FILES = {name: name for name in TABLES} | {
    "table": "measures",
    "between": "between_networks",
    "dimension": "intrinsic_dimension",
    "pairs": "class_pairs",
}


def points_of(seed):
    rng = np.random.default_rng(seed)
    shares = {field.name: rng.random(len(MEASURED)).astype(np.float32) for field in fields(LayerPoints)[2:-1]}
    return LayerPoints(
        sample_id=MEASURED,
        vote=rng.integers(0, 10, len(MEASURED)).astype(np.int16),
        **shares | {"drift": np.full(len(MEASURED), np.nan, np.float32)},
        neighbours=np.array([[4, 10], [2, 18], [18, 4], [10, 2]], dtype=np.int32),
    )


DECISIONS = SampleDecisions(
    sample_id=MEASURED,
    commit_layer=np.array([2, 0, 1, 1], dtype=np.int16),
    flips=np.array([1, 0, 0, 1], dtype=np.int16),
    late=np.array([True, False, False, True]),
    flip_flopper=np.array([False, False, True, False]),
    right_then_lost=np.array([False, True, False, False]),
)
POINTS = {layer: points_of(place) for place, layer in enumerate(LAYERS)}
MAPS = [
    StabilityMap("input", 5.0, MEASURED[:2], np.array([[1, 2], [3, 4]], dtype=np.float32)),
    StabilityMap("h1", 3.0, MEASURED[:2], np.array([[-1, 0.5], [0, 1e-3]], dtype=np.float32)),
]
PARQUET = ("samples.parquet", "points/input.parquet", "points/h1.parquet", "stability_maps.parquet")
every_table = pytest.mark.parametrize("name", TABLES)
every_file = pytest.mark.parametrize("name", PARQUET)


def write_measured(folder, name, origin=ORIGIN, decisions=DECISIONS, points=POINTS, maps=MAPS):
    """Write one of the Parquet files."""
    path = folder / "measures" / name
    if name == "samples.parquet":
        write_decisions(path, decisions, origin)
    elif name == "stability_maps.parquet":
        write_stability_maps(path, maps, origin)
    else:
        write_points(path, points[path.stem], origin)


@pytest.fixture
def written(tmp_path):
    """A folder with measures/ and a CSV a table."""
    for name in PARQUET:
        write_measured(tmp_path, name)
    write_registry(tmp_path / "measures/registry.json", REGISTRY)
    for name, table in TABLES.items():
        write_csv(tmp_path / f"{FILES[name]}.csv", table)
    return tmp_path


def load(folder, layers=LAYERS, sample_ids=SAMPLE_IDS):
    return read_measures(Paths.of(folder, folder), layers, sample_ids, ORIGIN)


def load_error(folder, **changes):
    """Return the text of the StrataError that loading ends in, one line."""
    with pytest.raises(StrataError) as caught:
        load(folder, **changes)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def assert_same(found, expected):
    """Compare two dataclasses of arrays: types, and values with NaN where NaN is expected."""
    assert type(found) is type(expected)
    for field in fields(expected):
        left, right = getattr(found, field.name), getattr(expected, field.name)
        assert getattr(left, "dtype", None) == getattr(right, "dtype", None), field.name
        np.testing.assert_array_equal(left, right, err_msg=field.name)


def test_all_files_survive_the_round_trip(written):
    found = load(written)
    assert_same(found.decisions, DECISIONS)
    assert list(found.points) == LAYERS
    for layer in LAYERS:
        assert_same(found.points[layer], POINTS[layer])
    assert len(found.stability_maps) == len(MAPS)
    for one, expected in zip(found.stability_maps, MAPS, strict=True):
        assert_same(one, expected)
    for name, table in TABLES.items():
        pd.testing.assert_frame_equal(getattr(found, name), table, check_exact=True)


def test_rows_are_the_places_of_the_measured_among_the_samples(written):
    assert load(written).rows.tolist() == ROWS
    assert load(written, sample_ids=MEASURED).rows.tolist() == [0, 1, 2, 3]


def test_only_the_layers_asked_for_are_read(written):
    (written / "measures/points/input.parquet").unlink()
    assert list(load(written, layers=["h1"]).points) == ["h1"]


def test_the_text_none_and_other_words_for_nothing_stay_text(tmp_path):
    words = ["none", "None", "NA", "nan", "null", "N/A", "-"]
    path = tmp_path / "table.csv"
    write_csv(path, pd.DataFrame({"control": words, "value": [0.5, *[np.nan] * (len(words) - 1)]}))
    found = read_csv(path, ("control", "value"))
    assert found["control"].tolist() == words
    assert found["value"].dtype == np.float64
    assert np.isnan(found["value"]).tolist() == [False] + [True] * (len(words) - 1)


def test_the_control_none_is_text_in_every_table_that_has_it(written):
    found = load(written)
    for name in ("table", "cka", "dimension"):
        assert "none" in getattr(found, name)["control"].tolist(), name


@every_file
@pytest.mark.parametrize(
    ("field", "value"), [("split", "train"), ("model_sha256", "9" * 64), ("data_sha256", "8" * 64)]
)
def test_a_file_of_another_run_is_refused(written, name, field, value):
    write_measured(written, name, origin=replace(ORIGIN, **{field: value}))
    samples = written / "activations/samples.parquet"
    assert load_error(written) == (
        f"{samples} and {written / 'measures' / name} do not belong together: their {field} differ"
        f" ({getattr(ORIGIN, field)[:12]} and {value[:12]}); run `dvc repro`"
    )


@pytest.mark.parametrize(
    "known",
    [[2, 4, 10, 16], [2, 4, 10], [4, 10, 18], [3, 4, 10, 18, 20], [100, 200]],
    ids=str,
)
def test_measured_samples_that_were_not_extracted_are_refused(written, known):
    path = written / "measures/samples.parquet"
    message = load_error(written, sample_ids=np.array(known, dtype=np.int32))
    assert message == f"{path} holds samples that were not extracted; run `dvc repro`"


@pytest.mark.parametrize("count", [3, 4])
def test_points_of_other_samples_are_refused(written, count):
    ids = np.array([2, 4, 10, 16], dtype=np.int32)[:count]
    others = {field.name: getattr(POINTS["h1"], field.name)[:count] for field in fields(LayerPoints)}
    write_measured(written, "points/h1.parquet", points={"h1": LayerPoints(**others | {"sample_id": ids})})
    folder = written / "measures"
    assert load_error(written) == (
        f"{folder / 'samples.parquet'} and {folder / 'points/h1.parquet'} do not hold the same samples (4 and {count});"
        " run `dvc repro`"
    )


def test_stability_maps_of_other_samples_are_refused(written):
    write_measured(written, "stability_maps.parquet", maps=[replace(MAPS[0], sample_id=MEASURED[:2] + 1000)])
    assert str(written / "measures/stability_maps.parquet") in load_error(written)


@every_file
def test_a_missing_file_is_named(written, name):
    path = written / "measures" / name
    path.unlink()
    assert load_error(written) == f"{path} is missing; run `dvc repro`"


@every_file
def test_a_truncated_file_is_refused(written, name):
    path = written / "measures" / name
    path.write_bytes(path.read_bytes()[:-1])
    assert load_error(written).startswith(f"{path} is damaged or not Parquet: ")


@every_table
def test_a_missing_table_is_named(written, name):
    path = written / f"{FILES[name]}.csv"
    path.unlink()
    assert load_error(written) == f"{path} is missing; run `dvc repro`"


@every_table
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\n", id="blank"),
        pytest.param(b"layer,value\ninput,1\nh1,2,3,4\n", id="too many fields"),
        pytest.param(b'layer,value\n"input,1\n', id="open quote"),
        pytest.param(b"layer,value\n\xff\xfe,1\n", id="not UTF-8"),
    ],
)
def test_a_damaged_table_is_refused(written, name, content):
    path = written / f"{FILES[name]}.csv"
    path.write_bytes(content)
    assert load_error(written) == f"{path} is damaged: it is not a table; run `dvc repro -f`"


def test_a_table_cut_off_in_its_header_is_refused(written):
    path = written / "cka.csv"
    path.write_text("layer,other_lay", encoding="utf-8")
    assert load_error(written).startswith(f"{path} is damaged")


@pytest.mark.parametrize(
    ("commit", "message"),
    [(-1, "of an earlier version, where some samples never commit"), (3, "with other layers than params.yaml names")],
)
def test_commit_layers_are_layers_or_after_the_last(commit, message):
    fine = replace(DECISIONS, commit_layer=np.array([0, 1, 2, 2], dtype=np.int16))
    check_commit_layers(fine, ["input", "h1"])
    wrong = replace(DECISIONS, commit_layer=np.array([0, commit, 1, 1], dtype=np.int16))
    with pytest.raises(StrataError, match=message):
        check_commit_layers(wrong, ["input", "h1"])


def test_layers_that_are_named_by_numbers_stay_text(tmp_path):
    """As in nn.Sequential: 1, and 2.10, which is not 2.1."""
    path = tmp_path / "table.csv"
    write_csv(path, pd.DataFrame({"layer": ["1", "2.10"], "value": [1.0, 2.0]}))
    table = read_csv(path, ("layer", "value"))
    assert table["layer"].tolist() == ["1", "2.10"] and table["value"].tolist() == [1.0, 2.0]
