"""Dimensions within classes: against TwoNN of each class alone, and by construction."""

import numpy as np
import pytest

from strata.measures.class_dimension import class_dimensions, mean_dimensions, two_nearest_of_class
from strata.measures.intrinsic_dimension import two_nn
from strata.measures.neighbours import neighbour_blocks, two_nearest_distances


def dimensions_of(values, labels, subsets):
    found = [two_nearest_of_class(block, labels, subsets) for block in neighbour_blocks(values, 2)]
    return class_dimensions(np.concatenate(found), labels)


def alone(values):
    squared = np.concatenate([block.squared for block in neighbour_blocks(values, 2)])
    return two_nn(two_nearest_distances(squared)).maximum_likelihood


def test_each_class_has_the_dimension_of_its_points_alone(monkeypatch):
    monkeypatch.setattr("strata.measures.neighbours.ROWS", 16)  # several blocks
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([2, 5, 9], [30, 12, 20]))
    values = rng.normal(size=(62, 4)).astype(np.float32)
    subsets = np.stack([np.ones(62, dtype=bool), rng.random(62) < 0.6], axis=1)
    found = dimensions_of(values, labels, subsets)
    expected = [[alone(values[rows & (labels == name)]) for rows in subsets.T] for name in (2, 5, 9)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_lines_in_many_directions_have_one_dimension_each():
    """Ten classes on lines in 20 dimensions: all points together spread in more than one, each class in one."""
    rng = np.random.default_rng(0)
    labels = np.arange(2000) % 10
    directions = rng.normal(size=(10, 20))
    values = (rng.normal(size=(2000, 1)) * directions[labels]).astype(np.float32)
    found = dimensions_of(values, labels, np.ones((2000, 1), dtype=bool))
    assert found.shape == (10, 1)
    assert mean_dimensions(found) == pytest.approx([1], abs=0.05)


def test_classes_of_few_points_are_left_out():
    labels = np.array([0, 0, 0, 0, 1, 1])
    values = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    found = dimensions_of(values, labels, np.ones((6, 1), dtype=bool))
    assert np.isfinite(found[0, 0]) and np.isnan(found[1, 0])
    assert mean_dimensions(found).tolist() == [found[0, 0]]


def test_the_mean_is_over_the_same_classes_in_every_half():
    nan = float("nan")
    found = mean_dimensions(np.array([[2.0, 3.0, 1.0], [4.0, 1.0, nan], [nan, 7.0, 7.0]]))
    np.testing.assert_array_equal(found, [3, 2, nan])
    assert mean_dimensions(np.full((2, 3), nan)) is None
    assert mean_dimensions(np.empty((0, 1))) is None
