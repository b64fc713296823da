"""Tables of measures: their order and columns, and what becomes of values that are missing."""

import numpy as np
import pandas as pd
import pytest

from strata.measures.intervals import Estimate
from strata.measures.registry import MEASURES
from strata.measures.tables import COLUMNS, layer_table, measure_table, metrics

LAYERS = ("input", "h1", "logits")
NAN = float("nan")
KEYS = [measure.key for measure in MEASURES]
CHIEF = ["neighbourhood_hit", "probe_accuracy", "intrinsic_dimension", "map_trustworthiness"]
ESTIMATES = {
    ("logits", "probe_accuracy", "none"): Estimate(0.987654321, 0.97, 0.99),
    ("h1", "probe_accuracy", "shuffled"): Estimate(0.1, 0.05, 0.15),
    ("input", "probe_accuracy", "none"): Estimate(0.9, 0.85, 0.95),
    ("h1", "neighbourhood_hit", "none"): Estimate(0.12344, 0.12, 0.13),
    ("h1", "intrinsic_dimension", "none"): Estimate(NAN, NAN, NAN),
    ("input", "intrinsic_dimension", "none"): Estimate(12.00006, 11.0, 13.0),
    ("h1", "dead_share", "none"): Estimate(0.25),
}


def test_rows_go_by_control_measure_and_layer():
    table = measure_table(ESTIMATES, LAYERS, ("none", "shuffled"))
    assert table.columns.tolist() == ["layer", "measure", "value", "low", "high", "control"]
    assert list(table[["control", "measure", "layer"]].itertuples(index=False, name=None)) == [
        ("none", "neighbourhood_hit", "h1"),
        ("none", "probe_accuracy", "input"),
        ("none", "probe_accuracy", "logits"),
        ("none", "intrinsic_dimension", "input"),
        ("none", "intrinsic_dimension", "h1"),
        ("none", "dead_share", "h1"),
        ("shuffled", "probe_accuracy", "h1"),
    ]
    assert table.index.tolist() == list(range(7))


def test_rows_hold_the_value_and_its_bounds_unrounded():
    table = measure_table(ESTIMATES, LAYERS, ("none", "shuffled"))
    assert table.iloc[2][["value", "low", "high"]].tolist() == [0.987654321, 0.97, 0.99]
    np.testing.assert_array_equal(table.iloc[5][["value", "low", "high"]].astype(float), [0.25, NAN, NAN])
    assert table.iloc[4][["value", "low", "high"]].isna().all()


def test_the_order_of_layers_and_controls_is_that_given():
    table = measure_table(ESTIMATES, LAYERS[::-1], ("shuffled", "none"))
    assert table["control"].tolist() == ["shuffled"] + ["none"] * 6
    assert table["layer"].tolist() == ["h1", "h1", "logits", "input", "h1", "input", "h1"]


def test_layers_and_controls_not_asked_for_are_left_out():
    table = measure_table(ESTIMATES, ("h1",), ("none",))
    assert set(table["layer"]) == {"h1"}
    assert set(table["control"]) == {"none"}
    assert len(table) == 3


def test_a_table_of_nothing_has_its_columns():
    table = measure_table({}, LAYERS, ("none",))
    assert (len(table), table.columns.tolist()) == (0, list(COLUMNS))


def test_the_layer_table_has_a_row_a_layer_and_a_column_a_measure():
    table = layer_table(ESTIMATES, LAYERS, "none")
    expected = pd.DataFrame({"depth": [0, 1, 2], "layer": list(LAYERS), **{name: [NAN] * 3 for name in KEYS}})
    expected["probe_accuracy"] = [0.9, NAN, 0.987654321]
    expected["neighbourhood_hit"] = [NAN, 0.12344, NAN]
    expected["intrinsic_dimension"] = [12.00006, NAN, NAN]
    expected["dead_share"] = [NAN, 0.25, NAN]
    pd.testing.assert_frame_equal(table, expected)


def test_the_layer_table_is_of_one_control():
    table = layer_table(ESTIMATES, LAYERS, "shuffled")
    np.testing.assert_array_equal(table["probe_accuracy"], [NAN, 0.1, NAN])
    assert table.drop(columns=["depth", "layer", "probe_accuracy"]).isna().all(axis=None)


def test_an_estimate_of_zero_is_a_value():
    table = layer_table({("h1", "dead_share", "none"): Estimate(0.0)}, LAYERS, "none")
    np.testing.assert_array_equal(table["dead_share"], [NAN, 0.0, NAN])
    assert metrics({("h1", "probe_accuracy", "none"): Estimate(0.0)}, LAYERS, "none")["probe_accuracy"] == {"h1": 0.0}


def test_metrics_are_the_chief_measures_rounded_without_the_missing():
    assert metrics(ESTIMATES, LAYERS, "none") == {
        "neighbourhood_hit": {"h1": 0.1234},
        "probe_accuracy": {"input": 0.9, "logits": 0.9877},
        "intrinsic_dimension": {"input": 12.0001},
        "map_trustworthiness": {},
    }


@pytest.mark.parametrize("value", [NAN, float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_no_metrics(value):
    estimates = {("h1", "probe_accuracy", "none"): Estimate(value)}
    assert metrics(estimates, LAYERS, "none") == {measure: {} for measure in CHIEF}


def test_chief_measures_are_few():
    assert [measure.key for measure in MEASURES if measure.chief] == CHIEF
