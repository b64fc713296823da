"""The probe's classifier against scikit-learn's, which has another objective's code and float64 throughout."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from strata.measures import softmax_regression
from strata.measures.probe import TOLERANCE
from strata.measures.softmax_loss import Curvature
from strata.measures.softmax_regression import (
    SoftmaxClassifier,
    fit_softmax,
    fit_softmax_from_directions,
    undecided,
)
from tests.measures.test_probe import blobs


def example(rows=200, units=8, distance=1.5):
    """Return features float32 of mean 0 and mean squared norm 1, and the labels of three classes that overlap."""
    values, labels = blobs(rows, units, distance)
    values = values - values.mean(axis=0)
    return (values / np.sqrt((values**2).sum(axis=1).mean())).astype(np.float32), labels


def fitted(features, labels, penalty, tolerance=1e-8):
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
    one, other = fitted(features, labels, 0.1), fit_softmax(features, labels, 0.1, start, 1e-8)
    np.testing.assert_allclose(one.weights, other.weights, atol=2e-3 * np.abs(one.weights).max())


def test_a_huge_penalty_leaves_the_shares_of_the_classes():
    features, labels = example()
    found = np.exp(fitted(features, labels, 1e9).log_probabilities(features))
    np.testing.assert_allclose(found, np.tile(np.bincount(labels) / len(labels), (len(labels), 1)), atol=1e-3)


def test_a_class_without_images_is_unlikely_but_possible():
    features, labels = example()
    logs = fitted(features, np.where(labels == 2, 0, labels), 0.1).log_probabilities(features)
    assert np.isfinite(logs).all() and logs[:, 2].max() < np.log(0.01)


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0])
def test_of_few_and_nearly_collinear_features_the_weights_are_exact(penalty):
    """As an untrained network's outputs are: L-BFGS ended at other weights, by which neural collapse was measured."""
    features, labels = example(400, 6)
    features[:, 5] = features[:, :5].sum(axis=1) + features[:, 5] * 0.01
    features -= features.mean(axis=0)
    classifier = fitted(features, labels, penalty)
    exact = LogisticRegression(C=1 / penalty, max_iter=1000, tol=1e-10, solver="newton-cholesky")
    expected = exact.fit(features.astype(np.float64), labels)
    np.testing.assert_allclose(classifier.weights.T, expected.coef_, atol=1e-3 * np.abs(expected.coef_).max())
    shares = np.exp(classifier.log_probabilities(features))
    np.testing.assert_allclose(shares, expected.predict_proba(features.astype(np.float64)), atol=1e-4)


def test_a_start_that_is_sure_and_wrong_is_left():
    features, labels = example(60, 3)
    start = SoftmaxClassifier(np.array([[900.0, -400.0, 0.0], [0.0, 700.0, -300.0], [10.0, 0.0, 500.0]]), np.zeros(3))
    near, far = fitted(features, labels, 0.1), fit_softmax(features, labels, 0.1, start, 1e-8)
    np.testing.assert_allclose(far.weights, near.weights, atol=1e-5 * np.abs(near.weights).max())


def test_features_of_very_different_scales_take_few_steps(monkeypatch):
    features, labels = example(400, 12)
    features = features * np.logspace(0, -3, 12, dtype=np.float32)
    least = mean_loss(fitted(features, labels, 1e-5, 1e-7), features, labels, 1e-5)
    monkeypatch.setattr(softmax_regression, "MOST_STEPS", 12)
    assert mean_loss(fitted(features, labels, 1e-5, TOLERANCE), features, labels, 1e-5) <= least + 1e-3


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


# --- from directions: the same optimum, with few products of all units ----------------------------------------------


def with_directions(rows, units, count):
    """Return features and labels as `example`, with a spectrum that falls, and `count` of its leading directions."""
    values, labels = blobs(rows, units, 4)
    values = values * np.linspace(1, 0.2, units)
    values -= values.mean(axis=0)
    features = (values / np.sqrt((values**2).sum(axis=1).mean())).astype(np.float32)
    return features, labels, np.linalg.svd(features, full_matrices=False)[2][:count].T.copy()


def fitted_from(features, labels, directions, penalty, tolerance):
    scores = features @ directions
    start = undecided(directions.shape[1], 3)
    return fit_softmax_from_directions(features, scores, directions, labels, penalty, start, tolerance)


def mean_loss(classifier, features, labels, penalty):
    logs = classifier.log_probabilities(features)
    squares = (classifier.weights**2).sum()
    return -logs[np.arange(len(labels)), labels].mean() + penalty / (2 * len(labels)) * squares


@pytest.mark.parametrize("penalty", [0.01, 1.0])
@pytest.mark.parametrize(("rows", "units"), [(300, 40), (150, 400)])
def test_from_directions_weights_and_probabilities_are_those_of_scikit_learn(rows, units, penalty):
    features, labels, directions = with_directions(rows, units, 10)
    classifier = fitted_from(features, labels, directions, penalty, 1e-5)
    expected = LogisticRegression(C=1 / penalty, max_iter=5000, tol=1e-8).fit(features.astype(np.float64), labels)
    np.testing.assert_allclose(classifier.weights.T, expected.coef_, atol=5e-3 * np.abs(expected.coef_).max())
    np.testing.assert_allclose(
        np.exp(classifier.log_probabilities(features)), expected.predict_proba(features.astype(np.float64)), atol=5e-3
    )


def test_the_probes_tolerance_leaves_the_loss_within_a_thousandth_of_the_least():
    for penalty in (0.01, 0.1, 1.0):
        features, labels, directions = with_directions(400, 500, 20)
        least = mean_loss(fitted_from(features, labels, directions, penalty, 1e-6), features, labels, penalty)
        found = mean_loss(fitted_from(features, labels, directions, penalty, TOLERANCE), features, labels, penalty)
        assert least - 1e-6 <= found <= least + 1e-3


@pytest.mark.parametrize(("rows", "units"), [(400, 3000), (3000, 400)])
def test_from_directions_all_units_are_multiplied_few_times(rows, units, monkeypatch):
    features, labels, directions = with_directions(rows, units, 50)
    products = []
    logits, times = softmax_regression.logits_of, Curvature.times

    def counted(values, weights):
        products.append(values.shape[1])
        return logits(values, weights)

    def bent(curvature, weights):
        products.append(len(weights) - 1)  # less the intercept
        return times(curvature, weights)

    monkeypatch.setattr(softmax_regression, "logits_of", counted)
    monkeypatch.setattr(Curvature, "times", bent)
    fitted_from(features, labels, directions, 0.1, TOLERANCE)
    few = products.count(units)
    products.clear()
    fit_softmax(features, labels, 0.1, undecided(units, 3), TOLERANCE)
    assert 1 <= few <= 6 < products.count(units)


def test_directions_that_hold_everything_leave_nothing_across():
    features, labels = example(200, 6)
    directions = np.linalg.svd(features, full_matrices=False)[2].T.copy()
    found = fitted_from(features, labels, directions, 0.1, 1e-5)
    expected = fitted(features, labels, 0.1)
    np.testing.assert_allclose(found.weights, expected.weights, atol=5e-3 * np.abs(expected.weights).max())


def test_from_directions_the_same_input_gives_the_same_bytes():
    features, labels, directions = with_directions(200, 300, 10)
    first, second = (fitted_from(features.copy(), labels, directions, 0.01, TOLERANCE) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()
