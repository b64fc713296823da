"""Principal components against a singular value decomposition of the whole matrix."""

import numpy as np
import pytest

from strata.maps import pca
from strata.maps.pca import principal_components, reduced


def data(rows: int, units: int) -> np.ndarray:
    """Correlated columns of falling variance, away from zero."""
    rng = np.random.default_rng(0)
    spread = 1 / np.arange(1, min(rows, units) + 1)
    return (rng.normal(size=(rows, len(spread))) * spread @ rng.normal(size=(len(spread), units)) + 3).astype(
        np.float32
    )


def svd_scores(values: np.ndarray, components: int) -> np.ndarray:
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :components] * singular[:components]


def assert_equal_up_to_signs(scores: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    signs = np.sign((scores * expected).sum(axis=0))
    np.testing.assert_allclose(scores * signs, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(("rows", "units"), [(60, 12), (40, 200), (30, 1000), (30, 1001), (30, 9000)])
def test_the_exact_paths_are_the_singular_value_decomposition(rows, units):
    values = data(rows, units)
    assert_equal_up_to_signs(principal_components(values, 5, seed=0), svd_scores(values, 5), 1e-4)


def test_the_randomized_path_explains_as_much_as_the_whole_decomposition(monkeypatch):
    monkeypatch.setattr(pca, "EXACT_SAMPLES", 59)
    values = data(60, 1200)
    scores, expected = principal_components(values, 10, seed=0), svd_scores(values, 10)
    assert scores.var(axis=0).sum() == pytest.approx(expected.var(axis=0).sum(), rel=1e-3)
    assert_equal_up_to_signs(scores[:, :5], expected[:, :5], 1e-3)


@pytest.mark.parametrize(("units", "exact"), [(20, 1000), (1200, 1000), (1200, 0)])
def test_signs_are_fixed_by_the_largest_loading(monkeypatch, units, exact):
    monkeypatch.setattr(pca, "EXACT_SAMPLES", exact)
    values = data(60, units)
    scores = principal_components(values, 3, seed=0)
    loadings = (values - values.mean(axis=0)).T @ scores
    assert (loadings[np.abs(loadings).argmax(axis=0), range(3)] > 0).all()


@pytest.mark.parametrize(("units", "exact"), [(20, 1000), (1200, 1000), (1200, 0)])
def test_the_same_seed_gives_the_same_bytes(monkeypatch, units, exact):
    monkeypatch.setattr(pca, "EXACT_SAMPLES", exact)
    values = data(60, units)
    assert reduced(values, 10, seed=3).tobytes() == reduced(values, 10, seed=3).tobytes()


@pytest.mark.parametrize("units", [1, 7, 10])
def test_few_units_are_returned_as_they_are(units):
    values = data(60, units)
    assert reduced(values, 10, seed=0) is values


def test_many_units_are_reduced_to_float32_components():
    scores = reduced(data(60, 11), 10, seed=0)
    assert (scores.shape, scores.dtype) == ((60, 10), np.float32)


def test_components_without_variance_are_nothing():
    values = data(20, 3) @ np.random.default_rng(1).integers(0, 2, (3, 1200)).astype(np.float32)
    scores = principal_components(values, 10, seed=0)
    assert scores.shape == (20, 10) and (scores[:, :3].var(axis=0) > 0.01).all()
    np.testing.assert_allclose(scores[:, 3:], 0, atol=1e-3)
    same = principal_components(np.full((6, 1200), 0.1, dtype=np.float32), 2, seed=0)
    np.testing.assert_array_equal(same, 0)


@pytest.mark.parametrize("units", [20, 1200])
def test_there_are_no_more_components_than_samples(units):
    scores = reduced(data(4, units), 10, seed=0)
    assert scores.shape == (4, 4)
    np.testing.assert_allclose(scores[:, 3], 0, atol=1e-3)
