"""The scratch folder of arrays: what is written is read, projections are shared, and nothing is left behind."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from strata.artifacts.activations import ActivationWriter, LayerInfo, iterate_activations, read_info
from strata.artifacts.measured import PROJECTION, TRAINED
from strata.artifacts.provenance import Provenance
from strata.measures.space_files import (
    HELD_OUT,
    MAPPED,
    POINTS,
    REFERENCE,
    SPACES,
    SpaceFiles,
    copy_points,
    project_input,
    projections_of,
    scratch_spaces,
)

VALUES = np.arange(60, dtype=np.float32).reshape(10, 2, 3) / 8
IDS = np.array([0, 1, 2, 5, 6, 9, 40, 41, 42, 50], dtype=np.int32)
UNITS = {"conv": 5000, "h1": 300, "h2": 300, "h3": 20, "again": 5000, "logits": 10}


@pytest.fixture
def files(tmp_path):
    return SpaceFiles(tmp_path)


@pytest.fixture
def activations(tmp_path):
    """A file of ten samples of 2 x 3 units in three row groups."""
    path = tmp_path / "h1.parquet"
    with ActivationWriter(path, LayerInfo("h1", (2, 3), Provenance("test", "a" * 64, "b" * 64))) as writer:
        for start, end in ((0, 4), (4, 8), (8, 10)):
            writer.write(IDS[start:end], VALUES[start:end])
    return path


def inputs(count=30, units=784, seed=0):
    return np.random.default_rng(seed).normal(size=(count, units)).astype(np.float32)


def test_what_is_written_is_read_mapped(files):
    values = VALUES.reshape(10, 6)
    files.write(TRAINED, POINTS, "h1", values)
    found = files.read(TRAINED, POINTS, "h1")
    np.testing.assert_array_equal(found, values)
    assert isinstance(found, np.memmap)
    assert found.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_a_created_array_is_filled_bit_by_bit(files):
    target = files.create(TRAINED, REFERENCE, "h1", (10, 6))
    assert (target.shape, target.dtype) == ((10, 6), np.float32)
    target[:4] = VALUES.reshape(10, 6)[:4]
    target[4:] = VALUES.reshape(10, 6)[4:]
    del target
    np.testing.assert_array_equal(files.read(TRAINED, REFERENCE, "h1"), VALUES.reshape(10, 6))


def test_every_space_set_of_images_and_layer_has_its_own_file(files):
    names = [(space, images, layer) for space in SPACES for images in (POINTS, REFERENCE, HELD_OUT) for layer in "ab"]
    for number, name in enumerate(names):
        files.write(*name, np.full((1, 2), number, dtype=np.float32))
    assert [files.read(*name)[0, 0] for name in names] == list(range(18))


def test_the_scratch_folder_lies_beside_and_is_removed(tmp_path):
    with scratch_spaces(tmp_path / "measures") as files:
        assert files.folder == tmp_path / ".measures.part"
        files.write(TRAINED, POINTS, "h1", VALUES[0])
        assert files.path(TRAINED, POINTS, "h1").parent == files.folder
    assert list(tmp_path.iterdir()) == []


def test_the_scratch_folder_is_removed_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="stop"), scratch_spaces(tmp_path / "measures") as files:
        files.write(TRAINED, POINTS, "h1", VALUES[0])
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_left_over_is_emptied(tmp_path):
    left = tmp_path / ".measures.part"
    (left / "deeper").mkdir(parents=True)
    (left / "old.npy").write_bytes(b"old")
    with scratch_spaces(tmp_path / "measures") as files:
        assert files.folder == left
        assert list(left.iterdir()) == []


def test_folders_above_the_scratch_folder_are_made(tmp_path):
    with scratch_spaces(tmp_path / "reports" / "measures") as files:
        assert files.folder.is_dir()


@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [2, 3, 4, 7, 9], [0], [9], [5, 6], [0, 8]], ids=lambda rows: f"{rows}"
)
def test_rows_are_copied_out_of_several_row_groups(files, activations, rows):
    batches = iterate_activations(activations)
    copy_points(files, read_info(activations), batches, np.array(rows, dtype=np.intp), len(IDS))
    found = files.read(TRAINED, POINTS, "h1")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VALUES.reshape(10, 6)[rows])
    everything = files.path(TRAINED, MAPPED, "h1")
    assert everything.exists() == (len(rows) < len(IDS))
    if everything.exists():
        np.testing.assert_array_equal(files.read(TRAINED, MAPPED, "h1"), VALUES.reshape(10, 6))


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
    shared = project_input(files, POINTS, inputs(), UNITS, seed=0)
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
    project_input(files, POINTS, values, UNITS, seed=0)
    for layer, tolerance in (("conv", 0.15), ("h1", 0.25), ("h3", 0.8)):
        ratios = pdist(files.read(PROJECTION, POINTS, layer)) / pdist(values)
        np.testing.assert_allclose(ratios, 1, atol=tolerance)
        assert (ratios**2).mean() == pytest.approx(1, abs=0.2)


def test_all_sets_of_images_are_projected_by_the_same_matrix(files):
    unit_vectors, values = np.eye(50, dtype=np.float32), inputs(units=50)
    for images, projected in ((POINTS, unit_vectors), (REFERENCE, values), (HELD_OUT, values[:7])):
        project_input(files, images, projected, {"h1": 12, "conv": 900}, seed=4)
    for layer in ("h1", "conv"):
        matrix = files.read(PROJECTION, POINTS, layer)
        for images, projected in ((REFERENCE, values), (HELD_OUT, values[:7])):
            np.testing.assert_allclose(files.read(PROJECTION, images, layer), projected @ matrix, atol=1e-4)


def test_the_matrix_depends_on_the_seed_and_the_dimensions_only(files):
    def projected(units, layer, seed):
        project_input(files, POINTS, np.eye(50, dtype=np.float32), units, seed)
        return np.array(files.read(PROJECTION, POINTS, layer))

    first = projected({"h1": 12, "h2": 6}, "h1", 1)
    np.testing.assert_array_equal(projected({"other": 30, "name": 12}, "name", 1), first)
    assert (projected({"h1": 12}, "h1", 2) != first).any()
