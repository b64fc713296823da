"""A layer reduced as it is read: as scikit-learn's PCA does it, whether it fits into memory or not."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from strata.artifacts.activations import ActivationWriter, LayerInfo
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError
from strata.maps import pca as reduced_activations
from strata.maps.pca import read_reduced

ORIGIN = Provenance("test", "a" * 64, "b" * 64)


def write_layer(path, values, rows=50):
    with ActivationWriter(path, LayerInfo("h1", (values.shape[1],), ORIGIN)) as writer:
        for start in range(0, len(values), rows):
            block = values[start : start + rows]
            writer.write(np.arange(start, start + len(block), dtype=np.int32), block)
    return path


def rectified(count, units):
    """Activations as after a ReLU: correlated, non-negative, far from centred."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(count, 30)) / np.arange(1, 31)
    return np.maximum(hidden @ rng.normal(size=(30, units)) + 0.5, 0).astype(np.float32)


@pytest.mark.parametrize("units", [200, 1500])
def test_the_variance_explained_is_that_of_the_full_decomposition(tmp_path, units):
    values = rectified(260, units)
    found = read_reduced(write_layer(tmp_path / "h1.parquet", values), 20, seed=0)
    full = PCA(20, svd_solver="full").fit(values.astype(np.float64))
    np.testing.assert_allclose(found.values.var(axis=0, ddof=1), full.explained_variance_, rtol=1e-3)
    assert found.values.shape == (260, 20) and found.values.dtype == np.float32
    assert found.sample_ids.tolist() == list(range(260))
    assert not found.constant


def test_a_layer_that_is_read_anew_for_every_pass_gives_the_same_bytes(tmp_path, monkeypatch):
    path = write_layer(tmp_path / "h1.parquet", rectified(230, 1200))
    monkeypatch.setattr(reduced_activations, "EXACT_SAMPLES", 229)
    kept = read_reduced(path, 10, seed=3)
    passes = []
    read = reduced_activations.iterate_activations
    monkeypatch.setattr(reduced_activations, "iterate_activations", lambda path: passes.append(path) or read(path))
    monkeypatch.setattr(reduced_activations, "CACHED_BYTES", 200_000)
    again = read_reduced(path, 10, seed=3)
    assert again.values.tobytes() == kept.values.tobytes()
    assert len(passes) > 4


def test_few_samples_are_reduced_as_the_array_of_them_all(tmp_path):
    values = rectified(120, 1200)
    found = read_reduced(write_layer(tmp_path / "h1.parquet", values), 20, seed=0).values
    assert found.tobytes() == reduced_activations.principal_components(values, 20, seed=1).tobytes()


def test_a_narrow_layer_stays_as_it_is_whatever_its_size(tmp_path, monkeypatch):
    values = rectified(120, 8)
    monkeypatch.setattr(reduced_activations, "CACHED_BYTES", 100)
    np.testing.assert_array_equal(read_reduced(write_layer(tmp_path / "h6.parquet", values), 8, seed=0).values, values)


@pytest.mark.parametrize(("spoiled", "constant"), [(None, True), (119, False)])
def test_a_layer_that_says_the_same_of_all_samples_is_noticed(tmp_path, spoiled, constant):
    values = np.tile(rectified(1, 40), (120, 1))
    if spoiled:
        values[spoiled, 3] += 1
    assert read_reduced(write_layer(tmp_path / "h5.parquet", values), 10, seed=0).constant is constant


def test_fewer_samples_than_components_give_as_many_components_as_samples(tmp_path):
    assert read_reduced(write_layer(tmp_path / "h1.parquet", rectified(6, 1100)), 10, seed=0).values.shape == (6, 6)


def test_a_file_without_samples_is_refused(tmp_path):
    with ActivationWriter(tmp_path / "h1.parquet", LayerInfo("h1", (3,), ORIGIN)):
        pass
    with pytest.raises(StrataError, match="holds no samples"):
        read_reduced(tmp_path / "h1.parquet", 10, seed=0)
