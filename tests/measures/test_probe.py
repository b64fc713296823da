"""The linear probe against scikit-learn on raw activations, and on data whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import binom
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from strata.core import streams
from strata.measures.probe import (
    ProbeSettings,
    chosen_penalty,
    fitted_probe,
    leading_directions,
    linear_probe,
    probe_features,
    validation_rows,
)

SETTINGS = ProbeSettings(penalties=(10, 1, 0.1, 0.01), validation=0.2, search_components=1000, seed=0)
# What another solver may predict otherwise: images on the border between two classes.
BORDER = 0.01


def blobs(rows, units, distance, seed=0):
    """Return values and labels of three Gaussian classes, their centres `distance` apart along units 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=rows)
    return (rng.normal(size=(rows, units)) + distance * np.eye(3, units)[labels]).astype(np.float32), labels


def probed(train, labels, test, settings=SETTINGS):
    return linear_probe(probe_features(train, test, settings), labels, settings)


def root_mean_square(values):
    """Return the root of the mean squared distance from the mean, in float64."""
    values = values.astype(np.float64)
    return np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=1).mean())


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(12, 150),
    units=st.sampled_from([1, 3, 30, 200]),
    search=st.sampled_from([3, 20, 1000]),
    spread=st.floats(0, 4),
    noise=st.booleans(),
)
@settings(deadline=None, max_examples=30)
def test_the_loss_is_the_least_for_any_layer(seed, rows, units, search, spread, noise):
    """Dead, tiny and huge units, repeated images, labels that are noise or a line through the layer."""
    rng = np.random.default_rng(seed)
    values = np.maximum(rng.normal(size=(rows, units)) * np.exp(rng.normal(size=units) * spread), -0.1)
    values[rows // 2 :: 3] = values[0]
    along = np.argsort(np.argsort(values @ rng.normal(size=units)))
    labels = rng.permutation(np.arange(rows) % 3) if noise else along * 3 // rows
    probe_settings = replace(SETTINGS, search_components=search)
    features = probe_features(values.astype(np.float32), values[:2].astype(np.float32), probe_settings)
    found = fitted_probe(features, labels, probe_settings).classifier
    penalty = chosen_penalty(features, labels, probe_settings)
    exact = LogisticRegression(C=1 / penalty, max_iter=2000, tol=1e-9, solver="newton-cholesky")
    expected = exact.fit(features.train.astype(np.float64), labels)
    least = regression_loss(expected.coef_.T, expected.intercept_, features.train, labels, penalty)
    assert regression_loss(found.weights, found.intercepts, features.train, labels, penalty) <= least * 1.002 + 1e-7


def regression_loss(weights, intercepts, features, labels, penalty):
    logits = features.astype(np.float64) @ weights + intercepts
    own = np.take_along_axis(logits, labels[:, None].astype(np.intp), axis=1)[:, 0]
    return (logsumexp(logits, axis=1) - own).mean() + penalty / (2 * len(labels)) * (weights**2).sum()


@pytest.mark.parametrize("penalty", [1e-3, 1.0])
@pytest.mark.parametrize("search", [1000, 20])
def test_the_weights_are_the_best_ones_where_every_training_image_is_read(search, penalty):
    """As neural collapse compares them with class means: weights of a fit that ended early read as well, and differ."""
    digits = load_digits()
    values, labels = digits.data[:600].astype(np.float32), digits.target[:600]
    settings = replace(SETTINGS, penalties=(10, penalty), search_components=search)
    features = probe_features(values, values[:9], settings)
    probe = fitted_probe(features, labels, settings)
    chosen = chosen_penalty(features, labels, settings)
    exact = LogisticRegression(C=1 / chosen, max_iter=1000, tol=1e-10, solver="newton-cholesky")
    expected = exact.fit(features.train.astype(np.float64), labels).coef_.T
    error = np.linalg.norm(probe.classifier.weights - expected) / np.linalg.norm(expected)
    assert (chosen, error < 0.01) == (penalty, True)


# --- the classifier that reads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", [1000, 6])
def test_linearly_separable_classes_are_all_read(search):
    (train, labels), (test, expected) = blobs(200, 40, 30), blobs(150, 40, 30, seed=1)
    settings = replace(SETTINGS, search_components=search)
    np.testing.assert_array_equal(probed(train, labels, test, settings), expected)


def test_shuffled_labels_are_read_at_chance():
    (train, labels), (test, expected) = blobs(400, 10, 30), blobs(500, 10, 30, seed=1)
    rng = np.random.default_rng(2)
    hits = int((probed(train, rng.permutation(labels), test) == rng.permutation(expected)).sum())
    low, high = binom.interval(0.9999, len(test), 1 / 3)
    assert low <= hits <= high


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("units", "search"), [(8, 1000), (200, 1000), (200, 20)])
def test_predictions_are_those_of_a_logistic_regression_on_raw_activations(penalty, units, search):
    """Also with more units than images, and where the penalty is chosen on few components: the fit has all units."""
    (train, labels), (test, _) = blobs(150, units, 3), blobs(1000, units, 3, seed=1)
    train, test = 7 * train + 2, 7 * test + 2
    settings = replace(SETTINGS, penalties=[penalty], search_components=search)
    model = LogisticRegression(C=root_mean_square(train) ** -2 / penalty, max_iter=5000, tol=1e-6)
    expected = model.fit(train.astype(np.float64), labels).predict(test.astype(np.float64))
    assert (probed(train, labels, test, settings) != expected).mean() <= BORDER


@pytest.mark.parametrize("factor", [100, 1e-3])
def test_the_scale_of_the_activations_does_not_matter(factor):
    (train, labels), (test, _) = blobs(200, 20, 3), blobs(300, 20, 3, seed=1)
    factor = np.float32(factor)
    expected = probed(train, labels, test)
    np.testing.assert_array_equal(probed(train * factor, labels, test * factor), expected)
    np.testing.assert_array_equal(probed(train + factor, labels, test + factor), expected)


def test_units_of_tiny_variance_are_not_blown_up():
    """Fifty loud units carry the class. A thousand faint ones are noise, that whitening would make as loud."""
    rng = np.random.default_rng(0)
    labels, expected = rng.integers(3, size=120), rng.integers(3, size=600)

    def values(of):
        loud = rng.normal(size=(len(of), 50)) + 2 * np.eye(3, 50)[of]
        return np.concatenate([loud, 1e-3 * rng.normal(size=(len(of), 1000))], axis=1).astype(np.float32)

    train, test = values(labels), values(expected)
    accuracy = (probed(train, labels, test) == expected).mean()
    assert accuracy > 0.75
    assert accuracy == (probed(train[:, :50], labels, test[:, :50]) == expected).mean()
    deviations = train.std(axis=0)
    standardized = (probed(train / deviations, labels, test / deviations) == expected).mean()
    assert standardized < accuracy - 0.1


@pytest.mark.parametrize("label", [0, 7])
def test_one_class_is_predicted_throughout(label):
    found = probed(np.eye(5, dtype=np.float32), np.full(5, label, dtype=np.uint8), np.ones((3, 5), dtype=np.float32))
    assert (found.tolist(), found.dtype) == ([label] * 3, np.intp)


def test_two_of_many_classes_keep_their_numbers():
    train = np.repeat(np.array([[-1.0], [1.0]], dtype=np.float32), 10, axis=0)
    labels = np.repeat([9, 4], 10)
    assert probed(train, labels, np.array([[3.0], [-3.0]], dtype=np.float32)).tolist() == [4, 9]


def test_a_class_of_one_image_may_be_held_out():
    (train, labels), (test, _) = blobs(60, 5, 30), blobs(20, 5, 30, seed=1)
    labels = labels.copy()
    labels[:3] = [7, 8, 9]
    for seed in range(5):
        assert set(probed(train, labels, test, replace(SETTINGS, seed=seed)).tolist()) <= {0, 1, 2, 7, 8, 9}


def test_the_same_seed_gives_the_same_predictions_wherever_the_arrays_lie(tmp_path):
    (train, labels), (test, _) = blobs(400, 120, 2), blobs(200, 120, 2, seed=1)
    settings = replace(SETTINGS, search_components=15)
    np.save(tmp_path / "train.npy", train)
    mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
    first, second = (probe_features(values, test, settings) for values in (train, mapped))
    assert first.search.tobytes() == second.search.tobytes()
    found = [linear_probe(features, labels, settings).tobytes() for features in (first, second)]
    assert found[0] == found[1]


# --- the features ---------------------------------------------------------------------------------------------------


def test_features_have_the_training_mean_taken_off_and_one_scale():
    (train, _), (test, _) = blobs(80, 12, 4), blobs(60, 12, 4, seed=1)
    train, test = train * np.arange(1, 13, dtype=np.float32) + 10, test * np.arange(1, 13, dtype=np.float32) + 10
    before = train.copy()
    features = probe_features(train, test, SETTINGS)
    middle, scale = train.mean(axis=0, dtype=np.float64), root_mean_square(train)
    np.testing.assert_allclose(features.train, (train - middle) / scale, atol=1e-6)
    np.testing.assert_allclose(features.test, (test - middle) / scale, atol=1e-6)
    assert features.train.dtype == features.test.dtype == np.float32
    np.testing.assert_array_equal(train, before)


def test_dead_layers_are_zero_and_no_error():
    train, test = np.full((60, 4), 3, dtype=np.float32), np.full((30, 4), 3, dtype=np.float32)
    labels = np.repeat([0, 1, 1], 20)
    features = probe_features(train, test, SETTINGS)
    assert (features.train == 0).all() and (features.test == 0).all()
    assert (linear_probe(features, labels, SETTINGS) == 1).all()


@pytest.mark.parametrize(("rows", "units", "reduced"), [(50, 9, 9), (50, 10, 10), (50, 11, 10), (10, 11, 9)])
def test_the_penalty_is_chosen_on_components_only_where_units_are_more(rows, units, reduced):
    (train, _), (test, _) = blobs(rows, units, 2), blobs(7, units, 2, seed=1)
    features = probe_features(train, test, replace(SETTINGS, search_components=10))
    assert features.train.shape == (rows, units) and features.test.shape == (7, units)
    assert features.search.shape == (rows, reduced)
    assert (features.directions is None) == (reduced == units)


def test_components_are_the_leading_ones():
    rng = np.random.default_rng(0)
    spread = np.array([100.0, 40.0, 15.0] + [0.1] * 37)
    turn = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    values = ((rng.normal(size=(120, 40)) * spread) @ turn).astype(np.float32)
    values -= values.mean(axis=0)
    basis = leading_directions(values, 3, np.random.default_rng(1)).astype(np.float64)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-5)
    expected = np.linalg.svd(values.astype(np.float64), full_matrices=False)[2][:3]
    np.testing.assert_allclose(basis @ basis.T, expected.T @ expected, atol=1e-3)


# --- the choice of the penalty --------------------------------------------------------------------------------------


def test_few_noisy_images_want_a_strong_penalty_and_clear_ones_a_weak_one():
    noisy, labels = blobs(60, 200, 0.2)
    clear, names = blobs(600, 8, 12)
    assert chosen_penalty(probe_features(noisy, noisy, SETTINGS), labels, SETTINGS) == 10
    assert chosen_penalty(probe_features(clear, clear, SETTINGS), names, SETTINGS) == 0.01


def test_the_choice_is_the_least_loss_of_the_held_out_images_by_scikit_learn():
    train, labels = blobs(400, 30, 2)
    features = probe_features(train, train, SETTINGS)
    held_out = validation_rows(labels, 0.2, streams.probe_validation(0))
    losses = {}
    for penalty in SETTINGS.penalties:
        model = LogisticRegression(C=1 / penalty, max_iter=5000, tol=1e-8)
        model.fit(features.train[~held_out].astype(np.float64), labels[~held_out])
        logs = model.predict_log_proba(features.train[held_out].astype(np.float64))
        losses[penalty] = -logs[np.arange(len(logs)), labels[held_out]].mean()
    best = min(losses, key=losses.get)
    assert best not in (SETTINGS.penalties[0], SETTINGS.penalties[-1])  # a choice, and not the end of the list
    assert chosen_penalty(features, labels, SETTINGS) == best


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_every_class_gives_its_share_of_the_held_out_images(share):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), [200, 100, 60, 40, 7]))
    held_out = validation_rows(labels, share, np.random.default_rng(1))
    assert abs(held_out.sum() - share * len(labels)) < 1
    for name, count in enumerate(np.bincount(labels)):
        assert abs(held_out[labels == name].sum() - share * count) < 1


def test_held_out_images_are_another_draw_by_another_seed():
    labels = np.repeat(np.arange(4), 50)
    draws = [validation_rows(labels, 0.2, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (draws[0] == draws[1]).all() and (draws[0] != draws[2]).any()


def test_tiny_classes_leave_images_on_both_sides():
    for seed in range(20):
        held_out = validation_rows(np.arange(24), 0.05, np.random.default_rng(seed))
        assert 1 <= held_out.sum() <= 2
