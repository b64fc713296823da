"""The page's findings: each number is one of the tables, and a finding without a difference is left out."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from strata.report.page.headline import Measured, share_of
from strata.report.page.headlines import headlines
from strata.report.page.pair_steps import pair_influences, parting_pair
from tests.report.page.synthetic import CLASSES, LAYERS, make_run


@pytest.fixture(scope="module")
def inputs():
    return make_run(0).inputs


def with_table(inputs, **values):
    """Return the inputs with other rows of a measure: measure -> control -> (value, low, high) by layer."""
    table = inputs.measures.table
    rows = [
        (layer, measure, *value, control)
        for measure, controls in values.items()
        for control, course in controls.items()
        for layer, value in course.items()
    ]
    others = table[~table["measure"].isin(list(values))]
    table = pd.concat([others, pd.DataFrame(rows, columns=table.columns)])
    return replace(inputs, measures=replace(inputs.measures, table=table))


def found(inputs, key):
    return next((each for each in headlines(inputs) if each["key"] == key), None)


def numbers(text):
    return [float(number) for number in re.findall(r"(?<![a-z])\d+(?:\.\d+)?", text.replace(",", ""))]


def test_at_most_five_findings_each_with_its_sureness_and_a_layer(inputs):
    shown = headlines(inputs)
    assert 0 < len(shown) <= 5
    for each in shown:
        assert each["sentence"].endswith(".") and each["sure"] and each["layer"] in LAYERS
    assert headlines(inputs) == shown
    assert headlines(make_run(1).inputs) != shown


def dimension(first, last, twin_first, twin_last, half=1.0):
    def course(values):
        return {layer: (v, v - half, v + half) for layer, v in zip((LAYERS[0], LAYERS[-1]), values, strict=True)}

    return {"none": course((first, last)), "untrained": course((twin_first, twin_last))}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((12, 5, 12, 11.5), "The dimension falls from 12.0 at input to 5.0 at h6; untrained it does not."),
        ((12, 5, 12, 8), "The dimension falls from 12.0 at input to 5.0 at h6; untrained only to 8.0."),
        ((12, 8, 12, 4), "The dimension falls from 12.0 at input to 8.0 at h6; untrained to 4.0, too."),
        ((5, 12, 5, 4), "The dimension rises from 5.0 at input to 12.0 at h6; untrained it does not."),
        ((12, 11, 12, 5), None),
        ((12, 12 - 1.42, 12, 5), "The dimension falls from 12.0 at input to 10.6 at h6; untrained to 5.0, too."),
        ((12, 12 - 1.41, 12, 5), None),
    ],
)
def test_the_dimension_is_left_out_where_its_change_includes_zero(inputs, values, text):
    one = found(with_table(inputs, intrinsic_dimension=dimension(*values)), "dimension")
    assert (one and one["sentence"]) == text


def test_mistakes_are_counted_among_all_samples(inputs):
    samples = inputs.samples
    wrong = samples.predicted != samples.label
    sure = wrong & (samples.confidence > 0.9)
    one = found(inputs, "mistakes")
    assert numbers(one["sentence"]) == [wrong.sum(), len(wrong), sure.sum(), 90]
    assert (one["kept"], one["colour"], one["values"]) == ("wrong", "correct", [wrong.sum(), sure.sum()])
    right = replace(inputs, samples=replace(samples, predicted=samples.label))
    assert found(right, "mistakes") is None


def test_the_share_decided_at_first_is_that_of_the_table_and_left_out_at_chance(inputs):
    decisions, count = inputs.measures.decisions, len(inputs.measures.decisions.commit_layer)
    commit = np.repeat([0, 3, 5], [count - 50, 20, 30]).astype(np.int16)
    early = replace(inputs, measures=replace(inputs.measures, decisions=replace(decisions, commit_layer=commit)))
    one = found(early, "decided")
    assert (
        one["sentence"]
        == f"{(count - 50) / count:.0%} of the images are decided at input already; of the others, most at h5 (30)."
    )
    late = replace(decisions, commit_layer=np.full(count, 5, dtype=np.int16))
    assert found(replace(inputs, measures=replace(inputs.measures, decisions=late)), "decided") is None


def test_the_map_to_trust_least_is_the_one_with_the_least_recall(inputs):
    course = {layer: (0.5 + 0.05 * place, 0.48, 0.6) for place, layer in enumerate(LAYERS)}
    course["h2"] = (0.3, 0.28, 0.32)
    one = found(with_table(inputs, map_recall={"none": course}), "map")
    assert one["layer"] == "h2" and numbers(one["sentence"]) == [30, 6, 80]
    same = dict.fromkeys(LAYERS, (0.5, 0.4, 0.6))
    assert found(with_table(inputs, map_recall={"none": same}), "map") is None


def test_a_run_without_tables_has_no_findings(inputs):
    measures = replace(inputs.measures, table=inputs.measures.table.iloc[:0], pairs=inputs.measures.pairs.iloc[:0])
    none = replace(inputs, measures=measures)
    assert {each["key"] for each in headlines(none)} <= {"mistakes", "decided"}


def test_the_pair_is_the_one_most_mixed_at_first_and_its_course_is_the_tables(inputs):
    pairs = inputs.measures.pairs.copy()
    apart = (pairs["class"] == 2) & (pairs["other_class"] == 7)
    course = [0.01, 0.02, 0.3, 0.9, 0.92, 0.95, 0.99]
    pairs.loc[apart, "separability"] = course
    changed = replace(inputs, measures=replace(inputs.measures, pairs=pairs))
    step = parting_pair(changed)
    assert (step.classes, step.course.tolist(), step.place) == ((2, 7), course, 2)
    assert step.rise == pytest.approx(0.6)
    one = found(changed, "pair")
    assert (
        one is None
        or one["sentence"] == f"{CLASSES[2]} and {CLASSES[7]} part between h2 and h3: 1, 2, 30, 90, 92, 95, 99%."
    )
    assert (one is None) == (step.low <= 0)


def test_a_pairs_influences_are_its_change_where_a_sample_counts_a_little_more():
    rng, labels = np.random.default_rng(0), np.repeat([0, 1, 2], 20)
    neighbours = np.stack([rng.choice(np.delete(np.arange(60), row), 5, replace=False) for row in range(60)])
    neighbours[3, 2] = -1

    def separability(weights):
        shares = []
        for mine, other in ((0, 1), (1, 0)):
            rows = labels == mine
            weight = weights[rows][:, None] * np.where(neighbours[rows] >= 0, weights[neighbours[rows]], 0)
            own = (weight * (labels[neighbours[rows]] == mine)).sum()
            shares.append(own / (own + (weight * (labels[neighbours[rows]] == other)).sum()))
        return np.mean(shares)

    found_influences, step = pair_influences(labels, neighbours, (0, 1)), 1e-6
    wanted = [(separability(1 + step * (np.arange(60) == row)) - separability(np.ones(60))) / step for row in range(60)]
    np.testing.assert_allclose(found_influences, wanted, atol=1e-6)


def test_changes_and_shares_by_hand():
    change = Measured(10, 7, 13).change_to(Measured(4, 0, 8))
    assert (change.value, change.low, change.high) == (-6, -11, -1)  # half: the root of 3 * 3 + 4 * 4
    assert Measured(1, float("nan"), float("nan")).change_to(Measured(2, 1, 3)) is None
    share = share_of(5, 10)  # Wilson's interval: 0.2366 to 0.7634
    assert (share.value, round(share.low, 4), round(share.high, 4)) == (0.5, 0.2366, 0.7634)
