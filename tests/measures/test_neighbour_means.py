"""Influences on means over neighbours: by loops, by leaving points out, and by how often the intervals hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.measures.intervals import SHARES, from_influences, mean_of
from strata.measures.labels import neighbourhood_hit
from strata.measures.map_quality import FalseNeighbours, all_ranks, false_neighbours, joined, worst_excess
from strata.measures.neighbour_means import hit_influences, overlap_influences, trust_influences
from strata.measures.neighbours import boundary, neighbour_blocks, reach

CASES = st.tuples(st.integers(0, 99), st.integers(12, 30), st.integers(1, 5))


def cloud(seed, count, units=3):
    return np.random.default_rng(seed).normal(size=(count, units))


def sorted_others(values):
    """Return for each point all others, the nearest first."""
    squared = ((values[:, None] - values) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared.argsort(axis=1, kind="stable")[:, :-1]


def influences(scores, effects):
    """Return the influences and the pairs' variance from (point, neighbour, effect on the point's score)."""
    found, pairs = scores.copy(), np.zeros((len(scores), len(scores)))
    for point, neighbour, effect in effects:
        found[neighbour] += effect
        pairs[min(point, neighbour), max(point, neighbour)] += effect
    return found, (pairs**2).sum() / len(scores) ** 2


@pytest.mark.parametrize(
    ("k", "places"), [(1, [0, 1]), (2, [1, 2]), (3, [2, 3]), (5, [3, 4, 5, 6]), (15, list(range(8, 22)))]
)
def test_the_boundary_is_as_many_points_inside_as_outside(k, places):
    assert list(range(reach(k)))[boundary(k)] == places
    assert sum(place < k for place in places) == sum(place >= k for place in places)


@given(case=CASES)
@settings(deadline=None)
def test_influences_on_the_hit_are_those_by_loops(case):
    seed, count, k = case
    others, labels = sorted_others(cloud(seed, count)), np.random.default_rng(seed + 1).integers(3, size=count)
    scores, effects = np.zeros(count), []
    for point in range(count):
        agrees = [float(labels[other] == labels[point]) for other in others[point]]
        scores[point] = np.mean(agrees[:k])
        edge = np.mean(agrees[boundary(k)])
        effects += [(point, others[point, place], (agrees[place] - edge) / k) for place in range(k)]
    expected, pairs = influences(scores, effects)
    found = hit_influences(others[:, : reach(k)], labels, k)
    assert found.value == pytest.approx(scores.mean())
    np.testing.assert_allclose(found.influences, expected, atol=1e-12)
    assert found.pairs == pytest.approx(pairs)


@given(case=CASES)
@settings(deadline=None)
def test_influences_on_the_overlap_are_those_by_loops(case):
    seed, count, k = case
    first, second = sorted_others(cloud(seed, count)), sorted_others(cloud(seed, count)[:, :2])
    scores, effects = np.zeros(count), []
    for point in range(count):
        left, right = set(first[point, :k]), set(second[point, :k])
        scores[point] = len(left & right) / k
        for own, other, own_set, counts in ((first, right, left, 1), (second, left, right, 0)):
            edge = np.mean([float(each in other) for each in own[point, boundary(k)]])
            effects += [(point, each, (counts * float(each in other) - edge) / k) for each in own_set]
    expected, pairs = influences(scores, effects)
    found = overlap_influences(first[:, : reach(k)], second[:, : reach(k)], k)
    assert found.value == pytest.approx(scores.mean())
    np.testing.assert_allclose(found.influences, expected, atol=1e-12)
    assert found.pairs == pytest.approx(pairs)


def false_of(values, flat, k):
    (full,), (on_map,) = neighbour_blocks(values, reach(k)), neighbour_blocks(flat, reach(k))
    return on_map.nearest, false_neighbours(all_ranks(full.squared, full.nearest), on_map.nearest, k)


@given(case=CASES)
@settings(deadline=None)
def test_influences_on_trustworthiness_are_those_by_loops(case):
    seed, count, k = case
    values = cloud(seed, count)
    others, seen, worst = sorted_others(values), sorted_others(values[:, :2]), worst_excess(count, k)
    ranks = others.argsort(axis=1, kind="stable")  # of the others in ascending order of their rows
    rank = {(i, j): ranks[i, j - (j > i)] + 1 for i in range(count) for j in range(count) if i != j}
    scores, effects, passed = np.zeros(count), [], np.zeros(count)
    for point in range(count):
        excess = [max(rank[point, other] - k, 0) for other in seen[point]]
        scores[point] = 1 - sum(excess[:k]) / worst
        edge = np.mean(excess[boundary(k)])
        effects += [(point, seen[point, place], -(excess[place] - edge) / worst) for place in range(k)]
        for place in range(k):
            if excess[place]:
                for nearer in others[point, : rank[point, seen[point, place]] - 1]:
                    passed[nearer] += 1
    expected, pairs = influences(scores, effects)
    near, false = false_of(values, values[:, :2], k)
    np.testing.assert_array_equal(false.passed, passed)
    found = trust_influences(scores, near[:, :k], false)
    np.testing.assert_allclose(found.influences, expected - passed / worst, atol=1e-12)
    assert found.pairs == pytest.approx(pairs)


def test_false_neighbours_join_over_parts_of_the_points():
    whole = FalseNeighbours(np.arange(6).reshape(3, 2), np.arange(6.0).reshape(3, 2), np.array([4, 1, 0]))
    parts = [
        FalseNeighbours(whole.ranks[:1], whole.excess[:1], np.array([3, 0, 0])),
        FalseNeighbours(whole.ranks[1:], whole.excess[1:], np.array([1, 1, 0])),
    ]
    found = joined(parts)
    for name in ("ranks", "excess", "passed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


@pytest.mark.parametrize("k", [1, 4, 9])
def test_labels_that_all_agree_and_spaces_that_are_equal_leave_no_uncertainty(k):
    near = sorted_others(cloud(0, 40))[:, : reach(k)]
    for found in (hit_influences(near, np.zeros(40, dtype=int), k), overlap_influences(near, near, k)):
        assert (found.value, found.standard_error) == (1, pytest.approx(0, abs=1e-12))


def test_influences_are_about_those_by_leaving_points_out():
    """With many points, what a point's absence changes is its influence, but for the noise of the next nearest."""
    values, labels, k = cloud(3, 300, 2), None, 15
    labels = (values[:, 0] + 0.5 * np.random.default_rng(4).normal(size=300) > 0).astype(int)
    whole, without = neighbourhood_hit(labels[sorted_others(values)[:, :k]], labels).mean(), []
    for place in range(300):
        left, those = np.delete(values, place, axis=0), np.delete(labels, place)
        without.append(neighbourhood_hit(those[sorted_others(left)[:, :k]], those).mean())
    exact = 300 * whole - 299 * np.array(without)
    found = hit_influences(sorted_others(values)[:, : reach(k)], labels, k)
    assert np.corrcoef(exact, found.influences)[0, 1] > 0.95
    assert found.influences.std() == pytest.approx(exact.std(), rel=0.1)


def test_intervals_of_the_hit_hold_about_as_often_as_they_say():
    """60 samples of 400 points in four classes: treated as independent, scores give intervals that hold too rarely."""
    rng, k, centres = np.random.default_rng(11), 15, np.random.default_rng(12).normal(size=(4, 2))
    estimates, independent = [], []
    for _ in range(60):
        labels = rng.integers(4, size=400)
        values = centres[labels] + rng.normal(size=(400, 2))
        (block,) = neighbour_blocks(values, reach(k))
        estimates.append(from_influences(hit_influences(block.nearest, labels, k), SHARES))
        independent.append(mean_of(neighbourhood_hit(labels[block.nearest[:, :k]], labels)))
    truth = np.mean([each.value for each in estimates])
    assert np.mean([each.low <= truth <= each.high for each in estimates]) > 0.85
    assert np.mean([each.low <= truth <= each.high for each in independent]) < 0.8
