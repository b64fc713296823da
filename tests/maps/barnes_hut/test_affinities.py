"""Affinities against scikit-learn's and Strata's own in NumPy, neighbours against sorting, and functions by NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.manifold._t_sne import _joint_probabilities
from sklearn.metrics import pairwise_distances

from strata.maps.barnes_hut.affinities import affinities
from strata.maps.barnes_hut.compiled import divided
from strata.maps.barnes_hut.elementary import exponential, logarithm
from strata.maps.barnes_hut.neighbours import nearest
from strata.maps.barnes_hut.selection import select, total
from strata.measures import divergence


def run(count, work, *arguments):
    work(*arguments, 0, count)


def clusters(count: int, units: int = 6) -> np.ndarray:
    rng = np.random.default_rng(count)
    return (rng.normal(size=(5, units))[rng.integers(0, 5, count)] * 8 + rng.normal(size=(count, units))).astype("f4")


def test_where_all_are_neighbours_affinities_are_scikit_learns():
    values = clusters(61)
    distances = pairwise_distances(values.astype(np.float64), metric="sqeuclidean").astype(np.float32)
    theirs = _joint_probabilities(distances, 20, verbose=0)  # in condensed form, float32
    ours = affinities(values, 20.0, run).toarray()
    np.testing.assert_allclose(ours[np.triu_indices(61, 1)], theirs, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize(("count", "perplexity"), [(4, 1.0), (500, 5.0), (700, 30.0), (2000, 10.0)])
def test_affinities_are_those_of_the_measure_in_numpy(count, perplexity):
    ours = affinities(clusters(count), perplexity, run)
    theirs = divergence.affinities(clusters(count), perplexity)
    assert abs(ours - theirs).max() <= 1e-9 * theirs.max()
    assert ours.sum() == pytest.approx(1)
    assert abs(ours - ours.T).max() == 0


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_affinities_do_not_depend_on_the_scale_of_the_values(scale):
    scaled = affinities(clusters(200) * np.float32(scale), 10.0, run)
    np.testing.assert_allclose(scaled.toarray(), affinities(clusters(200), 10.0, run).toarray(), rtol=1e-4, atol=1e-12)


def test_more_equal_points_than_neighbours_share_alike():
    values = clusters(100)
    values[:60] = values[0]
    joint = affinities(values, 10.0, run)
    assert np.isfinite(joint.data).all() and joint.sum() == pytest.approx(1)
    every = affinities(np.ones((40, 3), dtype=np.float32), 5.0, run)
    assert every.sum() == pytest.approx(1)
    assert set(np.round(every.data * 40 * 15 * 2, 9)) <= {1, 2}


@pytest.mark.parametrize("count", [2, 5, 63, 64, 65, 300, 3000])
@pytest.mark.parametrize("k", [1, 4, 62])
def test_neighbours_are_those_of_sorting_by_distance_then_row(count, k):
    if k >= count:
        pytest.skip("fewer points")
    rng = np.random.default_rng(count)
    values = rng.integers(0, 4, size=(count, 5)).astype(np.float32)  # many equal distances, and equal points
    differences = values[:, None].astype(np.float64) - values if count < 1000 else None
    exact = (differences**2).sum(axis=2) if count < 1000 else pairwise_distances(values, metric="sqeuclidean")
    exact = np.round(exact)
    np.fill_diagonal(exact, np.inf)
    expected = np.sort(np.argsort(exact, axis=1, kind="stable")[:, :k], axis=1)
    rows, squared = nearest(values, k, run)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(squared, np.take_along_axis(exact, expected, axis=1))


def test_neighbours_are_exact_far_from_the_origin():
    values = clusters(400, 50) + np.float32(3000)
    wide = values.astype(np.float64)
    exact = ((wide[:, None] - wide) ** 2).sum(axis=2)
    np.fill_diagonal(exact, np.inf)
    expected = np.sort(np.argsort(exact, axis=1, kind="stable")[:, :20], axis=1)
    np.testing.assert_array_equal(nearest(values, 20, run)[0], expected)


def test_neighbours_do_not_depend_on_threads():
    with divided(3) as several:
        rows, squared = nearest(clusters(700), 20, several)
    np.testing.assert_array_equal(rows, nearest(clusters(700), 20, run)[0])
    np.testing.assert_array_equal(squared, nearest(clusters(700), 20, run)[1])


@given(st.floats(-699, 699))
def test_the_exponential_is_numpys(x):
    assert exponential(x) == pytest.approx(np.exp(x), rel=1e-15 * max(4, abs(x) / 50))


@pytest.mark.parametrize(("x", "value"), [(0.0, 1.0), (-701.0, 0.0), (-1e300, 0.0), (-np.inf, 0.0)])
def test_the_exponential_at_its_ends(x, value):
    assert exponential(x) == value


@given(st.floats(1e-300, 1e300))
def test_the_logarithm_is_numpys(x):
    assert logarithm(x) == pytest.approx(np.log(x), rel=4e-16, abs=4e-16)


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=60), st.data())
def test_selection_brings_the_key_of_sorting_to_its_place(numbers, data):
    place = data.draw(st.integers(0, len(numbers) - 1))
    keys, items = np.array(numbers, dtype=np.float32), np.arange(len(numbers), dtype=np.int32)
    select(keys, items, 0, len(keys) - 1, place)
    assert keys[place] == np.sort(np.array(numbers, dtype=np.float32))[place]
    assert (keys[:place] <= keys[place]).all() and (keys[place:] >= keys[place]).all()
    assert sorted(items) == list(range(len(keys)))
    np.testing.assert_array_equal(keys, np.array(numbers, dtype=np.float32)[items])


def test_a_total_is_summed_in_float64_from_the_first_on():
    assert total(np.array([1, 1e-12, 5], dtype=np.float32), 2) == 1 + np.float64(np.float32(1e-12))
