"""Influences by hand: the jackknife of a mean is its standard error, and pairs are taken off once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.measures.influence import Influences, influences_on_mean, jackknifed, pair_variance

SCORES = st.lists(st.floats(-100, 100), min_size=2, max_size=30).map(np.array)


def test_the_standard_error_is_that_of_the_influences_less_the_pairs():
    assert Influences(7.0, np.array([1.0, 3.0]), 0.0).standard_error == pytest.approx(1)
    assert Influences(7.0, np.array([1.0, 3.0]), 0.36).standard_error == pytest.approx(0.8)


def test_pairs_are_no_more_than_half_of_the_variance():
    assert Influences(7.0, np.array([1.0, 3.0]), 0.9).standard_error == pytest.approx(0.5**0.5)


def test_one_point_has_no_standard_error():
    assert np.isnan(Influences(7.0, np.array([1.0]), 0.0).standard_error)


def test_what_is_missing_has_no_standard_error():
    assert np.isnan(Influences(np.nan, np.full(3, np.nan), np.nan).standard_error)


@given(scores=SCORES)
@settings(deadline=None)
def test_the_jackknife_of_a_mean_is_its_standard_error(scores):
    without = np.array([np.delete(scores, place).mean() for place in range(len(scores))])
    found = jackknifed(float(scores.mean()), without, 0.0)
    np.testing.assert_allclose(found.influences, scores, atol=1e-9)
    assert found.standard_error == pytest.approx(scores.std(ddof=1) / len(scores) ** 0.5, abs=1e-9)


def test_influences_on_a_mean_by_hand():
    scores, neighbours = np.array([1.0, 0.5, 0.0]), np.array([[1, 2], [0, 2], [0, 1]])
    effects = np.array([[0.5, 0.25], [0.0, -0.25], [-0.5, 1.0]])
    found = influences_on_mean(scores, neighbours, effects)
    assert found.value == 0.5
    assert found.influences.tolist() == [1.0 + 0.0 - 0.5, 0.5 + 0.5 + 1.0, 0.0 + 0.25 - 0.25]
    # Pairs: 0 and 1 do 0.5 + 0 to each other's scores, 0 and 2 do 0.25 - 0.5, 1 and 2 do -0.25 + 1.
    assert found.pairs == pytest.approx((0.5**2 + 0.25**2 + 0.75**2) / 9)
    moved = influences_on_mean(scores, neighbours, effects, np.array([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(moved.influences - found.influences, [1, 0, -1])


def test_a_point_that_is_nobodys_neighbour_counts_by_its_own_score():
    found = influences_on_mean(np.array([0.2, 0.4, 0.9]), np.array([[1], [0], [1]]), np.full((3, 1), 0.1))
    np.testing.assert_allclose(found.influences, [0.3, 0.6, 0.9])


@given(seed=st.integers(0, 99), count=st.integers(2, 12), width=st.integers(1, 6))
@settings(deadline=None)
def test_pairs_are_those_of_the_matrix_of_effects(seed, count, width):
    rng = np.random.default_rng(seed)
    neighbours, effects = rng.integers(count, size=(count, width)), rng.normal(size=(count, width))
    matrix = np.zeros((count, count))
    for point in range(count):
        for other, effect in zip(neighbours[point], effects[point], strict=True):
            matrix[min(point, other), max(point, other)] += effect
    assert pair_variance(neighbours, effects) == pytest.approx((matrix**2).sum() / count**2)
