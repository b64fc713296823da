"""Early exits of hand-made votes, and what a probe is sure of."""

import numpy as np
import pytest

from strata.measures.early_exit import ProbeVotes, exit_hits, exits, probe_votes
from strata.measures.probe import Probe
from strata.measures.softmax_regression import SoftmaxClassifier


def votes(*confidence):
    return ProbeVotes(np.zeros(len(confidence), dtype=np.intp), np.array(confidence))


def test_an_image_exits_at_the_first_layer_that_is_sure():
    layers = [votes(0.9, 0.5, 0.2, 0.89), votes(0.95, 0.91, 0.3, 0.5), votes(0.4, 0.99, 0.6, 0.9)]
    found = [exits(layer, layers[:place]).tolist() for place, layer in enumerate(layers)]
    assert found == [[True, False, False, False], [False, True, False, False], [False, False, False, True]]


def test_the_accuracy_is_that_of_the_images_that_exit():
    hits = np.array([True, False, True, False])
    assert exit_hits(votes(0.9, 0.9, 0.1, 0.1), [], hits).tolist() == [True, False]
    assert exit_hits(votes(0.9, 0.9, 0.9, 0.1), [votes(1, 0, 0, 0)], hits).tolist() == [False, True]
    assert exit_hits(votes(0.1, 0.1, 0.1, 0.8), [], hits) is None


def test_votes_are_the_likeliest_classes_and_their_probabilities():
    probe = Probe(np.array([3, 7]), SoftmaxClassifier(np.array([[1.0, -1.0]]), np.array([0.0, 0.5])))
    found = probe_votes(probe, np.array([[2.0], [0.0]], dtype=np.float32))
    assert found.classes.tolist() == [3, 7]
    odds = np.exp([4 - 0.5, 0.5])
    assert found.confidence == pytest.approx(odds / (1 + odds))
