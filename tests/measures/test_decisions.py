"""Decisions of hand-made votes, and against a loop over the layers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strata.measures.labels import FLIPS, decide, is_output

CASES = st.tuples(st.integers(1, 7), st.integers(1, 8)).flatmap(
    lambda shape: st.tuples(
        arrays(np.int64, shape, elements=st.integers(0, 2)),
        *[arrays(np.int64, shape[1], elements=st.integers(0, 2))] * 2,
        st.integers(0, shape[0]),
    )
)

# Votes of one sample over five layers without the output, what the network predicts, the label -> commit layer, flips,
# and the kinds.
SAMPLES = {
    "at once": ([3, 3, 3, 3, 3], 3, 3, 0, 0, ""),
    "in the middle": ([1, 1, 3, 3, 3], 3, 3, 2, 1, ""),
    "late": ([1, 1, 1, 1, 3], 3, 3, 4, 1, "late"),
    "after them": ([1, 1, 1, 1, 1], 3, 3, 5, 1, "late"),
    "flip-flopper": ([3, 1, 3, 3, 3], 3, 3, 2, 2, "flip"),
    "after them, though right before": ([3, 3, 3, 3, 2], 3, 3, 5, 2, "late flip"),
    "right, then lost": ([7, 7, 3, 3, 3], 3, 7, 2, 1, "lost"),
    "lost at the end": ([7, 7, 7, 7, 7], 3, 7, 5, 1, "late lost"),
    "wrong from the start": ([3, 3, 3, 3, 3], 3, 7, 0, 0, ""),
    "all over the place": ([0, 1, 2, 7, 4], 3, 7, 5, 5, "late flip lost"),
}


def decided(votes, predicted, label, late_layers=1):
    return decide(np.array(votes)[:, None], np.array([predicted]), np.array([label]), late_layers)


def test_every_kind_of_sample():
    votes, predicted, labels, commits, flips, kinds = (list(column) for column in zip(*SAMPLES.values(), strict=True))
    found = decide(np.array(votes).T, np.array(predicted), np.array(labels), late_layers=1)
    assert found.commit_layer.tolist() == commits
    assert found.flips.tolist() == flips
    assert found.late.tolist() == ["late" in kind for kind in kinds]
    assert found.flip_flopper.tolist() == ["flip" in kind for kind in kinds]
    assert found.right_then_lost.tolist() == ["lost" in kind for kind in kinds]
    assert (found.commit_layer.dtype, found.flips.dtype, found.late.dtype) == (np.int16, np.int16, bool)


@pytest.mark.parametrize(("late_layers", "late"), [(0, False), (2, False), (3, True), (5, True), (9, True)])
def test_late_is_a_commitment_in_the_last_layers(late_layers, late):
    assert decided([1, 1, 3, 3, 3], 3, 3, late_layers).late.tolist() == [late]


def test_one_that_commits_after_the_layers_is_late_whatever_counts_as_late():
    assert decided([1, 1], 3, 3, late_layers=0).late.tolist() == [True]


@given(case=CASES)
def test_every_sample_commits_at_the_output_at_the_latest(case):
    """Also one that its neighbours among the ten numbers of the output are not like, however sure the network is."""
    votes, predicted, labels, late_layers = case
    votes[-1] = predicted
    found = decide(votes, predicted, labels, late_layers)
    assert ((found.commit_layer >= 0) & (found.commit_layer < len(votes))).all()
    assert (found.flips == (np.diff(votes, axis=0) != 0).sum(axis=0)).all()


def test_a_layer_is_the_output_where_its_largest_unit_is_every_prediction():
    values = np.array([[0.1, 0.7, 0.2], [-5, -9, -6], [3, 3, 8]], dtype=np.float32)
    assert is_output(values, np.array([1, 0, 2]), 3)
    assert not is_output(values, np.array([1, 0, 0]), 3)
    assert not is_output(values, np.array([1, 0, 2]), 4)


def test_one_layer_is_enough():
    found = decide(np.array([[1, 2]]), np.array([1, 1]), np.array([1, 2]), late_layers=0)
    assert found.commit_layer.tolist() == [0, 1]
    assert found.flips.tolist() == [0, 1]
    assert found.right_then_lost.tolist() == [False, True]


@given(case=CASES)
@settings(deadline=None)
def test_decisions_are_those_of_a_loop_over_the_layers(case):
    votes, predicted, labels, late_layers = case
    found = decide(votes, predicted, labels, late_layers)
    for sample, column in enumerate(votes.T.tolist()):
        commit = len(column)
        while commit and column[commit - 1] == predicted[sample]:
            commit -= 1
        flips = sum(before != after for before, after in pairwise([*column, predicted[sample]]))
        assert found.commit_layer[sample] == commit
        assert found.flips[sample] == flips
        assert found.late[sample] == (commit >= len(column) - late_layers)
        assert found.flip_flopper[sample] == (flips >= FLIPS)
        assert found.right_then_lost[sample] == (labels[sample] in column and predicted[sample] != labels[sample])
