"""The page's findings: each number is one of the tables, and a finding without a difference is left out."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from strata.report.page.headline import Measured, share_of
from strata.report.page.headlines import headlines
from strata.report.page.pair_steps import parting_pair
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
    other = {each["key"]: each for each in headlines(make_run(1).inputs)}
    both = [each for each in shown if each["key"] in other]
    assert len(both) >= 2
    for each in both:  # another run has other numbers
        assert other[each["key"]]["sentence"] != each["sentence"] and other[each["key"]]["values"] != each["values"]


def dimension(first, last, twin_first, twin_last, half=1.0):
    def course(values):
        return {layer: (v, v - half, v + half) for layer, v in zip((LAYERS[0], LAYERS[-1]), values, strict=True)}

    return {"none": course((first, last)), "untrained": course((twin_first, twin_last))}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((12, 5, 12, 11.5), "falls from 12.0 at input to 5.0 at h6. Untrained, it does not clearly fall."),
        ((12, 5, 12, 8), "falls from 12.0 at input to 5.0 at h6. Untrained, only to 8.0."),
        # Two changes, each within the root of 2, differ clearly by more than 2.
        ((12, 5, 12, 7.01), "falls from 12.0 at input to 5.0 at h6. Untrained, only to 7.0."),
        ((12, 5, 12, 6.99), "falls from 12.0 at input to 5.0 at h6. Untrained, to 7.0, too."),
        ((12, 8, 12, 4), "falls from 12.0 at input to 8.0 at h6. Untrained, to 4.0, too."),
        ((5, 12, 5, 4), "rises from 5.0 at input to 12.0 at h6. Untrained, it does not clearly rise."),
        ((5, 12, 5, 8), "rises from 5.0 at input to 12.0 at h6. Untrained, only to 8.0."),
        ((5, 12, 5, 11), "rises from 5.0 at input to 12.0 at h6. Untrained, to 11.0, too."),
        ((12, 11, 12, 5), None),
        ((12, 12 - 1.42, 12, 5), "falls from 12.0 at input to 10.6 at h6. Untrained, to 5.0, too."),
        ((12, 12 - 1.41, 12, 5), None),
    ],
)
def test_the_dimension_is_left_out_where_its_change_includes_zero(inputs, values, text):
    one = found(with_table(inputs, intrinsic_dimension=dimension(*values)), "dimension")
    told = text and f"The number of directions in which the images vary {text}"
    assert (one and one["sentence"]) == told


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
    assert one["sentence"] == (
        f"{(count - 50) / count:.0%} of the images are decided at input: from there on, their neighbours vote as the"
        " network will. The others decide later, most often at h5 (30)."
    )
    after = np.repeat([0, 3, 7], [count - 50, 20, 30]).astype(np.int16)
    never = replace(inputs, measures=replace(inputs.measures, decisions=replace(decisions, commit_layer=after)))
    assert found(never, "decided")["sentence"].endswith(" The others decide later, most often after h6 (30).")
    late = replace(decisions, commit_layer=np.full(count, 5, dtype=np.int16))
    assert found(replace(inputs, measures=replace(inputs.measures, decisions=late)), "decided") is None


def test_the_map_to_trust_least_is_the_one_with_the_least_recall(inputs):
    course = {layer: (0.5 + 0.05 * place, 0.48, 0.6) for place, layer in enumerate(LAYERS)}
    course["h2"] = (0.3, 0.28, 0.32)
    one = found(with_table(inputs, map_recall={"none": course}), "map")
    assert one["layer"] == "h2" and numbers(one["sentence"]) == [6, 30, 6, 80]
    # The largest of 21 pairs: the quantile of 1 - 0.025 / 21 in place of that of 0.975, times the root of 2 * 0.02^2.
    half = 3.0381 / 1.95996 * np.sqrt(2) * 0.02
    for gap, told in ((half + 0.0005, True), (half - 0.0005, False)):
        near = dict.fromkeys(LAYERS, (0.5, 0.48, 0.52)) | {"h2": (0.5 - gap, 0.48 - gap, 0.52 - gap)}
        assert (found(with_table(inputs, map_recall={"none": near}), "map") is not None) == told
    same = dict.fromkeys(LAYERS, (0.5, 0.4, 0.6))
    assert found(with_table(inputs, map_recall={"none": same}), "map") is None


def test_a_run_without_tables_has_no_findings(inputs):
    measures = replace(inputs.measures, table=inputs.measures.table.iloc[:0], pairs=inputs.measures.pairs.iloc[:0])
    none = replace(inputs, measures=measures)
    assert {each["key"] for each in headlines(none)} <= {"mistakes", "decided"}


COURSE, TWIN = [0.01, 0.02, 0.3, 0.9, 0.92, 0.95, 0.99], [0.5, 0.5, 0.55, 0.6, 0.6, 0.6, 0.4]
Z_OF_SIX = 2.6383 / 1.95996  # of 1 - 0.025 / 6, for the largest of six steps
PARTS = (
    f"{CLASSES[2]} and {CLASSES[7]} part between h2 and h3. Neighbours of the right class, from input to h6: 1, 2, 30,"
    " 90, 92, 95, 99%."
)


def with_pair(inputs, half, twin_half=0.01, twin=TWIN, pair=(2, 7)):
    """Return inputs in which a pair of classes has these courses, with half as wide intervals of each rise."""
    pairs = inputs.measures.pairs.copy()
    for control, course, width in (("none", COURSE, half), ("untrained", twin, twin_half)):
        rows = (pairs[["class", "other_class"]] == list(pair)).all(axis=1) & (pairs["control"] == control)
        rise = np.diff(course, prepend=np.nan)
        pairs.loc[rows, "separability"] = course
        pairs.loc[rows, ["rise", "rise_low", "rise_high"]] = np.column_stack([rise, rise - width, rise + width])
    return replace(inputs, measures=replace(inputs.measures, pairs=pairs))


def test_the_pair_is_the_one_most_mixed_at_first_and_its_numbers_are_the_tables(inputs):
    changed = with_pair(inputs, 0.1)
    step = parting_pair(changed)
    assert (step.classes, step.course.tolist(), step.place) == ((2, 7), COURSE, 2)
    assert step.rise.value == pytest.approx(0.6)
    assert (step.rise.low, step.rise.high) == pytest.approx((0.6 - 0.1 * Z_OF_SIX, 0.6 + 0.1 * Z_OF_SIX), abs=1e-4)
    assert step.untrained.tolist() == TWIN
    assert (step.untrained_rise.value, step.untrained_rise.low) == pytest.approx((0.05, 0.04))
    one = found(changed, "pair")
    assert one["sentence"] == PARTS
    assert "rises by 60 points, interval 47 to 73" in one["sure"]
    assert one["sure"].endswith(
        "Control, untrained twin: 50, 50, 55, 60, 60, 60, 40%; over the same step +5 points, interval +4 to +6."
    )
    assert (one["layer"], one["classes"], one["values"]) == ("h3", [2, 7], COURSE)


def test_a_pair_is_left_out_where_its_rise_includes_zero_once_widened(inputs):
    assert found(with_pair(inputs, 0.6 / Z_OF_SIX - 0.001), "pair") is not None
    assert found(with_pair(inputs, 0.6 / Z_OF_SIX + 0.001), "pair") is None
    assert found(with_pair(inputs, np.nan), "pair") is None


def test_a_pair_that_parts_untrained_as_well_is_said_to(inputs):
    as_much = [0.1, 0.1, 0.2, 0.75, 0.8, 0.8, 0.8]  # 55 points, less than 60 by no more than the intervals
    one = found(with_pair(inputs, 0.1, twin=as_much), "pair")
    assert one["sentence"] == f"{PARTS} Untrained, that step is not clearly smaller."
    unknown = found(with_pair(inputs, 0.1, twin_half=np.nan), "pair")
    assert unknown["sentence"] == one["sentence"]  # not known to be smaller


def test_without_the_untrained_network_a_pair_has_no_control(inputs):
    changed = with_pair(inputs, 0.1)
    pairs = changed.measures.pairs
    one = found(replace(changed, measures=replace(changed.measures, pairs=pairs[pairs["control"] == "none"])), "pair")
    assert one["sentence"] == PARTS and one["sure"].endswith("100% apart, 50% mixed.")


def test_a_step_over_layers_that_are_left_out_has_no_interval(inputs):
    changed = with_pair(inputs, 0.1)
    maps = {layer: changed.maps[layer] for layer in LAYERS if layer != "h2"}
    assert parting_pair(replace(changed, maps=maps)) is None
    maps = {layer: changed.maps[layer] for layer in LAYERS if layer != "h5"}
    assert parting_pair(replace(changed, maps=maps)).place == 2


def test_changes_and_shares_by_hand():
    change = Measured(10, 7, 13).change_to(Measured(4, 0, 8))
    assert (change.value, change.low, change.high) == (-6, -11, -1)  # half: the root of 3 * 3 + 4 * 4
    assert Measured(1, float("nan"), float("nan")).change_to(Measured(2, 1, 3)) is None
    share = share_of(5, 10)  # Wilson's interval: 0.2366 to 0.7634
    assert (share.value, round(share.low, 4), round(share.high, 4)) == (0.5, 0.2366, 0.7634)
