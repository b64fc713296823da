"""User data: its form is recognized by its files, it is split with the seed, and written as four IDX files."""

from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.dataset.description import IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import read_images, read_labels
from strata.sources.own_data import bring_own_data, read_own_data
from strata.sources.params import DatasetParams
from tests.sources.own_images import NAMES, bars, class_folders, idx_folder, npz_file


def params(**changes: object) -> DatasetParams:
    given = {"name": "./x", "mirrors": [], "image_side": None, "colour": "grey", "test_share": 0.25}
    return DatasetParams.model_validate({**given, "shuffle_labels": False, **changes})


def fault(path: Path, **changes: object) -> str:
    with pytest.raises(StrataError) as caught:
        read_own_data(path, params(**changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_class_folders_are_split_by_the_seed_and_written(tmp_path, capsys):
    source, written = class_folders(tmp_path / "mine", 36, colour=False), {}
    for seed in (0, 1):
        out = tmp_path / str(seed)
        entry, checksum = bring_own_data(source, params(), seed, out)
        decided = f"no test data: 25% of each class were chosen to test, by seed {seed}"
        assert (entry.name, entry.classes) == ("mine", tuple(NAMES))
        assert entry.source == f"a folder of your own; {decided}"
        assert capsys.readouterr().err.splitlines()[-1] == f"download: {source}: {decided}"
        assert (entry.citation, entry.licence) == ("not stated", "not stated")
        assert len(checksum) == 64
        images = {part: read_images(out / name) for part, name in IMAGE_FILES.items()}
        labels = {part: read_labels(out / name) for part, name in LABEL_FILES.items()}
        assert np.bincount(labels["train"]).tolist() == [9, 9, 9]
        assert np.bincount(labels["test"]).tolist() == [3, 3, 3]
        # Each image is there once, with its own label.
        known = {image.tobytes(): label for image, label in zip(*bars(36, colour=False), strict=True)}
        pairs = [pair for part in images for pair in zip(images[part], labels[part], strict=True)]
        assert all(known.pop(image.tobytes()) == label for image, label in pairs)
        assert not known
        written[seed] = images["test"].tobytes()
    assert written[0] != written[1]


def test_an_npz_file_and_a_folder_of_one_are_the_same(tmp_path):
    path = npz_file(tmp_path / "folder/data.v1.npz", 9, 6)
    entry, checksum = bring_own_data(path, params(), 0, tmp_path / "a")
    assert (entry.name, entry.source) == ("data.v1", "a file of your own")
    again, same = bring_own_data(path.parent, params(), 0, tmp_path / "b")
    assert (again.name, same) == ("folder", checksum)
    for name in (*IMAGE_FILES.values(), *LABEL_FILES.values()):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_copied_and_named_by_classes_txt(packed, tmp_path):
    folder = idx_folder(tmp_path / "mine", 9, 6, packed)
    assert read_own_data(folder, params()).classes == ("0", "1", "2")
    (folder / "classes.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    entry, _ = bring_own_data(folder, params(), 0, tmp_path / "out")
    assert entry.classes == tuple(NAMES)
    np.testing.assert_array_equal(read_images(tmp_path / "out" / IMAGE_FILES["test"]), bars(6, False, 6)[0])


def test_idx_files_plain_or_packed_have_one_checksum(tmp_path):
    plain, packed = (idx_folder(tmp_path / str(kind), 9, 6, kind) for kind in (False, True))
    assert read_own_data(plain, params()).sha256 == read_own_data(packed, params()).sha256


def test_a_thousand_classes_have_labels_of_four_bytes(tmp_path):
    labels = np.arange(2000) % 1000
    np.savez(tmp_path / "many.npz", images=np.zeros((2000, 8, 8), np.uint8), labels=labels)
    bring_own_data(tmp_path / "many.npz", params(), 0, tmp_path / "out")
    found = read_labels(tmp_path / "out" / LABEL_FILES["test"])
    assert found.dtype == np.int32
    assert sorted(found.tolist()) == list(range(1000))


def test_faults_of_idx_folders_are_one_line(tmp_path):
    folder = idx_folder(tmp_path / "mine", 9, 6)
    path = folder / "t10k-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    path.unlink()
    assert fault(folder) == f"{folder}: t10k-labels-idx1-ubyte is missing, and so is t10k-labels-idx1-ubyte.gz"
    path.write_bytes(content[:-5])
    assert fault(folder) == f"{path}: the compressed file is truncated"
    path.write_bytes(b"text")
    assert fault(folder) == f"{path}: not an IDX file: magic 74657874"
    path.write_bytes(content)
    (folder / "classes.txt").write_bytes(b"\xff\xfe\x00")
    assert fault(folder) == f"{folder / 'classes.txt'}: is not UTF-8 text; save it as UTF-8"


FORMS = "IDX files, an .npz, .csv or .parquet file, images with a table of labels, or class folders"


def test_a_folder_must_hold_one_form(tmp_path):
    (tmp_path / ".DS_Store").touch()
    assert fault(tmp_path) == f"{tmp_path}: is empty; it must hold {FORMS}"
    (tmp_path / "notes.txt").touch()
    assert fault(tmp_path) == f"{tmp_path}: holds none of: {FORMS}"
    npz_file(tmp_path / "a.npz", 9, 6)
    class_folders(tmp_path, 6)
    more = f"{tmp_path}: holds more than one of the forms of data; put each into its own folder: {FORMS}"
    assert fault(tmp_path) == more
    assert fault(npz_file(tmp_path / "two/b.npz", 9, 6).parent.parent) == more


def test_two_npz_files_in_a_folder_are_refused(tmp_path):
    for name in ("a", "b"):
        npz_file(tmp_path / f"{name}.npz", 9, 6)
    assert fault(tmp_path).startswith(f"{tmp_path}: holds more than one of the forms of data")


def test_what_is_not_there_or_no_npz_file_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fault(Path("../none")) == (f"dataset.name: ../none: no such file or folder, relative to {tmp_path.name}/")
    (tmp_path / "a.xyz").touch()
    assert fault(Path("./a.xyz")) == "dataset.name: a.xyz is neither a folder nor an .npz, .npy, .csv or .parquet file"
    (tmp_path / "loop").symlink_to("loop")
    assert fault(Path("loop")).startswith("dataset.name: loop: no such file or folder")


def test_only_class_folders_are_resized(tmp_path):
    path = npz_file(tmp_path / "a.npz", 9, 6)
    expected = "dataset.image_side resizes image files only: set it to null"
    assert fault(path, image_side=28) == f"{path}: {expected}"
    folder = idx_folder(tmp_path / "idx", 9, 6)
    assert fault(folder, image_side=28) == f"{folder}: {expected}"
    folders = class_folders(tmp_path / "folders", 6)
    assert read_own_data(folders, params(image_side=9, colour="rgb")).parts["whole"].images.shape == (6, 9, 9, 3)


def test_the_working_folder_itself_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(class_folders(tmp_path / "mine", 6))
    entry, _ = bring_own_data(Path(), params(), 0, tmp_path / "out")
    assert entry.name == "mine"
