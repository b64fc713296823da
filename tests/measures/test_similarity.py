"""CKA against sums over quadruples and its invariances; overlap of neighbours against sets."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.measures.gram import GramSums, gram_rows, gram_rows_of_distances, gram_sums, joined
from strata.measures.similarity import (
    cka_influences,
    debiased_cka,
    debiased_hsic,
    debiased_hsic_without,
    drift,
    neighbourhood_overlap,
)

NEIGHBOUR_SETS = st.integers(1, 8).flatmap(
    lambda k: st.lists(
        st.tuples(*[st.lists(st.integers(0, 12), min_size=k, max_size=k, unique=True)] * 2), min_size=1, max_size=6
    )
)


def gaussian(rows, units, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, units))


def all_sums(layers):
    return gram_sums(layers, slice(0, len(layers[0])))


def cka(layers):
    return debiased_cka(all_sums(layers))


def without(layers, place):
    return [np.delete(values, place, axis=0) for values in layers]


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


def turned(values):
    units = values.shape[1]
    return values @ np.linalg.qr(np.random.default_rng(9).normal(size=(units, units)))[0]


@pytest.mark.parametrize("count", [4, 5, 7])
def test_hsic_is_the_mean_over_quadruples_of_points(count):
    layers = [gaussian(count, 3), gaussian(count, 2, seed=1) + 2, gaussian(count, 5, seed=2) ** 2]
    found = debiased_hsic(all_sums(layers))
    expected = [[quadruple_hsic(first, second) for second in layers] for first in layers]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_hsic_without_a_point_is_that_of_the_others():
    layers = [gaussian(9, 3) + 4, gaussian(9, 4, seed=1), gaussian(9, 20, seed=2)]
    found = debiased_hsic_without(all_sums(layers))
    for place in range(9):
        left = without(layers, place)
        expected = [[quadruple_hsic(first, second) for second in left] for first in left]
        np.testing.assert_allclose(found[:, :, place], expected, atol=1e-8)


def test_a_layer_is_like_itself_and_its_turned_scaled_and_shifted_copies():
    values = gaussian(40, 6) * [5, 4, 3, 2, 1, 0.5]
    similar = cka([values, turned(values), values * 1e-3, turned(values) * 70 + 3])
    np.testing.assert_allclose(similar, 1, rtol=1e-9)


def test_a_scale_by_unit_makes_layers_differ():
    values = gaussian(40, 6)
    assert cka([values, values * [9, 1, 1, 1, 1, 1]])[0, 1] < 0.8


def test_float32_layers_are_compared_to_their_precision():
    values = gaussian(50, 30).astype(np.float32)
    np.testing.assert_allclose(cka([values, turned(values).astype(np.float32) * 4]), 1, rtol=1e-4)
    other = (values + gaussian(50, 30, seed=1)).astype(np.float32)
    expected = cka([values.astype(np.float64), other.astype(np.float64)])
    np.testing.assert_allclose(cka([values, other]), expected, rtol=1e-4)


def test_unrelated_wide_layers_are_not_alike_though_the_biased_estimate_says_so():
    layers = [gaussian(60, 5000), gaussian(60, 5000, seed=1)]
    assert biased_cka(*layers) > 0.5
    assert abs(cka(layers)[0, 1]) < 0.1


def test_many_points_leave_the_biased_estimate_little_bias():
    first = gaussian(600, 3)
    second = first @ gaussian(3, 4, seed=1) + gaussian(600, 4, seed=2)
    assert cka([first, second])[0, 1] == pytest.approx(biased_cka(first, second), abs=0.01)


@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_sums_over_slices_join_to_the_sums_over_all(size):
    layers = [gaussian(50, 8), gaussian(50, 3, seed=1)]
    whole = all_sums(layers)
    sums = joined([gram_sums(layers, slice(start, start + size)) for start in range(0, 50, size)])
    for name in vars(whole):
        np.testing.assert_allclose(getattr(sums, name), getattr(whole, name), rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("rows", [slice(0, 60), slice(7, 20)])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_distances_tell_the_gram_matrix(rows, offset):
    values = gaussian(60, 8) + offset
    expected = gram_rows(values, rows)
    squared = ((values[:, None] - values) ** 2).sum(axis=2)
    sums = squared.sum(axis=1)
    np.fill_diagonal(squared, np.inf)
    found = gram_rows_of_distances(squared[rows], sums, rows)
    for name, each in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), each, rtol=1e-9, atol=1e-9, err_msg=name)


def test_in_a_constant_layer_distances_tell_a_gram_matrix_of_zeros():
    found = gram_rows_of_distances(np.where(np.eye(9), np.inf, 0)[2:5], np.zeros(9), slice(2, 5))
    assert not found.off_diagonal.any() and not found.diagonal.any() and not found.sums.any()


def test_sums_are_those_of_the_gram_matrices_without_their_diagonals():
    layers = [gaussian(90, 4), gaussian(90, 2, seed=1) ** 2]
    sums = all_sums(layers)
    grams = [(values - values.mean(axis=0)) @ (values - values.mean(axis=0)).T for values in layers]
    own = np.stack([np.diag(gram) for gram in grams])
    grams = [gram - np.diag(np.diag(gram)) for gram in grams]
    rows = np.stack([gram.sum(axis=1) for gram in grams])
    expected = GramSums(
        diagonal=own,
        rows=rows,
        products=np.array([[(first * second).sum(axis=1) for second in grams] for first in grams]),
        along_rows=np.array([[first @ row for row in rows] for first in grams]),
        along_diagonal=np.array([gram @ diagonal for gram, diagonal in zip(grams, own, strict=True)]),
        cubes=np.array([(gram**3).sum() for gram in grams]),
        cubes_by=np.array([[(first**3 * second).sum() for second in grams] for first in grams]),
        squares=np.array([[(first**2 * second**2).sum() for second in grams] for first in grams]),
    )
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(sums, name), value, rtol=1e-9, atol=1e-9, err_msg=name)


def test_one_layers_sums_are_those_of_it_alone():
    layers = [gaussian(20, 4), gaussian(20, 2, seed=1), gaussian(20, 7, seed=2)]
    for place in range(3):
        alone = all_sums(layers[place : place + 1])
        for name, value in vars(all_sums(layers).of_layer(place)).items():
            np.testing.assert_allclose(value, getattr(alone, name), rtol=1e-12, atol=1e-12, err_msg=name)


def test_similarity_is_symmetric_and_one_on_the_diagonal():
    found = cka([gaussian(30, 5), gaussian(30, 9, seed=1)])
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(found[[0, 1], [0, 1]], 1)


def test_influences_on_the_similarity_are_those_of_the_jackknife():
    layers = [gaussian(25, 5) + 1, gaussian(25, 9, seed=1), gaussian(25, 5) ** 2]
    found, whole = cka_influences(all_sums(layers)), cka(layers)
    left = np.stack([cka(without(layers, place)) for place in range(25)], axis=2)
    for a in range(3):
        for b in range(3):
            assert found[a][b].value == whole[a, b]
            np.testing.assert_allclose(found[a][b].influences, 25 * whole[a, b] - 24 * left[a, b], rtol=1e-7)


def test_pairs_in_the_similarity_are_what_is_left_of_its_kernel_when_its_rows_are_centred():
    first, second = gaussian(30, 4), gaussian(30, 6, seed=1) + gaussian(30, 6)
    grams = [(values - values.mean(axis=0)) @ (values - values.mean(axis=0)).T for values in (first, second)]
    sums = all_sums([first, second])
    hsic, value = debiased_hsic(sums), cka([first, second])[0, 1]
    kernel = value * (
        grams[0] * grams[1] / hsic[0, 1] - grams[0] ** 2 / (2 * hsic[0, 0]) - grams[1] ** 2 / (2 * hsic[1, 1])
    )
    np.fill_diagonal(kernel, 0)
    rows = kernel.sum(axis=1) / 28
    centred = kernel - rows[:, None] - rows[None] + kernel.sum() / (29 * 28)
    np.fill_diagonal(centred, 0)
    np.testing.assert_allclose(centred.sum(axis=1), 0, atol=1e-9)
    upper = centred[np.triu_indices(30, k=1)]
    assert cka_influences(sums)[0][1].pairs == pytest.approx((upper**2).sum() / (30 * 29 / 2) ** 2, rel=1e-9)


def test_a_layer_is_surely_like_itself():
    values = gaussian(30, 5)
    for influences in (cka_influences(all_sums([values]))[0][0], cka_influences(all_sums([values, values]))[0][1]):
        assert (influences.value, influences.standard_error) == (pytest.approx(1), pytest.approx(0, abs=1e-7))


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_a_constant_layer_is_like_nothing(constant):
    sums = all_sums([gaussian(20, 4), np.full((20, 3), constant), gaussian(20, 2, seed=1)])
    found = debiased_cka(sums)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[np.ix_([0, 2], [0, 2])]).all()
    assert np.isnan(cka_influences(sums)[0][1].standard_error)


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
