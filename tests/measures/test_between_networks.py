"""How alike the layers of two networks are: values by construction, and against SciPy."""

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.stats import ortho_group

from strata.measures.between_networks import most_alike_is_same
from strata.measures.distances import write_all_distances
from strata.measures.similarity import procrustes_distance, shape_by_distances, shape_of


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def distance(first, second):
    return procrustes_distance(shape_of(first), shape_of(second))


def test_a_rotated_scaled_and_shifted_layer_is_at_no_distance(rng):
    layer = rng.standard_normal((30, 6))
    turned = 3 * layer @ ortho_group.rvs(6, random_state=0) + 5
    assert distance(layer, turned) == pytest.approx(0, abs=1e-12)
    wide = layer @ np.linalg.qr(rng.standard_normal((50, 6)))[0].T  # more units than points
    assert distance(layer, wide) == pytest.approx(0, abs=1e-6)


def test_layers_in_directions_of_their_own_are_as_far_as_can_be():
    """Four points whose coordinates are orthogonal vectors of mean 0: no rotation brings one nearer to the other."""
    first, second = np.array([[1.0], [1], [-1], [-1]]), np.array([[1.0], [-1], [1], [-1]])
    assert distance(first, second) == pytest.approx(2)


def test_the_distance_by_hand():
    """x = (1, 0, -1) / 2^1/2 and y = (1, 1, -2) / 6^1/2: their product is 3 / 12^1/2 = 3^1/2 / 2."""
    first, second = np.array([[1.0], [0], [-1]]), np.array([[1.0], [1], [-2]])
    assert distance(first, second) == pytest.approx(2 - np.sqrt(3))


def test_it_is_that_of_scipy(rng):
    """SciPy also scales one of them to fit, so its disparity is 1 - c^2, with c the nuclear norm of the product."""
    first, second = rng.standard_normal((2, 40, 5))
    second = first + second
    cosine = np.sqrt(1 - procrustes(first, second)[2])
    assert distance(first, second) == pytest.approx(2 - 2 * cosine)


def test_a_constant_layer_has_no_distance(rng):
    assert np.isnan(distance(np.full((5, 3), 0.1), rng.standard_normal((5, 3))))


def test_distances_of_points_give_the_same_shape(rng):
    first, second = rng.standard_normal((2, 20, 60)).astype(np.float32) + 2
    squared = np.zeros((20, 20))
    write_all_distances(first, squared)
    assert np.isinf(squared.diagonal()).all()
    found = procrustes_distance(shape_by_distances(squared), shape_of(second))
    assert found == pytest.approx(distance(first, second), rel=1e-12) and 0.1 < found < 2


def test_points_without_distances_have_no_shape(rng):
    assert np.isnan(procrustes_distance(shape_by_distances(np.zeros((5, 5))), shape_of(rng.standard_normal((5, 3)))))


def test_layers_are_identified_by_their_row():
    likeness = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2], [np.nan, 0.3, 0.4]])
    assert most_alike_is_same(likeness).tolist() == [True, False, True]
