"""Random projections of the input: shared, the same for all images, near in distance, and of bounded memory."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from strata.artifacts.measured import PROJECTION
from strata.core import streams
from strata.measures import input_projection
from strata.measures.input_projection import project_input, projections_of, sparse_matrices
from strata.measures.space_files import HELD_OUT, POINTS, REFERENCE, SpaceFiles

UNITS = {"conv": 5000, "h1": 300, "h2": 300, "h3": 20, "again": 5000, "logits": 10}


@pytest.fixture
def files(tmp_path):
    return SpaceFiles(tmp_path)


def inputs(count=30, units=784, seed=0):
    return np.random.default_rng(seed).normal(size=(count, units)).astype(np.float32)


def project(files, images, values, units, seed):
    return project_input(files, images, len(values), lambda rows: values[rows], units, seed)


def test_layers_of_as_many_dimensions_share_a_projection():
    assert projections_of(UNITS, 784) == {
        "conv": "conv",
        "h1": "h1",
        "h2": "h1",
        "h3": "h3",
        "again": "conv",
        "logits": "logits",
    }


def test_layers_wider_than_the_input_share_its_dimensions():
    assert projections_of(UNITS, 20) == dict.fromkeys(("conv", "h1", "h2", "h3", "again"), "conv") | {
        "logits": "logits"
    }


def test_projections_are_written_once_for_layers_that_share_them(files):
    shared = project(files, POINTS, inputs(), UNITS, seed=0)
    assert shared == projections_of(UNITS, 784)
    expected = {"conv": 784, "h1": 300, "h3": 20, "logits": 10}
    assert {path.name for path in files.folder.iterdir()} == {
        f"{PROJECTION}.{POINTS}.{layer}.npy" for layer in expected
    }
    for layer, units in expected.items():
        found = files.read(PROJECTION, POINTS, layer)
        assert (found.shape, found.dtype) == ((30, units), np.float32)


def test_projections_keep_distances_roughly(files):
    values = inputs()
    project(files, POINTS, values, UNITS, seed=0)
    for layer, tolerance in (("conv", 0.15), ("h1", 0.25), ("h3", 0.8)):
        ratios = pdist(files.read(PROJECTION, POINTS, layer)) / pdist(values)
        np.testing.assert_allclose(ratios, 1, atol=tolerance)
        assert (ratios**2).mean() == pytest.approx(1, abs=0.2)


def test_all_sets_of_images_are_projected_by_the_same_matrix(files):
    unit_vectors, values = np.eye(50, dtype=np.float32), inputs(units=50)
    for images, projected in ((POINTS, unit_vectors), (REFERENCE, values), (HELD_OUT, values[:7])):
        project(files, images, projected, {"h1": 12, "conv": 900}, seed=4)
    for layer in ("h1", "conv"):
        matrix = files.read(PROJECTION, POINTS, layer)
        for images, projected in ((REFERENCE, values), (HELD_OUT, values[:7])):
            np.testing.assert_allclose(files.read(PROJECTION, images, layer), projected @ matrix, atol=1e-4)


def test_the_matrix_depends_on_the_seed_and_the_dimensions_only(files):
    def projected(units, layer, seed):
        project(files, POINTS, np.eye(50, dtype=np.float32), units, seed)
        return np.array(files.read(PROJECTION, POINTS, layer))

    first = projected({"h1": 12, "h2": 6}, "h1", 1)
    np.testing.assert_array_equal(projected({"other": 30, "name": 12}, "name", 1), first)
    assert (projected({"h1": 12}, "h1", 2) != first).any()


def test_the_default_data_set_keeps_its_bytes(files):
    """One dense matrix, drawn at once, and one product, as before there were large images."""
    values = inputs(count=1000)
    project(files, POINTS, values, {"conv": 5000}, seed=0)
    matrix = streams.random_projection(0, 784).standard_normal((784, 784), dtype=np.float32)
    expected = values @ (matrix / np.float32(784**0.5))
    assert files.read(PROJECTION, POINTS, "conv").tobytes() == expected.tobytes()


@pytest.fixture
def all_sparse(monkeypatch):
    """Sparse matrices of few dimensions at a time, and few images at a time."""
    monkeypatch.setattr(input_projection, "MOST_DENSE", 0)
    monkeypatch.setattr(input_projection, "DIMENSIONS", 128)
    monkeypatch.setattr(input_projection, "MOST_INPUTS", 7 * 784)


@pytest.mark.usefixtures("all_sparse")
def test_a_sparse_projection_keeps_distances_roughly(files):
    values = inputs()
    project(files, POINTS, values, UNITS, seed=0)
    for layer, tolerance in (("conv", 0.15), ("h1", 0.25)):
        ratios = pdist(files.read(PROJECTION, POINTS, layer)) / pdist(values)
        np.testing.assert_allclose(ratios, 1, atol=tolerance)
        assert (ratios**2).mean() == pytest.approx(1, abs=0.1)


@pytest.mark.usefixtures("all_sparse")
def test_a_sparse_projection_is_the_same_for_all_sets_of_images(files):
    values = inputs(count=20)
    project(files, POINTS, values, {"h1": 300}, seed=4)
    project(files, REFERENCE, values[5:], {"other": 10, "h2": 300}, seed=4)
    np.testing.assert_array_equal(files.read(PROJECTION, REFERENCE, "h2"), files.read(PROJECTION, POINTS, "h1")[5:])


def test_a_sparse_matrix_has_few_elements_and_its_parts_are_not_alike():
    parts = dict(sparse_matrices(10_000, 5_000, seed=1))
    assert [(first, part.shape) for first, part in parts.items()] == [(0, (4096, 10_000)), (4096, (904, 10_000))]
    assert [part.nnz for part in parts.values()] == [4096 * 100, 904 * 100]
    assert set(np.abs(np.concatenate([part.data for part in parts.values()]))) == {np.float32(50**-0.5)}
    assert (parts[0][:904] != parts[4096]).nnz > 0


def test_wide_images_take_little_memory(files):
    """The dense matrix for 96 x 96 x 3 inputs would take 2.8 GiB."""
    values = inputs(count=4, units=96 * 96 * 3)
    tracemalloc.start()
    project(files, POINTS, values, {"input": values.shape[1]}, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
