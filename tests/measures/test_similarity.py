"""CKA against sums over quadruples and its invariances; overlap of neighbours against sets."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.measures.similarity import debiased_cka, debiased_hsic, drift, gram_sums, joined, neighbourhood_overlap

NEIGHBOUR_SETS = st.integers(1, 8).flatmap(
    lambda k: st.lists(
        st.tuples(*[st.lists(st.integers(0, 12), min_size=k, max_size=k, unique=True)] * 2), min_size=1, max_size=6
    )
)


def gaussian(rows, units, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, units))


def everything(count):
    return np.ones((count, 1), dtype=bool)


def all_sums(layers, subsets):
    return gram_sums(layers, subsets, slice(0, len(subsets)))


def cka(layers, subsets=None):
    subsets = everything(len(layers[0])) if subsets is None else subsets
    return debiased_cka(all_sums(layers, subsets), subsets)


def quadruple_hsic(first, second):
    """Return the U-statistic of HSIC: the mean over all ordered quadruples of different points."""
    left, right = first @ first.T, second @ second.T
    terms = [
        left[i, j] * right[i, j] + left[i, j] * right[q, r] - 2 * left[i, j] * right[i, q]
        for i, j, q, r in permutations(range(len(first)), 4)
    ]
    return sum(terms) / len(terms)


def biased_cka(first, second):
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    left, right = first @ first.T, second @ second.T
    return (left * right).sum() / ((left * left).sum() * (right * right).sum()) ** 0.5


def random_subsets(count, subsets, seed=0):
    chosen = np.random.default_rng(seed).random((count, subsets)) < 0.6
    chosen[:, 0] = True
    return chosen


def turned(values):
    units = values.shape[1]
    return values @ np.linalg.qr(np.random.default_rng(9).normal(size=(units, units)))[0]


@pytest.mark.parametrize("count", [4, 5, 7])
def test_hsic_is_the_mean_over_quadruples_of_points(count):
    layers = [gaussian(count, 3), gaussian(count, 2, seed=1) + 2, gaussian(count, 5, seed=2) ** 2]
    subsets = everything(count)
    found = debiased_hsic(all_sums(layers, subsets), subsets)
    expected = [[[quadruple_hsic(first, second)] for second in layers] for first in layers]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_hsic_on_a_subset_is_the_mean_over_its_quadruples():
    layers, subsets = [gaussian(9, 3), gaussian(9, 4, seed=1)], random_subsets(9, 4, seed=3)
    found = debiased_hsic(all_sums(layers, subsets), subsets)
    for column, members in enumerate(subsets.T):
        expected = [[quadruple_hsic(first[members], second[members]) for second in layers] for first in layers]
        np.testing.assert_allclose(found[:, :, column], expected, atol=1e-8)


def test_a_layer_is_like_itself_and_its_turned_scaled_and_shifted_copies():
    values = gaussian(40, 6) * [5, 4, 3, 2, 1, 0.5]
    similar = cka([values, turned(values), values * 1e-3, turned(values) * 70 + 3])
    np.testing.assert_allclose(similar, 1, rtol=1e-9)


def test_a_scale_by_unit_makes_layers_differ():
    values = gaussian(40, 6)
    assert cka([values, values * [9, 1, 1, 1, 1, 1]])[0, 1, 0] < 0.8


def test_float32_layers_are_compared_to_their_precision():
    values = gaussian(50, 30).astype(np.float32)
    np.testing.assert_allclose(cka([values, turned(values).astype(np.float32) * 4]), 1, rtol=1e-4)
    other = (values + gaussian(50, 30, seed=1)).astype(np.float32)
    expected = cka([values.astype(np.float64), other.astype(np.float64)])
    np.testing.assert_allclose(cka([values, other]), expected, rtol=1e-4)


def test_unrelated_wide_layers_are_not_alike_though_the_biased_estimate_says_so():
    layers = [gaussian(60, 5000), gaussian(60, 5000, seed=1)]
    assert biased_cka(*layers) > 0.5
    assert abs(cka(layers)[0, 1, 0]) < 0.1


def test_many_points_leave_the_biased_estimate_little_bias():
    first = gaussian(600, 3)
    second = first @ gaussian(3, 4, seed=1) + gaussian(600, 4, seed=2)
    assert cka([first, second])[0, 1, 0] == pytest.approx(biased_cka(first, second), abs=0.01)


@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_sums_over_slices_join_to_the_sums_over_all(size):
    layers, subsets = [gaussian(50, 8), gaussian(50, 3, seed=1)], random_subsets(50, 3)
    parts = [gram_sums(layers, subsets, slice(start, start + size)) for start in range(0, 50, size)]
    whole, sums = all_sums(layers, subsets), joined(parts)
    np.testing.assert_allclose(sums.products, whole.products, rtol=1e-10)
    np.testing.assert_allclose(sums.rows, whole.rows, atol=1e-10)
    np.testing.assert_allclose(sums.diagonal, whole.diagonal, rtol=1e-10)
    np.testing.assert_allclose(debiased_cka(sums, subsets), debiased_cka(whole, subsets), rtol=1e-10)


def test_sums_are_those_of_the_gram_matrices_without_their_diagonals():
    layers, subsets = [gaussian(12, 4), gaussian(12, 2, seed=1)], random_subsets(12, 3)
    sums = all_sums(layers, subsets)
    grams = [(values - values.mean(axis=0)) @ (values - values.mean(axis=0)).T for values in layers]
    np.testing.assert_allclose(sums.diagonal, [np.diag(gram) for gram in grams])
    grams = [gram - np.diag(np.diag(gram)) for gram in grams]
    np.testing.assert_allclose(sums.rows, [gram @ subsets for gram in grams], atol=1e-12)
    for column, members in enumerate(subsets.T):
        inside = np.ix_(members, members)
        expected = [[(first[inside] * second[inside]).sum() for second in grams] for first in grams]
        np.testing.assert_allclose(sums.products[:, :, column], expected)


def test_a_subset_gives_what_its_points_alone_give():
    layers, subsets = [gaussian(30, 5) + 3, gaussian(30, 9, seed=1), gaussian(30, 2, seed=2)], random_subsets(30, 5)
    found = cka(layers, subsets)
    for column, members in enumerate(subsets.T):
        alone = cka([values[members] for values in layers])
        np.testing.assert_allclose(found[:, :, column], alone[:, :, 0], rtol=1e-9)


def test_similarity_is_symmetric_and_one_on_the_diagonal():
    found = cka([gaussian(30, 5), gaussian(30, 9, seed=1)], random_subsets(30, 3))
    np.testing.assert_array_equal(found, found.swapaxes(0, 1))
    np.testing.assert_allclose(found[[0, 1], [0, 1]], 1)


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_a_constant_layer_is_like_nothing(constant):
    found = cka([gaussian(20, 4), np.full((20, 3), constant), gaussian(20, 2, seed=1)], random_subsets(20, 3))
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[np.ix_([0, 2], [0, 2])]).all()


def test_overlap_is_one_for_equal_and_zero_for_disjoint_neighbours():
    first = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4]])
    second = np.array([[4, 2, 1, 3], [1, 2, 3, 4], [9, 4, 8, 1]])
    assert neighbourhood_overlap(first, second).tolist() == [1.0, 0.0, 0.5]


@given(rows=NEIGHBOUR_SETS)
@settings(deadline=None)
def test_overlap_and_drift_are_those_of_the_sets(rows):
    first, second = (np.array(part, dtype=np.int32) for part in zip(*rows, strict=True))
    overlap = neighbourhood_overlap(first, second)
    sets = [(set(one), set(other)) for one, other in rows]
    np.testing.assert_allclose(overlap, [len(one & other) / len(one) for one, other in sets])
    np.testing.assert_allclose(
        drift(overlap), [1 - len(one & other) / len(one | other) for one, other in sets], atol=1e-15
    )


@given(rows=NEIGHBOUR_SETS, seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_order_of_neighbours_and_of_spaces_does_not_matter(rows, seed):
    first, second = (np.array(part, dtype=np.int32) for part in zip(*rows, strict=True))
    shuffled = np.random.default_rng(seed).permuted(second, axis=1)
    overlap = neighbourhood_overlap(first, second)
    np.testing.assert_array_equal(neighbourhood_overlap(first, shuffled), overlap)
    np.testing.assert_array_equal(neighbourhood_overlap(second, first), overlap)
