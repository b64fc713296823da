"""The trust in a map against scikit-learn's trustworthiness, SciPy's correlation and counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness

from strata.measures.map_quality import all_ranks, distance_correlation, point_trust
from strata.measures.neighbours import neighbour_blocks

# A few whole numbers, squares of whole numbers: exact, with many ties.
GRIDS = st.tuples(st.integers(3, 15), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 3).map(lambda value: value * 8.0))
)


def layer(count=80, units=10, seed=0):
    return np.random.default_rng(seed).normal(size=(count, units))


def noisy_map(values, noise=0.7):
    """Return two of the units, with noise: a map that is neither right nor wrong."""
    return values[:, :2] + np.random.default_rng(1).normal(size=(len(values), 2)) * noise


def blocks_of(values, points, k):
    (full,), (flat,) = neighbour_blocks(values, k), neighbour_blocks(points, k)
    return full, flat


def neighbour_ranks(squared, nearest, others):
    """Return the rank (b, m) of each of `others` (b, m) among the neighbours of each point."""
    return np.take_along_axis(all_ranks(squared, nearest), others, axis=1)


def trust_of(values, points, k):
    full, flat = blocks_of(values, points, k)
    layer_ranks = neighbour_ranks(full.squared, full.nearest, flat.nearest)
    map_ranks = neighbour_ranks(flat.squared, flat.nearest, full.nearest)
    return point_trust(layer_ranks, map_ranks, len(values))


def sorted_others(values):
    """Return for each point all others, the nearest first, ties by row."""
    squared = ((values[:, None] - values) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared.argsort(axis=1, kind="stable")[:, :-1]


@pytest.mark.parametrize("k", [1, 5, 20, 39])
def test_means_are_trustworthiness_and_continuity(k):
    values = layer()
    points = noisy_map(values)
    trust = trust_of(values, points, k)
    assert trust.trustworthiness.mean() == pytest.approx(trustworthiness(values, points, n_neighbors=k), abs=1e-12)
    assert trust.continuity.mean() == pytest.approx(trustworthiness(points, values, n_neighbors=k), abs=1e-12)
    assert trust.trustworthiness.mean() < 0.95


def test_a_map_that_is_the_layer_is_trusted_wholly():
    values = layer(units=2)
    trust = trust_of(values, values * 3 + 1, 7)
    for share in (trust.recall, trust.trustworthiness, trust.continuity):
        assert (share == 1).all()
    for share in (trust.false_neighbours, trust.missing_neighbours):
        assert (share == 0).all()


@pytest.mark.parametrize("k", [1, 6, 15])
def test_recall_false_and_missing_neighbours_are_counted(k):
    values = layer()
    points = noisy_map(values, noise=2)
    trust = trust_of(values, points, k)
    full, flat = sorted_others(values), sorted_others(points)
    for row in range(len(values)):
        near, on_map = set(full[row, :k]), set(flat[row, :k])
        assert trust.recall[row] == pytest.approx(len(near & on_map) / k)
        assert trust.false_neighbours[row] == pytest.approx(len(on_map - set(full[row, : 2 * k])) / k)
        assert trust.missing_neighbours[row] == pytest.approx(len(near - set(flat[row, : 2 * k])) / k)


def test_trust_by_hand():
    # Of 10 points, k = 2: the worst sum of excess ranks is 2 * (20 - 6 - 1) / 2 = 13.
    trust = point_trust(np.array([[1, 2], [5, 1], [9, 8]]), np.array([[2, 1], [1, 4], [3, 5]]), 10)
    assert trust.recall.tolist() == [1.0, 0.5, 0.0]
    np.testing.assert_allclose(trust.trustworthiness, [1, 1 - 3 / 13, 0])
    np.testing.assert_allclose(trust.continuity, [1, 1 - 2 / 13, 1 - 4 / 13])
    assert trust.false_neighbours.tolist() == [0.0, 0.5, 1.0]
    assert trust.missing_neighbours.tolist() == [0.0, 0.0, 0.5]


@pytest.mark.parametrize("k", [1, 4, 29])
def test_ranks_are_places_among_the_sorted_others(k):
    values = layer(count=30)
    (block,) = neighbour_blocks(values, k)
    others = sorted_others(values)
    columns = np.random.default_rng(2).permuted(np.tile(np.arange(29), (30, 1)), axis=1)
    ranks = neighbour_ranks(block.squared, block.nearest, np.take_along_axis(others, columns, axis=1))
    np.testing.assert_array_equal(ranks, columns + 1)


@given(values=GRIDS, share=st.floats(0, 1))
@settings(deadline=None)
def test_ranks_among_ties_and_duplicates_go_by_row(values, share):
    others = sorted_others(values)
    squared = ((values[:, None] - values) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    nearest = others[:, : 1 + int(share * (len(values) - 2))]
    expected = np.tile(np.arange(1, len(values)), (len(values), 1))
    np.testing.assert_array_equal(neighbour_ranks(squared, nearest, others), expected)


def test_the_point_itself_comes_last():
    (block,) = neighbour_blocks(layer(count=30), 3)
    np.testing.assert_array_equal(np.diag(all_ranks(block.squared, block.nearest)), 30)


def test_the_exact_neighbours_overrule_rounded_distances():
    # By the rounded distances points 1 and 2 are as near; the exact order is 2 before 1.
    squared = np.array([[np.inf, 1.0, 1.0, 4.0]])
    assert neighbour_ranks(squared, np.array([[2, 1]]), np.array([[1, 2, 3]])).tolist() == [[2, 1, 3]]
    assert neighbour_ranks(squared, np.array([[2]]), np.array([[1, 2, 3]])).tolist() == [[2, 1, 3]]


def test_trust_joins_over_blocks_of_points():
    values = layer()
    points = noisy_map(values)
    full, flat = blocks_of(values, points, 5)
    whole = neighbour_ranks(full.squared, full.nearest, flat.nearest)
    parts = [
        neighbour_ranks(full.squared[rows], full.nearest[rows], flat.nearest[rows])
        for rows in (slice(0, 33), slice(33, 80))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("noise", [0.0, 0.7, 50.0])
def test_the_correlation_of_distances_is_spearmans(noise):
    values = layer()
    points = noisy_map(values, noise)
    expected = spearmanr(pdist(values), pdist(points)).statistic
    assert distance_correlation(values, points) == pytest.approx(expected, abs=1e-12)


def test_tied_distances_share_their_ranks():
    values = np.array([[0.0], [0.0], [8.0], [16.0], [24.0], [0.0], [8.0], [24.0]])
    points = layer(count=8, units=2)
    expected = spearmanr(pdist(values), pdist(points)).statistic
    assert distance_correlation(values, points) == pytest.approx(expected, abs=1e-12)


def test_scale_turn_and_shift_leave_a_perfect_correlation():
    points = layer(units=2)
    assert distance_correlation(points, points[:, ::-1] * -5 + 2) == pytest.approx(1)


def test_a_constant_layer_or_map_has_no_correlation():
    points, constant = layer(units=2), np.full((80, 2), 0.1)
    assert np.isnan(distance_correlation(constant, points))
    assert np.isnan(distance_correlation(points, constant))
    assert np.isnan(distance_correlation(points[:2], points[2:4]))
