"""What neighbours' labels say, by hand and by counting."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strata.measures.labels import class_pair_hits, neighbourhood_hit, votes
from strata.measures.neighbours import neighbour_blocks

CLASSES = 4
NEIGHBOURS = st.tuples(st.integers(1, 12), st.integers(1, 7)).flatmap(
    lambda shape: st.tuples(
        arrays(np.uint8, shape, elements=st.integers(0, CLASSES - 1)),
        arrays(np.uint8, shape[0], elements=st.integers(0, CLASSES - 1)),
    )
)


def majority(labels):
    """Return the most frequent of labels; among several, the one that comes first."""
    counts = Counter(labels)
    return next(label for label in labels if counts[label] == max(counts.values()))


def pair_hit(neighbour_labels, labels, first, second):
    """Return the neighbourhood hit of two classes, counted neighbour by neighbour."""
    shares = []
    for own, other in ((first, second), (second, first)):
        around = neighbour_labels[labels == own].ravel().tolist()
        hits, misses = around.count(own), around.count(other)
        if hits + misses == 0:
            return np.nan
        shares.append(hits / (hits + misses))
    return sum(shares) / 2


def test_the_hit_is_the_share_of_neighbours_with_the_own_label():
    neighbour_labels = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [2, 0, 0, 0], [0, 0, 1, 2]])
    assert neighbourhood_hit(neighbour_labels, np.array([1, 0, 2, 3])).tolist() == [1.0, 0.5, 0.25, 0.0]


def test_well_separated_classes_are_hit_by_every_neighbour():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    values = labels[:, None] * 100.0 + rng.uniform(size=(60, 5))
    (block,) = neighbour_blocks(values, 19)
    assert (neighbourhood_hit(labels[block.nearest], labels) == 1).all()
    (wider,) = neighbour_blocks(values, 20)
    assert (neighbourhood_hit(labels[wider.nearest], labels) == 19 / 20).all()


@pytest.mark.parametrize(
    ("neighbour_labels", "expected"),
    [
        ([3], 3),
        ([0, 1, 1], 1),
        ([2, 1, 1, 2], 2),
        ([1, 2, 2, 1], 1),
        ([3, 1, 2], 3),
        ([0, 3, 3, 1, 1], 3),
        ([0, 3, 3, 1, 1, 1], 1),
    ],
)
def test_the_majority_wins_and_the_nearest_breaks_ties(neighbour_labels, expected):
    assert votes(np.array([neighbour_labels]), CLASSES).tolist() == [expected]


@given(case=NEIGHBOURS)
@settings(deadline=None)
def test_votes_are_the_counted_majorities(case):
    neighbour_labels, _ = case
    found = votes(neighbour_labels, CLASSES)
    assert found.dtype == np.intp
    assert found.tolist() == [majority(row) for row in neighbour_labels.tolist()]


def test_pairs_of_classes_by_hand():
    labels = np.array([0, 0, 1, 1, 2, 2])
    neighbour_labels = np.array([[0, 0, 1], [0, 2, 2], [1, 1, 0], [1, 1, 0], [2, 2, 2], [2, 0, 2]])
    # Around class 0: 3, 1, 2 of the classes; around 1: 2, 4, 0; around 2: 1, 0, 5.
    one, two = (3 / 4 + 4 / 6) / 2, (3 / 5 + 5 / 6) / 2
    expected = [[3 / 6, one, two], [one, 4 / 6, 1.0], [two, 1.0, 5 / 6]]
    np.testing.assert_allclose(class_pair_hits(neighbour_labels, labels, 3), expected)


def test_classes_that_mix_fully_are_at_a_half():
    neighbour_labels = np.array([[0, 1], [1, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(class_pair_hits(neighbour_labels, np.array([0, 0, 1, 1]), 2), np.full((2, 2), 0.5))


def test_classes_that_never_mix_are_at_one():
    neighbour_labels = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    np.testing.assert_array_equal(class_pair_hits(neighbour_labels, np.array([0, 0, 1, 1]), 2), np.ones((2, 2)))


def test_an_absent_class_has_no_value():
    hits = class_pair_hits(np.array([[0, 2], [2, 2]]), np.array([0, 2]), 3)
    np.testing.assert_array_equal(hits, [[0.5, np.nan, 0.75], [np.nan] * 3, [0.75, np.nan, 1.0]])


def test_a_pair_without_neighbours_of_either_class_has_no_value():
    # All around class 0 is of class 2.
    hits = class_pair_hits(np.array([[2, 2], [1, 1], [2, 2]]), np.array([0, 1, 2]), 3)
    np.testing.assert_array_equal(hits, [[0.0, np.nan, 0.5], [np.nan, 1.0, 1.0], [0.5, 1.0, 1.0]])


@given(case=NEIGHBOURS)
@settings(deadline=None)
def test_pairs_of_classes_are_symmetric_counts(case):
    neighbour_labels, labels = case
    hits = class_pair_hits(neighbour_labels, labels, CLASSES)
    np.testing.assert_array_equal(hits, hits.T)
    for first in range(CLASSES):
        around = neighbour_labels[labels == first].ravel()
        share = (around == first).mean() if len(around) else np.nan
        np.testing.assert_allclose(hits[first, first], share)
        for second in set(range(CLASSES)) - {first}:
            np.testing.assert_allclose(hits[first, second], pair_hit(neighbour_labels, labels, first, second))
