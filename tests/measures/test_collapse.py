"""Neural collapse by construction, against definitions with D x D matrices; influences by finite differences."""

import numpy as np
import pytest

from strata.measures.class_means import class_means
from strata.measures.collapse import angle_deviation, collapse, norm_variation, self_duality, variability
from strata.measures.probe import Probe
from strata.measures.softmax_regression import SoftmaxClassifier

PARTS = ("variability", "norms", "angles", "duality")


def cloud(sizes=(9, 12, 7, 10), units=6, separation=2.0, seed=0):
    """Return points of Gaussian classes and their labels, in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), units)) * separation
    values = centres[labels] + rng.normal(size=(len(labels), units)) * np.linspace(1.5, 0.5, units)
    return values.astype(np.float32), labels


def probe_of(weights, classes=None):
    """Return a probe with weights (K, D)."""
    known = np.arange(len(weights)) if classes is None else np.array(classes)
    return Probe(known, SoftmaxClassifier(np.asarray(weights, dtype=np.float64).T, np.zeros(len(weights))))


def by_definition(values, labels, weights, shares=None):
    """Return the four measures as Papyan et al. define them, of points with shares (n,) of their classes."""
    values = values.astype(np.float64)
    shares = np.ones(len(labels)) if shares is None else shares
    members = [labels == name for name in np.unique(labels)]
    means = np.stack([np.average(values[rows], axis=0, weights=shares[rows]) for rows in members])
    within = np.mean([np.cov(values[rows].T, aweights=shares[rows], ddof=0) for rows in members], axis=0)
    means = means - means.mean(axis=0)
    number = len(means)
    between = means.T @ means / number
    norms = np.linalg.norm(means, axis=1)
    cosines = (means @ means.T / np.outer(norms, norms))[~np.eye(number, dtype=bool)]
    weights = weights - weights.mean(axis=0)
    distance = weights / np.linalg.norm(weights) - means / np.linalg.norm(means)
    return {
        "variability": np.trace(within @ np.linalg.pinv(between, rcond=1e-9)) / number,
        "norms": norms.std() / norms.mean(),
        "angles": np.abs(cosines + 1 / (number - 1)).mean(),
        "duality": (distance**2).sum(),
    }


@pytest.mark.parametrize("units", [2, 3, 6, 200])
def test_values_are_those_of_the_definitions(units):
    values, labels = cloud(units=units)
    weights = np.random.default_rng(1).normal(size=(4, units))
    found, expected = collapse(values, labels, probe_of(weights)), by_definition(values, labels, weights)
    for part in PARTS:
        assert getattr(found, part).value == pytest.approx(expected[part], rel=1e-4), part


@pytest.mark.parametrize("units", [2, 3, 6, 200])
def test_influences_are_the_derivatives_by_each_class(units):
    values, labels = cloud(units=units)
    weights = np.random.default_rng(1).normal(size=(4, units))
    found = collapse(values, labels, probe_of(weights))
    counts = np.bincount(labels)[labels]
    for row in (0, 5, 17):
        size, step = counts[row], 1e-4
        changed = []
        for sign in (1, -1):  # a share `step` of the class moves to the point
            shares = np.where(labels == labels[row], (1 - sign * step) / size, 1 / counts)
            shares[row] += sign * step
            changed.append(by_definition(values, labels, weights, shares))
        for part in PARTS:
            slope = (changed[0][part] - changed[1][part]) / (2 * step)
            expected = slope * len(labels) / size * (size / (size - 1)) ** 0.5
            assert getattr(found, part).influences[row] == pytest.approx(expected, rel=2e-3, abs=2e-4), part


@pytest.mark.parametrize("part", PARTS)
def test_standard_errors_are_those_over_samples(part):
    weights = np.random.default_rng(1).normal(size=(4, 6))
    centres = np.random.default_rng(2).normal(size=(4, 6)) * 3
    rng, found = np.random.default_rng(3), []
    for _ in range(200):
        labels = rng.integers(4, size=200)
        values = (centres[labels] + rng.normal(size=(200, 6))).astype(np.float32)
        found.append(getattr(collapse(values, labels, probe_of(weights)), part))
    spread = np.std([each.value for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(spread, rel=0.15)


def test_a_collapsed_layer_has_nothing_left():
    """Four points, the corners of a tetrahedron, which are the weights too: all four measures are 0."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    labels = np.repeat(np.arange(4), 5)
    found = collapse(corners[labels].astype(np.float32), labels, probe_of(corners * 7))
    for part in PARTS:
        assert getattr(found, part).value == pytest.approx(0, abs=1e-12), part


def test_two_classes_on_a_line_by_hand():
    """Means -3 and 3, variances 1 and 4: S_W is 2.5, S_B is 9, so NC1 is 2.5 / 9 / 2."""
    values, labels = np.array([-4, -2, 1, 5], dtype=np.float32)[:, None], np.array([0, 0, 1, 1])
    found = class_means(values, labels)
    assert found.means.tolist() == [[-3], [3]]
    assert found.deviations.tolist() == [[-1], [1], [-2], [2]]
    assert variability(found).value == pytest.approx(2.5 / 9 / 2)
    assert norm_variation(found).value == pytest.approx(0, abs=1e-12)
    assert angle_deviation(found).value == pytest.approx(0, abs=1e-12)
    assert self_duality(found, probe_of([[-1], [1]])).value == pytest.approx(0, abs=1e-12)
    assert self_duality(found, probe_of([[1], [-1]])).value == pytest.approx(4)


def test_norms_and_angles_of_a_right_angle_by_hand():
    """Means (4, 0), (-2, 2) and (-2, -2) have norms 4, 8^1/2 and 8^1/2, cosines -1/2^1/2 twice and 0."""
    values = np.array([[4, 0], [-2, 2], [-2, -2]], dtype=np.float32)
    found = class_means(values, np.arange(3))
    norms = np.array([4, 8**0.5, 8**0.5])
    assert norm_variation(found).value == pytest.approx(norms.std() / norms.mean())
    assert angle_deviation(found).value == pytest.approx((2 * (0.5**0.5 - 0.5) + 0.5) / 3)


def test_classes_count_alike_and_those_without_points_not_at_all():
    values, labels = cloud(sizes=(20, 4, 6))
    once = collapse(values, labels * 3, probe_of(np.ones((3, 6)) * [[1], [0], [0]], [0, 3, 6]))
    twice = np.flatnonzero(labels == 0)
    again = collapse(
        np.vstack([values, values[twice]]),
        np.concatenate([labels, labels[twice]]),
        probe_of(np.ones((5, 6)) * [[1], [0], [0], [9], [9]]),
    )
    for part in PARTS:
        assert getattr(again, part).value == pytest.approx(getattr(once, part).value, rel=1e-5), part


@pytest.mark.parametrize(
    ("values", "labels"), [(np.full((6, 3), 0.1), np.arange(6) % 2), (np.random.default_rng(0).random((6, 3)), [1] * 6)]
)
def test_where_all_means_are_the_same_nothing_exists(values, labels):
    found = collapse(values.astype(np.float32), np.array(labels), probe_of(np.eye(3)))
    assert all(getattr(found, part) is None for part in PARTS)


def test_a_class_that_the_probe_does_not_know_has_no_duality():
    values, labels = cloud()
    assert self_duality(class_means(values, labels), probe_of(np.eye(3, 6))) is None
    assert self_duality(class_means(values, labels), probe_of(np.ones((4, 6)))) is None
