"""The scratch folder of arrays: what is written is read, and nothing is left behind."""

import numpy as np
import pytest

from strata.artifacts.activations import ActivationWriter, LayerInfo, iterate_activations, read_info
from strata.artifacts.measured import TRAINED
from strata.artifacts.provenance import Provenance
from strata.measures.space_files import (
    HELD_OUT,
    MAPPED,
    POINTS,
    REFERENCE,
    SPACES,
    SpaceFiles,
    copy_points,
    keeps_distances,
    scratch_spaces,
)

VALUES = np.arange(60, dtype=np.float32).reshape(10, 2, 3) / 8
IDS = np.array([0, 1, 2, 5, 6, 9, 40, 41, 42, 50], dtype=np.int32)


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


def test_distances_are_kept_in_float64_with_their_sums(files):
    assert files.distances(TRAINED, "h1") is None
    kept = files.create_distances(TRAINED, "h1", 3)
    assert not kept.squared.any() and not kept.sums.any()
    kept.squared[:], kept.sums[:] = np.arange(9).reshape(3, 3) / 7, [1, 2, 3]
    found = files.distances(TRAINED, "h1")
    assert found is not None and found.squared.tolist() == (np.arange(9).reshape(3, 3) / 7).tolist()
    assert found.sums.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("units", "kept"), [(500, True), (499, False)])
def test_distances_are_kept_where_they_take_up_to_four_times_the_activations(units, kept):
    assert keeps_distances(1000, units) is kept
    assert (4 * 4 * 1000 * units >= 8 * 1000**2) is kept


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
