"""The linear probe against scikit-learn's pipeline, and on data whose answer is known."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from strata.measures import probe
from strata.measures.probe import linear_probe, probe_features


def blobs(rows, units, distance, seed=0):
    """Return values and labels of three Gaussian classes, their centres `distance` apart along units 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=rows)
    return (rng.normal(size=(rows, units)) + distance * np.eye(3, units)[labels]).astype(np.float32), labels


def probed(train, labels, test, components=100, penalty=1.0):
    return linear_probe(*features_of(train, labels, test, components), penalty)


def features_of(train, labels, test, components):
    fitted, applied = probe_features(train, test, components, seed=0)
    return fitted, labels, applied


def test_linearly_separable_classes_are_all_read():
    (train, labels), (test, expected) = blobs(200, 8, 30), blobs(150, 8, 30, seed=1)
    np.testing.assert_array_equal(probed(train, labels, test), expected)


@pytest.mark.parametrize("components", [3, 6])
def test_linearly_separable_classes_are_read_from_few_components(components):
    (train, labels), (test, expected) = blobs(200, 40, 30), blobs(150, 40, 30, seed=1)
    np.testing.assert_array_equal(probed(train, labels, test, components), expected)


def test_shuffled_labels_are_read_at_chance():
    (train, labels), (test, expected) = blobs(400, 10, 30), blobs(500, 10, 30, seed=1)
    rng = np.random.default_rng(2)
    hits = int((probed(train, rng.permutation(labels), test) == rng.permutation(expected)).sum())
    low, high = binom.interval(0.9999, len(test), 1 / 3)
    assert low <= hits <= high


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_predictions_are_those_of_a_standardized_logistic_regression(penalty):
    (train, labels), (test, _) = blobs(200, 8, 1), blobs(300, 8, 1, seed=1)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=1000))
    expected = pipeline.fit(train.astype(np.float64), labels).predict(test.astype(np.float64))
    np.testing.assert_array_equal(probed(train, labels, test, penalty=penalty), expected)


def test_a_huge_penalty_leaves_the_most_frequent_class():
    values, labels = blobs(90, 4, 5)
    labels[:60] = 2
    assert (probed(values, labels, values, penalty=1e9) == 2).all()


@pytest.mark.parametrize("components", [50, 5])
def test_features_are_standardized_by_the_training_values(components):
    (train, _), (test, _) = blobs(80, 12, 4), blobs(60, 12, 4, seed=1)
    fitted, applied = probe_features(train * 3 + 10, test * 3 + 10, components, seed=0)
    assert (fitted.dtype, applied.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(fitted.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(fitted.std(axis=0), 1, rtol=1e-6)
    assert np.abs(applied.mean(axis=0)).max() > 1e-3


def test_test_values_are_scaled_as_the_training_values_are():
    train, test = np.array([[0.0, 5.0], [2.0, 7.0], [4.0, 9.0]]), np.array([[2.0, 9.0], [6.0, 7.0]])
    deviation = (8 / 3) ** 0.5
    _, applied = probe_features(train, test, components=2, seed=0)
    np.testing.assert_allclose(applied, np.array([[0.0, 2.0], [4.0, 0.0]]) / deviation)


def test_a_dead_unit_is_zero_and_no_error():
    (train, labels), (test, _) = blobs(60, 4, 30), blobs(30, 4, 30, seed=1)
    train[:, 3] = test[:, 3] = 0
    fitted, applied = probe_features(train, test, 10, seed=0)
    assert (fitted[:, 3] == 0).all()
    assert (applied[:, 3] == 0).all()
    assert len(linear_probe(fitted, labels, applied, 1.0)) == 30


@pytest.mark.parametrize(("rows", "units", "features"), [(50, 9, 9), (50, 10, 10), (50, 11, 10), (10, 11, 11)])
def test_components_stand_for_units_only_where_units_are_more(rows, units, features):
    (train, _), (test, _) = blobs(rows, units, 2), blobs(7, units, 2, seed=1)
    fitted, applied = probe_features(train, test, 10, seed=0)
    assert (fitted.shape, applied.shape) == ((rows, features), (7, features))
    if features == units:
        np.testing.assert_allclose(fitted, StandardScaler().fit_transform(train.astype(np.float64)))


def test_components_are_the_leading_ones_of_the_training_values():
    rng = np.random.default_rng(0)
    spread = np.array([100.0, 40.0, 15.0] + [0.1] * 37)
    turn = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    train, test = (((rng.normal(size=(rows, 40)) * spread) @ turn + 3).astype(np.float32) for rows in (120, 50))
    fitted, applied = probe_features(train, test, 3, seed=0)
    centre = train.mean(axis=0, dtype=np.float64)
    directions = np.linalg.svd(train - centre, full_matrices=False)[2][:3]
    for scores, values in ((fitted, train), (applied, test)):
        expected = (values - centre) @ directions.T / ((train - centre) @ directions.T).std(axis=0)
        signs = np.sign((fitted * ((train - centre) @ directions.T)).sum(axis=0))
        np.testing.assert_allclose(scores * signs, expected, atol=1e-3)


def test_the_same_seed_gives_the_same_features():
    (train, _), (test, _) = blobs(60, 30, 2), blobs(20, 30, 2, seed=1)
    first, second = (probe_features(train, test, 4, seed=3) for _ in range(2))
    assert [part.tobytes() for part in first] == [part.tobytes() for part in second]


@pytest.mark.parametrize("label", [0, 7])
def test_one_class_is_predicted_throughout(label):
    found = linear_probe(np.eye(5), np.full(5, label, dtype=np.uint8), np.ones((3, 5)), 1.0)
    assert (found.tolist(), found.dtype) == ([label] * 3, np.intp)


def test_two_of_many_classes_keep_their_numbers():
    train = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    assert linear_probe(train, np.array([9, 9, 4, 4]), np.array([[3.0], [-3.0]]), 1.0).tolist() == [4, 9]


def test_labels_that_take_long_to_fit_warn_of_nothing(monkeypatch):
    monkeypatch.setattr(probe, "ITERATIONS", 2)
    values, labels = blobs(200, 20, 1)
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(C=1e3, max_iter=2).fit(values, labels)
    assert linear_probe(values.astype(np.float64), labels, values.astype(np.float64), 1e-3).shape == (200,)
