"""Decisions of hand-made votes, and against a loop over the layers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strata.artifacts.measured import NEVER
from strata.measures.labels import FLIPS, decide

CASES = st.tuples(st.integers(1, 7), st.integers(1, 8)).flatmap(
    lambda shape: st.tuples(
        arrays(np.int64, shape, elements=st.integers(0, 2)),
        *[arrays(np.int64, shape[1], elements=st.integers(0, 2))] * 2,
        st.integers(0, shape[0]),
    )
)

# Votes of one sample over five layers, what the network predicts, the label -> commit layer, flips, and the kinds.
SAMPLES = {
    "at once": ([3, 3, 3, 3, 3], 3, 3, 0, 0, ""),
    "in the middle": ([1, 1, 3, 3, 3], 3, 3, 2, 1, ""),
    "late": ([1, 1, 1, 1, 3], 3, 3, 4, 1, "late"),
    "never": ([1, 1, 1, 1, 1], 3, 3, NEVER, 0, "late"),
    "flip-flopper": ([3, 1, 3, 3, 3], 3, 3, 2, 2, "flip"),
    "never, though right before": ([3, 3, 3, 3, 2], 3, 3, NEVER, 1, "late"),
    "right, then lost": ([7, 7, 3, 3, 3], 3, 7, 2, 1, "lost"),
    "lost at the end": ([7, 7, 7, 7, 7], 3, 7, NEVER, 0, "late lost"),
    "wrong from the start": ([3, 3, 3, 3, 3], 3, 7, 0, 0, ""),
    "all over the place": ([0, 1, 2, 7, 4], 3, 7, NEVER, 4, "late flip lost"),
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


def test_one_that_never_commits_is_late_whatever_counts_as_late():
    assert decided([1, 1], 3, 3, late_layers=0).late.tolist() == [True]


def test_one_layer_is_enough():
    found = decide(np.array([[1, 2]]), np.array([1, 1]), np.array([1, 2]), late_layers=0)
    assert found.commit_layer.tolist() == [0, NEVER]
    assert found.flips.tolist() == [0, 0]
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
        commit = NEVER if commit == len(column) else commit
        flips = sum(before != after for before, after in pairwise(column))
        assert found.commit_layer[sample] == commit
        assert found.flips[sample] == flips
        assert found.late[sample] == (commit == NEVER or commit >= len(column) - late_layers)
        assert found.flip_flopper[sample] == (flips >= FLIPS)
        assert found.right_then_lost[sample] == (labels[sample] in column and predicted[sample] != labels[sample])
