"""Zeros and dead units by hand, the participation ratio against sums over quadruples and against known spectra."""

from itertools import permutations

import numpy as np
import pytest

from strata.measures.activity import dead_share, participation_ratio, zero_shares
from strata.measures.gram import gram_sums, joined


def influences(values):
    return participation_ratio(gram_sums([values], slice(0, len(values))))


def ratio(values):
    return influences(values).value


def ratio_over_quadruples(values):
    """Return the mean squared trace over the mean trace of the square, over two pairs of four different points.

    With a and b the differences of the pairs, (a a) (b b) / 4 has the squared trace as its mean, (a b)^2 / 4 the other.
    """
    pairs = [(values[i] - values[j], values[k] - values[m]) for i, j, k, m in permutations(range(len(values)), 4)]
    return np.mean([(a @ a) * (b @ b) for a, b in pairs]) / np.mean([(a @ b) ** 2 for a, b in pairs])


def ratio_of_eigenvalues(values):
    eigenvalues = np.linalg.eigvalsh(np.atleast_2d(np.cov(values.astype(np.float64), rowvar=False)))
    return eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


def gaussian(rows, units, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, units)) * np.linspace(3, 0.5, units)


def test_zero_shares_count_exact_zeros_by_point():
    values = np.array([[0.0, -0.0, 1.0, 2.0], [1e-30, 1.0, -1.0, 3.0], [0.0, 0.0, 0.0, 0.0], [5.0, 0.0, 1.0, 1.0]])
    assert zero_shares(values).tolist() == [0.5, 0.0, 1.0, 0.25]


def test_dead_units_put_out_the_same_for_all_points():
    values = np.array([[0, 1, 0.1, 7], [0, 2, 0.1, 7], [0, 1, 0.1, 8]], dtype=np.float32)
    assert dead_share(values) == 0.5
    assert dead_share(values[:1]) == 1
    assert dead_share(values[:, [1, 3]]) == 0


@pytest.mark.parametrize(("count", "units"), [(5, 1), (5, 3), (7, 4), (7, 30)])
def test_the_participation_ratio_is_that_of_means_over_quadruples(count, units):
    values = gaussian(count, units, seed=units) + 2
    assert ratio(values) == pytest.approx(ratio_over_quadruples(values), rel=1e-8)


def test_the_participation_ratio_of_five_points_by_hand():
    # The ways to take two pairs of four of them, with a quarter of the product of their squared distances, and a
    # quarter of the squared product of their differences. Without the middle: 4 and 0, 1 and 1, 1 and 1. Without
    # another one: 1 and 0, 1/2 and 1/4, 1/2 and 1/4; of these there are four.
    cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.0, 0.0]])
    assert ratio(cross) == pytest.approx((6 + 4 * 2) / (2 + 4 * 0.5), rel=1e-12)


def test_many_points_have_the_ratio_of_their_covariance():
    values = gaussian(4000, 6)
    assert ratio(values) == pytest.approx(ratio_of_eigenvalues(values), rel=5e-3)


def test_a_slow_spectrum_in_many_dimensions_is_met_on_average():
    """1,000 units of variances 1 / i^0.7, 300 points: the points' own covariance has a ratio far below the law's."""
    variances = np.arange(1, 1001) ** -0.7
    truth = variances.sum() ** 2 / (variances**2).sum()
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(300, 1000)) * variances**0.5 for _ in range(30)]
    ratios = np.array([ratio(values) for values in samples])
    error = ratios.std(ddof=1) / len(ratios) ** 0.5
    assert truth == pytest.approx(190.6, abs=0.05)
    assert abs(ratios.mean() - truth) < 3 * error
    assert error < 0.02 * truth
    assert np.mean([ratio_of_eigenvalues(values) for values in samples[:3]]) < 0.7 * truth


def test_influences_on_the_ratio_are_those_of_the_jackknife():
    values = gaussian(25, 6) + 3
    without = np.array([ratio(np.delete(values, place, axis=0)) for place in range(25)])
    np.testing.assert_allclose(influences(values).influences, 25 * ratio(values) - 24 * without, rtol=1e-7)


def test_the_standard_error_of_the_ratio_is_that_over_samples():
    """All directions alike: what varies belongs to pairs of points, which the jackknife alone would count twice."""
    rng = np.random.default_rng(1)
    found = [influences(rng.normal(size=(60, 200))) for _ in range(300)]
    spread = np.std([each.value for each in found], ddof=1)
    assert np.median([each.standard_error for each in found]) == pytest.approx(spread, rel=0.15)


def test_float32_layers_are_measured_to_their_precision():
    values = (gaussian(60, 25) + 1).astype(np.float32)
    assert ratio(values) == pytest.approx(ratio(values.astype(np.float64)), rel=1e-4)


def test_sums_over_slices_give_the_same_ratio():
    values = gaussian(30, 40, seed=1)
    sums = joined([gram_sums([values], slice(start, start + 8)) for start in range(0, 30, 8)])
    assert participation_ratio(sums).value == pytest.approx(ratio(values), rel=1e-10)
    np.testing.assert_allclose(participation_ratio(sums).influences, influences(values).influences, rtol=1e-8)


def test_the_ratio_is_one_where_one_direction_holds_everything():
    values = gaussian(20, 1) * np.array([[1.0, -2.0, 0.5, 3.0]]) + [1, 2, 3, 4]
    found = influences(values)
    assert (found.value, found.standard_error) == (pytest.approx(1, rel=1e-12), pytest.approx(0, abs=1e-6))


def test_turn_shift_and_scale_do_not_matter():
    values = gaussian(25, 6)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    moved = influences(values @ turn * 30 - 7)
    assert moved.value == pytest.approx(ratio(values), rel=1e-10)
    assert moved.standard_error == pytest.approx(influences(values).standard_error, rel=1e-6)


def test_a_layer_that_fires_for_two_points_only_has_a_ratio_in_one_direction():
    values = np.zeros((16, 3))
    values[[2, 5]] = [1, 0, 2]  # without one of them, no two pairs of different points differ
    assert influences(values).value == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_a_constant_layer_has_no_ratio(constant):
    found = influences(np.full((16, 3), constant))
    assert np.isnan([found.value, found.standard_error]).all()
