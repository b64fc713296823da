"""TwoNN against scikit-dimension, by hand, and on data of known dimension."""

import warnings
from math import log

import numpy as np
import pytest

from strata.measures.intrinsic_dimension import two_nn
from strata.measures.neighbours import neighbour_blocks, two_nearest_distances

DIMENSIONS = (1, 2, 3, 4, 5)


def two_nearest(values):
    return np.concatenate([two_nearest_distances(block.squared) for block in neighbour_blocks(values, 2)])


def gaussian(count, dimension):
    return np.random.default_rng(dimension).normal(size=(count, dimension))


def cube(count, dimension):
    return np.random.default_rng(10 + dimension).uniform(size=(count, dimension))


def embedded(values, units=20):
    """Return values in a space of more units, turned; distances stay as they are."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(units, units)))[0]
    return values @ turn[: values.shape[1]] + 5


@pytest.mark.parametrize("data", [gaussian, cube])
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_known_dimensions_are_found(data, dimension):
    found = two_nn(two_nearest(embedded(data(2000, dimension))))
    assert found.maximum_likelihood == pytest.approx(dimension, rel=0.1)
    assert found.linear_fit == pytest.approx(dimension, rel=0.1)
    # On a line some points lie so near to others that the squared distance is lost in its rounding error.
    assert found.used + found.dropped == 2000
    assert found.dropped <= (4 if dimension == 1 else 0)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_estimates_are_those_of_scikit_dimension(dimension):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skdim.id import TwoNN

        distances = two_nearest(gaussian(1500, dimension))
        linear = TwoNN(dist=True).fit(distances).dimension_
        likelihood = TwoNN(dist=True, method="mle", discard_fraction=0).fit(distances).dimension_
    found = two_nn(distances)
    assert found.linear_fit == pytest.approx(linear, rel=0.02)
    assert found.maximum_likelihood == pytest.approx(likelihood, rel=1e-12)


def test_both_estimates_by_hand():
    # Ratios 2, 4 and 1, so logs 0, log 2 and log 4; the largest is left out of the fit, whose F is 0 and 1/3.
    found = two_nn(np.array([[1.0, 2.0], [0.5, 2.0], [3.0, 3.0]]))
    assert found.maximum_likelihood == pytest.approx(2 / log(8))
    assert found.linear_fit == pytest.approx(log(3 / 2) / log(2))
    assert (found.used, found.dropped) == (3, 0)


def test_distances_of_three_points_on_a_line():
    # Points at 0, 1 and 4: distances to the two others are 1 and 4, 1 and 3, 3 and 4.
    distances = two_nearest(np.array([[0.0], [1.0], [4.0]]))
    np.testing.assert_allclose(distances, [[1, 4], [1, 3], [3, 4]])
    found = two_nn(distances)
    assert found.maximum_likelihood == pytest.approx(2 / log(4 * 3 * 4 / 3))
    x, y = np.log([4 / 3, 3]), np.array([0, log(3 / 2)])
    assert found.linear_fit == pytest.approx((x * y).sum() / (x * x).sum())


@pytest.mark.parametrize("dimension", [1, 8])
def test_the_maximum_likelihood_has_no_bias(dimension):
    # Ratios drawn from their law, Pareto's with exponent d; n / sum of logs would be 11% too large.
    rng = np.random.default_rng(0)
    ratios = 1 + rng.pareto(dimension, size=(3000, 10))
    found = [two_nn(np.stack([np.ones(10), row], axis=1)).maximum_likelihood for row in ratios]
    assert np.mean(found) == pytest.approx(dimension, rel=0.03)


def test_the_scale_of_a_layer_does_not_matter():
    distances = two_nearest(gaussian(300, 3))
    one, other = two_nn(distances), two_nn(distances * 1000)
    assert one.maximum_likelihood == pytest.approx(other.maximum_likelihood)
    assert one.linear_fit == pytest.approx(other.linear_fit)


def test_duplicates_are_dropped_and_counted():
    values = gaussian(400, 2)
    found = two_nn(two_nearest(np.concatenate([values, values[:30]])))
    assert (found.used, found.dropped) == (370, 60)
    assert found.maximum_likelihood == pytest.approx(2, rel=0.25)
    assert found.linear_fit == pytest.approx(2, rel=0.25)


def test_dropped_points_do_not_count_in_the_estimate():
    distances = np.array([[1.0, 2.0], [0.0, 0.0], [0.5, 2.0], [0.0, 7.0], [3.0, 3.0]])
    found, without = two_nn(distances), two_nn(distances[[0, 2, 4]])
    assert (found.maximum_likelihood, found.linear_fit) == (without.maximum_likelihood, without.linear_fit)
    assert (found.used, found.dropped) == (3, 2)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_constant_layer_has_no_dimension(value):
    found = two_nn(two_nearest(np.full((30, 4), value, dtype=np.float32)))
    assert np.isnan([found.maximum_likelihood, found.linear_fit]).all()
    assert (found.used, found.dropped) == (0, 30)


@pytest.mark.parametrize("distances", [[[1.0, 2.0], [0.0, 1.0]], [[1.0, 1.0]] * 4], ids=["one point", "equal"])
def test_one_point_or_ratios_of_one_have_no_dimension(distances):
    found = two_nn(np.array(distances))
    assert np.isnan([found.maximum_likelihood, found.linear_fit]).all()


def test_the_fit_has_no_value_where_only_the_largest_ratio_is_not_one():
    found = two_nn(np.array([[1.0, 1.0]] * 9 + [[1.0, 2.0]]))
    assert found.maximum_likelihood == pytest.approx(9 / log(2))
    assert np.isnan(found.linear_fit)
