"""The spectrum by construction, effective rank against its definition, and the exponent of a power law."""

import numpy as np
import pytest

from strata.measures import spectrum
from strata.measures.distances import write_all_distances
from strata.measures.spectrum import effective_rank, eigenvalues, eigenvalues_by_distances, spectrum_exponent


def turned(deviations, count, seed=0):
    """Return points (n, D) whose covariance has exactly these standard deviations along some orthogonal directions."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(count, len(deviations)))
    scores = np.linalg.qr(scores - scores.mean(axis=0))[0] * (count - 1) ** 0.5
    turn = np.linalg.qr(rng.normal(size=(len(deviations), len(deviations))))[0]
    return scores * deviations @ turn + rng.normal(size=len(deviations))


@pytest.mark.parametrize("count", [6, 12, 60])
def test_eigenvalues_are_those_of_the_covariance(count):
    values = np.random.default_rng(0).normal(size=(count, 12)) * np.linspace(3, 0.5, 12) + 5
    expected = np.linalg.eigvalsh(np.cov(values, rowvar=False))[::-1][: min(count - 1, 12)]
    np.testing.assert_allclose(eigenvalues(values), expected, rtol=1e-9)


def test_dead_units_and_constant_layers_have_no_eigenvalues():
    values = np.full((30, 5), 0.1, dtype=np.float32)
    assert len(eigenvalues(values)) == 0
    values[:, 2] = np.arange(30)
    assert eigenvalues(values) == pytest.approx([np.var(np.arange(30), ddof=1)])


@pytest.mark.parametrize("rank", [0, 3, 29])
def test_distances_have_the_same_eigenvalues_and_as_many(monkeypatch, rank):
    """Whole numbers, so that no rounding adds directions; 40 points of which 20 are taken, or all."""
    rng = np.random.default_rng(0)
    values = (rng.integers(-4, 5, (40, rank)) @ rng.integers(-3, 4, (rank, 90)) + 7).astype(np.float32)
    squared = np.zeros((40, 40))
    write_all_distances(values, squared)
    for most in (20, 40):
        monkeypatch.setattr(spectrum, "MOST_POINTS", most)
        found, expected = eigenvalues_by_distances(squared, 90), eigenvalues(values)
        assert len(found) == len(expected) == min(rank, most - 1)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_many_points_are_taken_at_equal_steps(monkeypatch):
    monkeypatch.setattr(spectrum, "MOST_POINTS", 20)
    values = np.random.default_rng(0).normal(size=(60, 4))
    np.testing.assert_allclose(eigenvalues(values), eigenvalues(values[::3]))


def test_equal_directions_have_their_number_as_the_effective_rank():
    assert effective_rank(eigenvalues(turned(np.full(7, 2.0), 30))) == pytest.approx(7, rel=1e-9)
    assert effective_rank(eigenvalues(turned(np.array([3.0, 0, 0]), 30))) == pytest.approx(1, rel=1e-9)


def test_the_effective_rank_is_that_of_the_singular_values():
    values = np.random.default_rng(1).normal(size=(25, 40)) * np.linspace(3, 0.1, 40)
    singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)[:24]
    shares = singular / singular.sum()
    assert effective_rank(eigenvalues(values)) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-9)


def test_a_constant_layer_has_no_effective_rank():
    assert np.isnan(effective_rank(np.zeros(0)))


@pytest.mark.parametrize("exponent", [0.0, 0.7, 2.0])
def test_a_power_law_has_its_exponent(exponent):
    deviations = np.arange(1, 121) ** (-exponent / 2)
    assert spectrum_exponent(eigenvalues(turned(deviations, 130))) == pytest.approx(exponent, abs=1e-9)


def test_the_exponent_is_fitted_to_eigenvalues_11_to_100():
    found = np.arange(1, 151) ** -1.5
    found[:10], found[100:] = 1000, 1e-9
    assert spectrum_exponent(found) == pytest.approx(1.5, rel=1e-12)
    assert spectrum_exponent(found[:99]) is None


def test_scale_and_shift_change_neither_number():
    values = turned(np.linspace(3, 0.5, 120), 140)
    first, second = eigenvalues(values), eigenvalues(values * 30 - 7)
    assert effective_rank(first) == pytest.approx(effective_rank(second), rel=1e-9)
    assert spectrum_exponent(first) == pytest.approx(spectrum_exponent(second), rel=1e-9)
