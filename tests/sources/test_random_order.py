"""Orders drawn from a seed: known, fair to each class, and other for another seed."""

import hashlib

import numpy as np
import pytest

from strata.sources.random_order import random_order, rows_for_testing, shuffled


def test_the_order_is_that_of_the_checksums():
    keys = [hashlib.sha256(f"strata training labels 7 {row}".encode()).digest() for row in range(20)]
    assert random_order(20, 7, "training labels").tolist() == sorted(range(20), key=keys.__getitem__)


def test_the_order_depends_on_seed_and_purpose():
    orders = [random_order(50, seed, purpose).tolist() for seed in (0, 1) for purpose in ("a", "b")]
    assert len(set(map(tuple, orders))) == 4
    assert all(sorted(order) == list(range(50)) for order in orders)


def test_each_class_gives_its_share_at_least_one_and_not_all():
    labels = np.repeat([0, 1, 2, 3], [10, 25, 2, 3])
    for share, expected in ((0.2, [2, 5, 1, 1]), (0.5, [5, 13, 1, 2]), (0.99, [9, 24, 1, 2]), (0.01, [1, 1, 1, 1])):
        chosen = rows_for_testing(labels, share, seed=0)
        assert np.bincount(labels[chosen]).tolist() == expected


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(ValueError, match=r"^class 2 has a single image$"):
        rows_for_testing(np.array([0, 0, 1, 1, 2]), 0.5, seed=0)


def test_shuffled_labels_are_the_same_labels_in_another_order():
    labels = np.repeat(np.arange(4, dtype=np.uint8), 30)
    found = shuffled(labels, seed=0)
    assert found.dtype == np.uint8
    assert np.bincount(found).tolist() == [30] * 4
    assert 15 <= (found == labels).sum() <= 45  # a quarter by chance
    assert not np.array_equal(found, shuffled(labels, seed=1))
