"""One run as data for the page: every array and table equals the files that it was read from, value by value."""

import csv
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.artifacts.activations import ActivationWriter, LayerInfo
from strata.artifacts.maps import LayerMap, MapMethod, write_map
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
from strata.artifacts.run import RunArtifacts
from strata.artifacts.samples import Samples, places_of, write_samples
from strata.artifacts.tables import PAIR_COLUMNS
from strata.core.files import write_csv
from strata.core.paths import Paths
from strata.dataset.idx import read_idx
from strata.measures.registry import MEASURES, PANELS, REGISTRY
from strata.report.figures.measures import network_ranges
from strata.report.page.inputs import ReportInputs, load_report_inputs
from strata.report.page.packing import unpacked
from strata.report.page.payload import (
    POINT_FIELDS,
    UNKNOWN,
    records,
    run_payload,
    shown_rows,
    spread,
)

COUNT, MEASURED, SHOWN, K = 40, 25, 30, 4
SHAPES = {"input": (1, 16, 16), "h1": (3, 2, 2), "h6": (10,)}
# Table -> the stem of its file.
FILES = {
    "table": "measures",
    "cka": "cka",
    "dimension": "intrinsic_dimension",
    "stability": "stability",
    "pairs": "class_pairs",
    "networks": "networks",
    "between": "between_networks",
    "curve": "learning_curve",
    "epochs": "epochs",
}
FACTS = {"Test accuracy": "98%", "Source": "a shelf"}


def ids_of(*values):
    return np.array(values, dtype=np.int32)


def test_the_places_of_an_id_is_where_it_stands():
    assert places_of(ids_of(7, 3, 5, 9, 1, 7), ids_of(3, 7, 9)).tolist() == [1, 0, -1, 2, -1, 1]
    assert places_of(ids_of(), ids_of(3)).tolist() == []


@given(
    wanted=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 9)),
    ascending=st.sets(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 9), min_size=1),
)
@settings(deadline=None)
def test_places_are_those_of_a_search_one_by_one(wanted, ascending):
    ordered = sorted(ascending)
    expected = [ordered.index(value) if value in ascending else -1 for value in wanted]
    assert places_of(ids_of(*wanted), ids_of(*ordered)).tolist() == expected


def test_values_are_spread_and_the_rest_is_undefined_or_unknown():
    place = np.array([1, -1, 0, -1, 1])
    shares = spread(np.array([0.25, 0.5], dtype=np.float32), place)
    np.testing.assert_array_equal(shares, np.array([0.5, np.nan, 0.25, np.nan, 0.5], dtype=np.float32))
    numbers = spread(np.array([-1, 6], dtype=np.int16), place)
    assert numbers.tolist() == [6, UNKNOWN, -1, UNKNOWN, 6]
    assert (shares.dtype, numbers.dtype) == (np.float32, np.int16)


def test_an_undefined_value_stays_undefined_where_it_is_spread():
    assert np.isnan(spread(np.array([np.nan], dtype=np.float32), np.array([0, -1]))).all()


def test_unknown_is_no_class_no_layer_and_not_never():
    assert UNKNOWN < -1


def test_records_hold_columns_and_none_where_a_value_is_undefined_or_infinite():
    table = pd.DataFrame(
        {"layer": ["h1", "h2"], "value": [0.5, np.nan], "low": [np.inf, -np.inf], "points": [3, 4], "control": "none"}
    )
    found = records(table)
    assert found == {
        "layer": ["h1", "h2"],
        "value": [0.5, None],
        "low": [None, None],
        "points": [3, 4],
        "control": ["none", "none"],
    }
    assert {type(value) for value in found["points"]} == {int}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_records_of_an_empty_table_are_empty_columns():
    assert records(pd.DataFrame({"layer": [], "value": []})) == {"layer": [], "value": []}


def chosen_rows(count, limit, measured, seed):
    return shown_rows(count, limit, np.array(measured, dtype=np.intp), np.random.default_rng(seed))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 200), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_shown_rows_ascend_and_are_drawn_anew_the_same(count, limit, measured, seed):
    taken = np.sort(np.random.default_rng(1).choice(count, min(measured, count), replace=False))
    rows = chosen_rows(count, limit, taken, seed)
    assert len(rows) == min(count, limit)
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= 0 and rows[-1] < count
    np.testing.assert_array_equal(rows, chosen_rows(count, limit, taken, seed))
    # Measured ones first: all of them where they fit, and no other where they do not.
    assert len(np.intersect1d(rows, taken)) >= min(len(taken), limit)


@pytest.mark.parametrize("limit", [10, 11])
def test_all_rows_are_shown_when_there_are_few(limit):
    assert chosen_rows(10, limit, [3, 4], 0).tolist() == list(range(10))


@pytest.mark.parametrize("measured", [[], [0, 1, 2]], ids=str)
def test_the_rows_besides_the_measured_are_drawn_at_random_from_all(measured):
    drawn = [chosen_rows(100, 10, measured, seed) for seed in range(100)]
    assert len(set(np.concatenate(drawn))) == 100


def test_too_many_measured_rows_are_drawn_at_random_from_them():
    drawn = [chosen_rows(100, 10, np.arange(0, 100, 2), seed) for seed in range(100)]
    assert set(np.concatenate(drawn)) == set(range(0, 100, 2))


@dataclass
class Run:
    """Files of a run written by hand, and what was read of them."""

    folder: Path
    inputs: ReportInputs
    rows: np.ndarray

    def table(self, path):
        """Return a Parquet file's rows by sample id."""
        return {row["sample_id"]: row for row in pq.read_table(self.folder / path).to_pylist()}


def write_run(folder, data):
    """Write all files of a run of the 40 test images of `data`, of which 25 were measured."""
    rng = np.random.default_rng(5)
    (folder / "model").mkdir()
    (folder / "model/mnist_cnn.pt").write_bytes(b"weights")
    origin = Provenance.of("test", folder / "model/mnist_cnn.pt", data)
    ids = np.arange(COUNT, dtype=np.int32)
    labels = read_idx(data / "t10k-labels-idx1-ubyte", 1).astype(np.int16)
    predicted = np.where(rng.random(COUNT) < 0.3, 9 - labels, labels).astype(np.int16)
    shares = rng.random((2, COUNT)).astype(np.float32)
    samples = Samples(ids, np.full(COUNT, "test"), labels, predicted, -shares[0], shares[1])
    write_samples(folder / "activations/samples.parquet", samples, origin)
    measured = np.sort(rng.choice(ids, MEASURED, replace=False))
    write_decisions(
        folder / "measures/samples.parquet",
        SampleDecisions(
            measured,
            rng.integers(0, 4, MEASURED).astype(np.int16),
            rng.integers(0, 3, MEASURED).astype(np.int16),
            *(rng.random((3, MEASURED)) < 0.4),
        ),
        origin,
    )
    for layer, shape in SHAPES.items():
        with ActivationWriter(folder / f"activations/{layer}.parquet", LayerInfo(layer, shape, origin)) as writer:
            writer.write(ids, rng.random((COUNT, *shape)).astype(np.float32))
        points = rng.normal(size=(COUNT, 2)).astype(np.float32)
        settings = {"neighbours": "5", "loss": f"{rng.random():.6f}"}
        method = MapMethod(
            "umap", "UMAP", "UMAP with 5 neighbours", "UMAP.", ("Sizes.", "Distances."), settings, "From afar."
        )
        write_map(folder / f"embeddings/{layer}.parquet", LayerMap(layer, ids, points, method, origin))
        columns = {field.name: rng.random(MEASURED).astype(np.float32) for field in fields(LayerPoints)}
        columns["stability"][rng.random(MEASURED) < 0.5] = np.nan
        if layer == "h6":
            columns["drift"][:] = np.nan
        columns["sample_id"] = measured
        columns["vote"] = rng.integers(0, 10, MEASURED).astype(np.int16)
        # Each sample's neighbours: other measured ones, in random order.
        columns["neighbours"] = np.stack(
            [rng.permutation(measured[measured != identity])[:K] for identity in measured]
        ).astype(np.int32)
        write_points(folder / f"measures/points/{layer}.parquet", LayerPoints(**columns), origin)
    maps = [StabilityMap(layer, 5.0, measured[:3], np.zeros((3, 2), np.float32)) for layer in SHAPES]
    write_stability_maps(folder / "measures/stability_maps.parquet", maps, origin)
    write_registry(folder / "measures/registry.json", REGISTRY)
    pairs = [(first, second) for first in SHAPES for second in SHAPES]
    tables = {
        "table": [("layer", "measure", "value", "low", "high", "control")]
        + [(layer, "zero_share", rng.random(), np.nan, rng.random(), "none") for layer in SHAPES],
        "cka": [("layer", "other_layer", "value", "low", "high", "control")]
        + [(*pair, np.nan if "h1" in pair else rng.random(), 0.1, 0.2, "none") for pair in pairs],
        "dimension": [
            ("layer", "estimator", "points", "value", "low", "high", "control"),
            ("h1", "linear_fit", 25, 2.5, 2.0, 3.0, "none"),
        ],
        "networks": [("network", "layer", "measure", "value", "low", "high")]
        + [(number, layer, "zero_share", 0.25 * number, 0, 1) for number in (1, 2, 3) for layer in SHAPES],
        "between": [("measure", "network", "layer", "other_network", "other_layer", "value", "low", "high")],
        "stability": [("layer", "perplexity", "points", "runs", "knn_overlap"), ("h1", 5, 3, 2, 0.5)],
        "pairs": [PAIR_COLUMNS]
        + [
            ("h1", first, second, *rng.random(6), control)
            for control in ("none", "untrained")
            for first in range(3)
            for second in range(first, 3)
        ]
        + [("h6", 0, 1, *[np.nan] * 6, "none")],
        "curve": [("epoch", "images_seen", "train_loss", "train_accuracy"), (0.5, 30, 1 / 3, 0.125), (1.0, 60, 0.2, 1)],
        "epochs": [("epoch", "train_loss", "test_loss", "test_accuracy"), (1, np.nan, 2 / 3, 0.875)],
    }
    for name, (header, *lines) in tables.items():
        write_csv(folder / f"{FILES[name]}.csv", pd.DataFrame(lines, columns=list(header)))


@pytest.fixture
def run(tmp_path, tiny_data):
    """A run whose page shows 30 of its 40 samples; 25 were measured."""
    write_run(tmp_path, tiny_data)
    params = tmp_path / "params.yaml"
    params.write_text(f"layers: [{', '.join(SHAPES)}]\n", encoding="utf-8")
    paths = replace(Paths.of(tmp_path, tmp_path), raw=tiny_data)
    inputs = load_report_inputs(RunArtifacts(paths, params), None, over_training=False)
    # Any rows: some measured ones are not shown, and some are shown that were not measured.
    return Run(tmp_path, inputs, np.sort(np.random.default_rng(0).choice(COUNT, SHOWN, replace=False)))


@pytest.fixture
def payload(run):
    """The run's payload, after JSON."""
    found = run_payload(run.inputs, run.rows, FACTS, "seed: 0\n")
    return json.loads(json.dumps(found, allow_nan=False))


def csv_columns(path):
    """Return a CSV file's columns: numbers where all are, None where nothing stands."""

    def value(text):
        try:
            return float(text) if text else None
        except ValueError:
            return text

    header, *lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return {name: [value(line[place]) for line in lines] for place, name in enumerate(header)}


def test_the_hand_made_run_has_samples_of_every_kind(run):
    measured, shown = set(run.table("measures/samples.parquet")), set(run.rows.tolist())
    assert len(shown) == SHOWN and len(measured) == MEASURED
    assert measured & shown and measured - shown and shown - measured and set(range(COUNT)) - shown - measured


def test_samples_are_those_of_the_shown_rows(run, payload):
    assert unpacked(payload["ids"]).tolist() == run.rows.tolist()
    table = run.table("activations/samples.parquet")
    for name in ("predicted", "confidence"):
        assert unpacked(payload[name]).tolist() == [table[row][name] for row in run.rows.tolist()], name
    types = {name: payload[name]["type"] for name in ("ids", "predicted", "confidence")}
    assert types == {"ids": "int32", "predicted": "int16", "confidence": "float32"}


def test_decisions_equal_the_file_and_are_unknown_for_samples_not_measured(run, payload):
    table = run.table("measures/samples.parquet")
    for name, column in (("commit", "commit_layer"), ("flips", "flips"), ("late", "late")):
        expected = [int(table[row][column]) if row in table else UNKNOWN for row in run.rows.tolist()]
        assert unpacked(payload[name]).tolist() == expected, name
        assert payload[name]["type"] == "int16"


def test_maps_equal_their_files_with_shape_and_settings(run, payload):
    assert list(payload["layers"]) == list(SHAPES)
    for layer, found in payload["layers"].items():
        table = run.table(f"embeddings/{layer}.parquet")
        for name in ("x", "y"):
            wanted = [table[row][name] for row in run.rows.tolist()]
            np.testing.assert_allclose(unpacked(found[name]), wanted, rtol=0, atol=found[name]["step"], err_msg=layer)
        assert found["settings"] == run.inputs.maps[layer].settings
    assert payload["method"] == {"title": "UMAP", "caveats": ["Sizes.", "Distances."], "start": "From afar."}
    shapes = {layer: found["shape"] for layer, found in payload["layers"].items()}
    assert shapes == {"input": "1 × 16 × 16", "h1": "3 × 2 × 2", "h6": "10"}


@pytest.mark.parametrize("name", POINT_FIELDS)
def test_points_equal_their_files_and_are_undefined_for_samples_not_measured(run, payload, name):
    missing = UNKNOWN if name == "vote" else np.nan
    for layer, found in payload["layers"].items():
        table = run.table(f"measures/points/{layer}.parquet")
        expected = [table[row][name] if row in table else missing for row in run.rows.tolist()]
        np.testing.assert_array_equal(unpacked(found[name]), np.array(expected, dtype=found[name]["type"]))
        assert found[name]["type"] == ("int16" if name == "vote" else "float32")


def test_neighbours_are_places_among_the_shown_rows(run, payload):
    rows = run.rows.tolist()
    hidden = 0
    for layer, found in payload["layers"].items():
        table = run.table(f"measures/points/{layer}.parquet")
        places = unpacked(found["neighbours"])
        assert (places.shape, places.dtype) == ((SHOWN, K), np.int16)
        for place, row in enumerate(rows):
            if row in table:
                expected = [rows.index(near) if near in rows else -1 for near in table[row]["neighbours"]]
            else:
                expected = [-1] * K
            assert places[place].tolist() == expected, (layer, row)
            hidden += expected.count(-1) if row in table else 0
    assert hidden


def test_when_all_are_shown_neighbours_are_the_sample_ids(run):
    found = run_payload(run.inputs, np.arange(COUNT), FACTS, "")
    for layer, points in run.inputs.measures.points.items():
        neighbours = unpacked(found["layers"][layer]["neighbours"])
        np.testing.assert_array_equal(neighbours[points.sample_id], points.neighbours)


@pytest.mark.parametrize(("name", "file"), [("measures", "table"), ("epochs", "epochs"), ("batches", "curve")])
def test_tables_equal_their_files(run, payload, name, file):
    assert payload[name] == csv_columns(run.folder / f"{FILES[file]}.csv")


def test_pairs_equal_their_file_without_the_rises(run, payload):
    columns = csv_columns(run.folder / "class_pairs.csv")
    assert payload["pairs"] == {name: columns[name] for name in PAIR_COLUMNS if not name.startswith("rise")}


def test_cka_equals_its_file_without_the_bounds(run, payload):
    columns = csv_columns(run.folder / "cka.csv")
    assert payload["cka"] == {name: columns[name] for name in ("layer", "other_layer", "value", "control")}
    assert None in payload["cka"]["value"]


def test_ranges_are_those_over_the_networks(payload):
    assert payload["network_ranges"] == {
        "measure": ["zero_share"] * 3,
        "layer": list(SHAPES),
        "least": [0.25] * 3,
        "most": [0.75] * 3,
    }
    one = pd.DataFrame({"network": [1], "measure": ["zero_share"], "layer": ["h1"], "value": [0.5]})
    assert network_ranges(one).empty


def test_panels_are_those_of_the_registry_with_their_measures(payload):
    assert [panel["title"] for panel in payload["panels"]] == [panel.title for panel in PANELS]
    for panel, found in zip(PANELS, payload["panels"], strict=True):
        assert (found["axis"], found["end"], found["lines"]) == (panel.axis, panel.end, panel.lines)
        shown = [measure for measure in MEASURES if measure.panel == panel.key]
        assert found["measures"] == [
            {"key": one.key, "title": one.title, "legend": one.legend, "meaning": one.meaning} for one in shown
        ]
    assert (payload["over_training"], payload["over_training_charts"]) == ({}, [])


def test_facts_and_parameters_are_told_as_given(payload):
    assert (payload["facts"], payload["params"]) == (FACTS, "seed: 0\n")


def test_the_same_run_gives_the_same_text(run):
    texts = {json.dumps(run_payload(run.inputs, run.rows, FACTS, "seed: 0\n")) for _ in range(2)}
    assert len(texts) == 1
