"""Class folders: images in the order of their names, and a line for each fault that names the file."""

from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.sources.class_folders import read_class_folders
from tests.sources.own_images import NAMES, SIDE, bars, class_folders, save_image


def fault(folder: Path, side: int | None = None) -> str:
    with pytest.raises(StrataError) as caught:
        read_class_folders(folder, "grey", side)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message
    return message.removeprefix(str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve grey images in three class folders."""
    return class_folders(tmp_path / "mine", 12, colour=False)


@pytest.mark.parametrize("colour", [False, True])
def test_images_come_by_class_and_name(colour, tmp_path):
    data = read_class_folders(class_folders(tmp_path, 12, colour), "rgb" if colour else "grey", None)
    images, labels = bars(12, colour)
    order = np.argsort(labels, kind="stable")
    assert data.classes == tuple(NAMES)
    np.testing.assert_array_equal(data.parts["whole"].images, images[order], strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, labels[order])


def test_train_and_test_keep_their_split_and_a_test_class_may_be_missing(tmp_path):
    class_folders(tmp_path / "train", 9, colour=False)
    class_folders(tmp_path / "test", 2, colour=False, seed=5)
    data = read_class_folders(tmp_path, "grey", None)
    np.testing.assert_array_equal(data.parts["train"].labels, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(data.parts["test"].images, bars(2, False, 5)[0])


def test_hidden_files_and_litter_are_passed_over(folder):
    before = read_class_folders(folder, "grey", None)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"x")
        (folder / "ant" / name).write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / "__MACOSX").mkdir()
    (folder / "README.txt").write_text("about")
    after = read_class_folders(folder, "grey", None)
    assert after.classes == before.classes
    assert after.sha256 == before.sha256


def test_the_checksum_is_that_of_names_and_bytes(folder, tmp_path):
    before = read_class_folders(folder, "grey", None).sha256
    assert read_class_folders(class_folders(tmp_path / "again", 12, colour=False), "grey", None).sha256 == before
    (folder / "ant/0000.png").rename(folder / "ant/0001.png")
    renamed = read_class_folders(folder, "grey", None).sha256
    save_image(folder / "ant/0001.png", np.zeros((SIDE, SIDE), np.uint8))
    assert len({before, renamed, read_class_folders(folder, "grey", None).sha256}) == 3


def test_images_that_differ_in_size_need_a_side(folder):
    save_image(folder / "bee & co/9.jpeg", np.zeros((20, 30, 3), np.uint8))
    assert fault(folder) == (
        "/bee & co/9.jpeg: is 20 x 30 pixels, but ant/0000.png is 16 x 16; set dataset.image_side to resize all images"
    )
    assert read_class_folders(folder, "grey", 24).parts["whole"].images.shape == (13, 24, 24)


def test_splits_that_differ_in_size_need_a_side(tmp_path):
    class_folders(tmp_path / "train", 9)
    save_image(tmp_path / "test/ant/a.png", np.zeros((17, 16), np.uint8))
    assert fault(tmp_path).startswith("/test/ant/a.png: is 17 x 16 pixels, but train/ant/0000.png is 16 x 16; set")


def test_an_unreadable_image_is_named(folder):
    (folder / "cat/0002.png").write_bytes(b"no image")
    assert fault(folder) == "/cat/0002.png: cannot be read as a PNG or JPEG image: damaged, or in another format"


def test_other_files_in_a_class_folder_are_named(folder):
    (folder / "cat/notes.txt").write_text("x")
    assert fault(folder) == ("/cat/notes.txt: is not named .png, .jpg or .jpeg; a class folder may contain only images")


def test_a_folder_in_a_class_folder_is_named(folder):
    (folder / "cat/more").mkdir()
    assert fault(folder) == "/cat/more: is a folder in a class folder, which may contain only images"


def test_an_image_beside_the_class_folders_is_named(folder):
    save_image(folder / "lost.PNG", np.zeros((SIDE, SIDE), np.uint8))
    assert fault(folder) == "/lost.PNG: an image must be in the folder of its class"


def test_an_empty_class_folder_is_named(folder):
    (folder / "dog").mkdir()
    assert fault(folder) == "/dog: contains no image"


def test_links_that_lead_nowhere_or_round_and_round_are_named(folder):
    (folder / "cat/a.png").symlink_to("a.png")
    assert fault(folder) == "/cat/a.png: is a link to nothing, or to itself; remove it"
    (folder / "cat/a.png").unlink()
    (folder / "dog").symlink_to("dog")
    assert fault(folder) == "/dog: is a link to nothing, or to itself; remove it"
    (folder / "dog").unlink()
    (folder / "cat/up").symlink_to(folder)
    assert fault(folder) == "/cat/up: is a folder in a class folder, which may contain only images"


def test_a_linked_class_folder_is_read(folder, tmp_path):
    (folder / "cat").rename(tmp_path / "elsewhere")
    (folder / "cat").symlink_to(tmp_path / "elsewhere")
    assert read_class_folders(folder, "grey", None).classes == tuple(NAMES)


def test_a_name_that_would_break_a_line_is_refused(folder):
    (folder / "cat").rename(folder / "c\nt")
    assert fault(folder) == ": 'c\\nt' has characters that cannot be printed; rename it"


def test_a_single_class_is_refused(tmp_path):
    save_image(tmp_path / "ant/a.png", np.zeros((SIDE, SIDE), np.uint8))
    assert fault(tmp_path) == ": a single class, 'ant': at least 2 are needed"


def test_more_than_a_thousand_classes_are_refused(tmp_path):
    for number in range(1001):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/a.png").touch()
    assert fault(tmp_path) == ": more than 1,000 classes"


def test_a_class_without_training_images_is_refused(tmp_path):
    class_folders(tmp_path / "train", 9)
    save_image(tmp_path / "test/dog/a.png", np.zeros((SIDE, SIDE), np.uint8))
    assert fault(tmp_path) == ": class 'dog' has test images, but none to train on"


def test_half_a_split_is_refused(tmp_path):
    class_folders(tmp_path / "train", 9)
    assert (
        fault(tmp_path) == ": class folders must be either in train/ and test/ or directly in it: the second is missing"
    )
    (tmp_path / "test").mkdir()
    (tmp_path / "val").mkdir()
    assert fault(tmp_path) == ": class folders must be either in train/ and test/ or directly in it: beside them is val"
    (tmp_path / "val").rmdir()
    assert fault(tmp_path) == ": test data has no images; save at least two per class"


def test_classes_may_be_named_train_and_test(tmp_path):
    for name in ("train", "test"):
        for number in range(2):
            save_image(tmp_path / name / f"{number}.png", np.zeros((SIDE, SIDE), np.uint8))
    assert read_class_folders(tmp_path, "grey", None).classes == ("test", "train")


def test_small_images_are_refused(tmp_path):
    for name in ("a", "b"):
        save_image(tmp_path / name / "1.png", np.zeros((7, 30), np.uint8))
    assert fault(tmp_path) == ": images are 7 x 30 pixels; they must be at least 8 x 8"
