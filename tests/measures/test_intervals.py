"""Intervals against SciPy and by hand; half-samples by their sizes, and by what their spread is meant to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from strata.artifacts.measure_registry import Interval
from strata.measures.influence import Influences
from strata.measures.intervals import (
    SHARES,
    Estimate,
    estimate_from,
    from_half_samples,
    from_influences,
    mean_of,
    share_of,
)
from strata.measures.subsets import disjoint_parts, half_samples

COUNTS = st.integers(1, 400).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


def bounds(estimate):
    return estimate.low, estimate.high


def test_an_estimate_alone_has_no_bounds():
    assert np.isnan(bounds(Estimate(3.0))).all()


def test_the_mean_has_the_normal_interval():
    found = mean_of(np.array([0.2, 0.4, 0.6, 0.8]))
    half = 1.959964 * (0.2 / 3) ** 0.5 / 2
    assert found.value == pytest.approx(0.5)
    assert bounds(found) == pytest.approx((0.5 - half, 0.5 + half))


def test_the_interval_of_a_mean_is_cut_to_what_scores_can_be():
    low, high = mean_of(np.array([0.0, 0.0, 0.3])), mean_of(np.array([1.0, 1.0, 0.7]))
    assert low.low == 0
    assert low.high == pytest.approx(0.1 + 1.959964 * 0.1)
    assert high.low == pytest.approx(0.9 - 1.959964 * 0.1)
    assert high.high == 1


def test_the_interval_of_a_mean_without_limits_is_not_cut():
    found = estimate_from([10.0, 0.0, -13.0], Interval.MEAN)
    assert found.value == -1
    half = 1.959964 * np.std([10, 0, -13], ddof=1) / 3**0.5
    assert bounds(found) == pytest.approx((-1 - half, -1 + half))


@pytest.mark.parametrize(
    ("interval", "scores", "made"),
    [
        (Interval.MEAN_OF_SHARES, [0.2, 0.9, 1.0], mean_of),
        (Interval.WILSON, [True, False, True], share_of),
        (Interval.HALF_SAMPLES, [3.0, 2.5, 3.5, 2.0], from_half_samples),
    ],
)
def test_an_interval_is_made_as_it_is_named(interval, scores, made):
    assert estimate_from(scores, interval) == made(np.array(scores))


def test_influences_have_the_normal_interval_of_their_standard_error():
    influences = Influences(0.5, np.array([0.1, 0.3, 0.8, 0.6]), 0.001)
    half = 1.959964 * influences.standard_error
    assert bounds(from_influences(influences)) == pytest.approx((0.5 - half, 0.5 + half))
    assert estimate_from(influences, Interval.INFLUENCES) == from_influences(influences)
    assert estimate_from(influences, Interval.INFLUENCES_ON_SHARE) == from_influences(influences, SHARES)


def test_the_interval_of_a_share_by_influences_is_cut():
    influences = Influences(0.9, np.array([0.1, 0.3, 1.8, 1.4]), 0.0)
    assert from_influences(influences).high > 1
    assert from_influences(influences, SHARES).high == 1


@pytest.mark.parametrize(
    ("scores", "interval"),
    [([0.5, 0.25], Interval.INFLUENCES), (Influences(0.5, np.array([0.5, 0.5]), 0.0), Interval.MEAN_OF_SHARES)],
)
def test_an_interval_of_something_else_is_refused(scores, interval):
    with pytest.raises(TypeError, match=f"no '{interval}' is made of"):
        estimate_from(scores, interval)


def test_one_number_without_an_interval_is_that_number():
    found = estimate_from(7, Interval.NONE)
    assert (found.value, type(found.value)) == (7, float)
    assert np.isnan(bounds(found)).all()


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_scores_all_the_same_leave_no_uncertainty(score):
    assert mean_of(np.full(8, score, dtype=np.float32)) == Estimate(score, score, score)


@given(case=COUNTS)
@settings(deadline=None)
def test_a_share_has_wilsons_interval(case):
    hits, count = case
    found = share_of(np.arange(count) < hits)
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    assert found.value == hits / count
    assert bounds(found) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("count", "half"), [(10, 5), (11, 5), (1, 0)])
def test_half_samples_are_all_points_and_then_halves(count, half):
    subsets = half_samples(count, 6, np.random.default_rng(0))
    assert (subsets.shape, subsets.dtype) == ((count, 7), bool)
    assert subsets.sum(axis=0).tolist() == [count] + [half] * 6


def test_half_samples_without_repeats_are_all_points():
    assert half_samples(5, 0, np.random.default_rng(0)).tolist() == [[True]] * 5


def test_half_samples_follow_their_generator():
    first, same, other = (half_samples(40, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert len({column.tobytes() for column in first.T.copy()}) == 4


def test_half_samples_take_every_point_as_often():
    shares = half_samples(30, 2000, np.random.default_rng(0))[:, 1:].mean(axis=1)
    np.testing.assert_allclose(shares, 0.5, atol=5 * 0.5 / 2000**0.5)


@given(count=st.integers(1, 60), repeats=st.integers(0, 9))
@settings(deadline=None)
def test_half_samples_come_in_twos_that_share_no_point(count, repeats):
    subsets = half_samples(count, repeats, np.random.default_rng(0))[:, 1:].astype(int)
    assert subsets.sum(axis=0).tolist() == [count // 2] * repeats
    for first in range(0, repeats - 1, 2):
        assert subsets[:, first : first + 2].sum(axis=1).max(initial=0) <= 1


def test_the_interval_by_half_samples_is_about_that_of_the_standard_error():
    values = np.random.default_rng(3).normal(size=400) ** 2
    subsets = half_samples(400, 1000, np.random.default_rng(4))
    found = from_half_samples(np.array([values[members].mean() for members in subsets.T]))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.value == pytest.approx(1.959964 * values.std(ddof=1) / 20, rel=0.1)


@given(count=st.integers(1, 60), parts=st.integers(1, 8), seed=st.integers(0, 9))
@settings(deadline=None)
def test_parts_are_disjoint_and_of_equal_size(count, parts, seed):
    subsets = disjoint_parts(count, parts, np.random.default_rng(seed))
    assert (subsets.shape, subsets.dtype) == ((count, parts), bool)
    assert (subsets.sum(axis=0) == count // parts).all()
    assert (subsets.sum(axis=1) <= 1).all()


def test_parts_are_drawn_at_random_by_their_generator():
    first, same, other = (disjoint_parts(40, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert (np.diff(np.flatnonzero(first[:, 0])) > 1).any()


def test_half_samples_give_students_interval_about_the_first_estimate():
    found = from_half_samples(np.array([5.0, 1.0, 3.0, 2.0, 6.0]))
    half = t.ppf(0.975, 2) * np.sqrt((2**2 + 4**2) / 2 / 4)
    assert found.value == 5
    assert bounds(found) == pytest.approx((5 - half, 5 + half))


def test_twos_that_are_not_finite_are_left_out_of_the_interval():
    found = from_half_samples(np.array([5.0, np.nan, 1.0, 1.0, 3.0, 2.0, np.inf, 2.0, 6.0]))
    assert found == from_half_samples(np.array([5.0, 1.0, 3.0, 2.0, 6.0]))


@pytest.mark.parametrize("halves", [[], [2.0], [np.nan, np.nan], [2.0, np.nan], [2.0, np.nan, np.nan, 1.0, 3.0]])
def test_without_two_half_samples_together_there_are_no_bounds(halves):
    found = from_half_samples(np.array([5.0, *halves]))
    assert found.value == 5
    assert np.isnan(bounds(found)).all()


def test_an_estimate_that_is_missing_has_no_bounds():
    assert np.isnan([*bounds(from_half_samples(np.array([np.nan, 1.0, 2.0])))]).all()
