"""Several runs: the courses of each measure, what is clear of the first run, and which runs are identical."""

from dataclasses import replace

import numpy as np
import pytest

from strata.report.page.sweep import (
    COLOURS,
    MOST_RUNS,
    clear_of_base,
    course,
    identical_to,
    last_accuracy,
    same_results,
    sweep_payload,
)
from tests.report.page.synthetic import LAYERS, make_run


@pytest.fixture(scope="module")
def inputs():
    return [make_run(seed).inputs for seed in (0, 1, 2)]


def with_table(run, **columns):
    return replace(run, measures=replace(run.measures, table=run.measures.table.assign(**columns)))


def test_every_run_has_a_colour_and_a_letter_of_its_own():
    assert len(set(COLOURS)) == len(COLOURS) == MOST_RUNS == 8


def test_charts_have_each_shown_measure_of_each_run_by_layer(inputs):
    sweep = sweep_payload(["a", "b", "c"], inputs)
    registry = inputs[0].registry
    wanted = [measure.key for panel in registry.panels for measure in registry.shown_in(panel)]
    assert [chart["key"] for chart in sweep["charts"]] == wanted
    for chart in sweep["charts"]:
        for run, line in zip(inputs, chart["lines"], strict=True):
            table = run.measures.table
            rows = table[(table["measure"] == chart["key"]) & (table["control"] == "none")].set_index("layer")
            for name in ("value", "low", "high"):
                expected = [None if np.isnan(x) else x for x in rows[name].reindex(LAYERS)]
                assert line[name] == expected
    assert sweep["layers"] == LAYERS
    assert [(run["letter"], run["name"], run["same_as"]) for run in sweep["runs"]] == [
        ("A", "a", None),
        ("B", "b", None),
        ("C", "c", None),
    ]
    assert [run["accuracy"] for run in sweep["runs"]] == [run.epochs["test_accuracy"].iloc[-1] for run in inputs]


def test_the_untrained_network_is_there_once_where_runs_share_it(inputs):
    first, second, _ = inputs
    shared = with_table(second, value=first.measures.table["value"])
    charts = sweep_payload(["a", "b", "c"], [first, second, shared])["charts"]
    hit = next(chart for chart in charts if chart["key"] == "neighbourhood_hit")
    expected = [course(run, "neighbourhood_hit", "untrained", LAYERS)["value"].tolist() for run in (first, second)]
    assert hit["untrained"] == expected


def test_layers_that_a_run_lacks_are_left_out_of_all(inputs):
    first, second, third = inputs
    fewer = replace(second, maps={layer: second.maps[layer] for layer in ("h3", "h1", "h6")})
    sweep = sweep_payload(["a", "b", "c"], [first, fewer, third])
    assert sweep["layers"] == ["h1", "h3", "h6"]
    assert all(len(line["value"]) == 3 for chart in sweep["charts"] for line in chart["lines"])


def test_a_difference_counts_beyond_both_intervals_widened_for_the_number_of_comparisons():
    def one(values, half):
        values = np.array(values)
        return {"value": values, "low": values - half, "high": values + half}

    # Two halves of 0.03 and 0.04 make 0.05; of four comparisons each is at 1 - 0.05 / 4: z is 2.4977, 1.2744 of 1.96.
    base = one([0.5, 0.5], 0.03)
    others = [one([0.5637, 0.5638], 0.04), one([0.4362, 0.50], 0.04)]
    assert clear_of_base([base, *others], ["h1", "h2"]) == [[], ["h2"], ["h1"]]
    assert clear_of_base([base, one([0.5501, 0.5499], 0.04)], ["h1", "h2"]) == [[], []]  # two: z is 2.2414, 0.0572
    unknown = one([0.9, 0.9], np.nan)
    assert clear_of_base([base, unknown], ["h1", "h2"]) == [[], []]


def test_identical_runs_are_found_value_by_value(inputs):
    first, second, _ = inputs
    assert identical_to([first, second, first, second, second]) == [None, None, "A", "B", "B"]
    assert same_results(first, with_table(first))
    value = first.measures.table["value"].copy()
    value.iloc[7] += 1e-9
    assert not same_results(first, with_table(first, value=value))
    moved = first.maps["h2"].points.copy()
    moved[3, 1] += 0.01
    assert not same_results(first, replace(first, maps=first.maps | {"h2": replace(first.maps["h2"], points=moved)}))
    confidence = first.samples.confidence.copy()
    confidence[0] /= 2
    assert not same_results(first, replace(first, samples=replace(first.samples, confidence=confidence)))
    assert not same_results(first, replace(first, samples=replace(first.samples, predicted=None)))
    without = replace(first, samples=replace(first.samples, predicted=None, confidence=None))
    assert same_results(without, without)


def test_lines_that_are_the_same_in_a_chart_are_said_to_be(inputs):
    first, second, _ = inputs
    table = second.measures.table
    own = first.measures.table["value"].where(table["measure"] == "neighbourhood_hit", table["value"])
    low, high = own - 0.05, own + 0.05
    like_first = with_table(
        second, value=own, low=low.where(table["low"].notna()), high=high.where(table["low"].notna())
    )
    charts = sweep_payload(["a", "b", "c"], [first, second, like_first])["charts"]
    assert {chart["key"]: chart["same"] for chart in charts}["neighbourhood_hit"] == [0, 1, 0]
    assert {chart["key"]: chart["same"] for chart in charts}["probe_accuracy"] == [0, 1, 1]


def test_the_accuracy_is_that_after_the_last_epoch_if_it_is_known(inputs):
    run = inputs[0]
    assert last_accuracy(replace(run, epochs=run.epochs.assign(test_accuracy=[0.1, 0.2, 0.75]))) == 0.75
    assert last_accuracy(replace(run, epochs=run.epochs.assign(test_accuracy=np.nan))) is None
    assert last_accuracy(replace(run, epochs=run.epochs.drop(columns="test_accuracy"))) is None
    assert last_accuracy(replace(run, epochs=run.epochs.iloc[:0])) is None
