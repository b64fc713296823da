"""The probe's classifier against scikit-learn's, which has another objective's code and float64 throughout."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from strata.measures import softmax_regression
from strata.measures.softmax_regression import SoftmaxClassifier, fit_softmax, undecided
from tests.measures.test_probe import blobs


def example(rows=200, units=8, distance=1.5):
    """Return features float32 of mean 0 and mean squared norm 1, and the labels of three classes that overlap."""
    values, labels = blobs(rows, units, distance)
    values = values - values.mean(axis=0)
    return (values / np.sqrt((values**2).sum(axis=1).mean())).astype(np.float32), labels


def fitted(features, labels, penalty, tolerance=1e-5):
    return fit_softmax(features, labels, penalty, undecided(features.shape[1], 3), tolerance)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_weights_and_probabilities_are_those_of_scikit_learn(penalty):
    features, labels = example()
    classifier = fitted(features, labels, penalty)
    expected = LogisticRegression(C=1 / penalty, max_iter=5000, tol=1e-8).fit(features.astype(np.float64), labels)
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(classifier.weights.T, expected.coef_, atol=2e-3 * scale)
    np.testing.assert_allclose(
        np.exp(classifier.log_probabilities(features)), expected.predict_proba(features.astype(np.float64)), atol=2e-3
    )


def test_the_start_does_not_matter():
    features, labels = example()
    start = SoftmaxClassifier(np.random.default_rng(1).normal(size=(8, 3)) * 5, np.array([3.0, -1.0, 0.0]))
    one, other = fitted(features, labels, 0.1), fit_softmax(features, labels, 0.1, start, 1e-5)
    np.testing.assert_allclose(one.weights, other.weights, atol=2e-3 * np.abs(one.weights).max())


def test_a_huge_penalty_leaves_the_shares_of_the_classes():
    features, labels = example()
    found = np.exp(fitted(features, labels, 1e9).log_probabilities(features))
    np.testing.assert_allclose(found, np.tile(np.bincount(labels) / len(labels), (len(labels), 1)), atol=1e-3)


def test_a_class_without_images_is_unlikely_but_possible():
    features, labels = example()
    logs = fitted(features, np.where(labels == 2, 0, labels), 0.1).log_probabilities(features)
    assert np.isfinite(logs).all() and logs[:, 2].max() < np.log(0.01)


def test_features_that_are_all_zero_are_no_error():
    labels = example()[1]
    classifier = fitted(np.zeros((200, 4), dtype=np.float32), labels, 1.0)
    assert (classifier.weights == 0).all() and classifier.intercepts.argmax() == np.bincount(labels).argmax()


def test_it_ends_after_some_steps_though_nothing_has_settled(monkeypatch):
    monkeypatch.setattr(softmax_regression, "MOST_STEPS", 2)
    features, labels = example()
    assert np.isfinite(fitted(features, labels, 1e-6).weights).all()


def test_the_same_input_gives_the_same_bytes():
    features, labels = example(500, 40)
    first, second = (fitted(features.copy(), labels.copy(), 0.01) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()
