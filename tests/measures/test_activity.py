"""Zeros and dead units by hand, participation ratios against the eigenvalues of the covariance."""

import numpy as np
import pytest

from strata.measures.activity import dead_share, participation_ratios, zero_shares
from strata.measures.similarity import gram_sums, joined


def ratios(layers, subsets=None):
    subsets = np.ones((len(layers[0]), 1), dtype=bool) if subsets is None else subsets
    return participation_ratios(gram_sums(layers, subsets, slice(0, len(subsets))), subsets)


def ratio_of_eigenvalues(values):
    eigenvalues = np.linalg.eigvalsh(np.atleast_2d(np.cov(values.astype(np.float64), rowvar=False)))
    return eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


def gaussian(rows, units, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, units)) * np.linspace(3, 0.5, units)


def random_subsets(count, subsets):
    chosen = np.random.default_rng(5).random((count, subsets)) < 0.5
    chosen[:, 0] = True
    return chosen


def test_zero_shares_count_exact_zeros_by_point():
    values = np.array([[0.0, -0.0, 1.0, 2.0], [1e-30, 1.0, -1.0, 3.0], [0.0, 0.0, 0.0, 0.0], [5.0, 0.0, 1.0, 1.0]])
    assert zero_shares(values).tolist() == [0.5, 0.0, 1.0, 0.25]


def test_dead_units_put_out_the_same_for_all_points():
    values = np.array([[0, 1, 0.1, 7], [0, 2, 0.1, 7], [0, 1, 0.1, 8]], dtype=np.float32)
    assert dead_share(values) == 0.5
    assert dead_share(values[:1]) == 1
    assert dead_share(values[:, [1, 3]]) == 0


@pytest.mark.parametrize("units", [1, 4, 40])
def test_participation_ratios_are_those_of_the_covariance(units):
    layers, subsets = [gaussian(30, units) + 2, gaussian(30, 7, seed=1)], random_subsets(30, 5)
    found = ratios(layers, subsets)
    expected = [[ratio_of_eigenvalues(values[members]) for members in subsets.T] for values in layers]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_float32_layers_are_measured_to_their_precision():
    values = (gaussian(60, 25) + 1).astype(np.float32)
    np.testing.assert_allclose(ratios([values]), ratio_of_eigenvalues(values), rtol=1e-4)


def test_sums_over_slices_give_the_same_ratios():
    layers, subsets = [gaussian(30, 6), gaussian(30, 40, seed=1)], random_subsets(30, 3)
    sums = joined([gram_sums(layers, subsets, slice(start, start + 8)) for start in range(0, 30, 8)])
    np.testing.assert_allclose(participation_ratios(sums, subsets), ratios(layers, subsets), rtol=1e-10)


@pytest.mark.parametrize("units", [1, 3, 10])
def test_the_ratio_is_the_number_of_units_where_all_vary_alike(units):
    isotropic = np.concatenate([np.eye(units), -np.eye(units)]) * 4 + 1
    np.testing.assert_allclose(ratios([isotropic]), units, rtol=1e-12)


def test_the_ratio_is_one_where_one_direction_holds_everything():
    values = gaussian(20, 1) * np.array([[1.0, -2.0, 0.5, 3.0]]) + [1, 2, 3, 4]
    np.testing.assert_allclose(ratios([values]), 1, rtol=1e-12)


def test_turn_shift_and_scale_do_not_matter():
    values = gaussian(25, 6)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    np.testing.assert_allclose(ratios([values @ turn * 30 - 7]), ratios([values]), rtol=1e-10)


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_a_constant_layer_has_no_ratio(constant):
    found = ratios([np.full((16, 3), constant), gaussian(16, 3)], random_subsets(16, 3))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
