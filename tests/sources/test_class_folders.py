"""Class folders: images in the order of their names, and a line for each fault that names the file."""

from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.sources.class_folders import read_class_folders
from strata.sources.image_file import GREYED, KINDS
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
    class_folders(tmp_path / "train", 9, colour=False)
    save_image(tmp_path / "test/ant/a.png", np.zeros((17, 16), np.uint8))
    assert fault(tmp_path).startswith("/test/ant/a.png: is 17 x 16 pixels, but train/ant/0000.png is 16 x 16; set")


def test_an_unreadable_image_is_named(folder):
    (folder / "cat/0002.png").write_bytes(b"no image")
    assert fault(folder) == f"/cat/0002.png: cannot be read as {KINDS}: damaged, or in another format"


def test_other_files_in_a_class_folder_are_named(folder):
    (folder / "cat/notes.txt").write_text("x")
    assert (
        fault(folder) == f"/cat/notes.txt: is not named as an image ({KINDS}); a class folder may contain only images"
    )


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
    class_folders(tmp_path / "train", 9, colour=False)
    save_image(tmp_path / "test/dog/a.png", np.zeros((SIDE, SIDE), np.uint8))
    assert fault(tmp_path) == ": class 'dog' has test images, but none to train on"


@pytest.mark.parametrize("names", [("training", "testing"), ("Train", "TEST"), ("train", "t10k")])
def test_splits_have_the_names_that_people_give(names, tmp_path):
    for name, count in zip(names, (9, 6), strict=True):
        class_folders(tmp_path / name, count, colour=False, seed=count)
    data = read_class_folders(tmp_path, "grey", None)
    assert {part: len(of_part.labels) for part, of_part in data.parts.items()} == {"train": 9, "test": 6}
    order = np.argsort(np.arange(6) % 3, kind="stable")
    np.testing.assert_array_equal(data.parts["test"].images, bars(6, False, 6)[0][order])
    assert data.notes == ()


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "dev"])
def test_validation_data_are_left_out_or_used_to_test_and_this_is_said(name, tmp_path):
    class_folders(tmp_path / "train", 9, colour=False)
    class_folders(tmp_path / name, 3, colour=False, seed=5)
    data = read_class_folders(tmp_path, "grey", None)
    np.testing.assert_array_equal(data.parts["test"].images, bars(3, False, 5)[0])
    assert data.notes == (f"no test data: '{name}', the validation data, are used to test",)
    class_folders(tmp_path / "test", 6, colour=False)
    data = read_class_folders(tmp_path, "grey", None)
    assert len(data.parts["test"].labels) == 6
    assert data.notes == (f"left out: '{name}', the validation data",)


def test_training_data_alone_are_split(tmp_path):
    class_folders(tmp_path / "train", 9, colour=False)
    data = read_class_folders(tmp_path, "grey", None)
    assert list(data.parts) == ["whole"] and len(data.parts["whole"].labels) == 9
    assert data.notes == ("no test data: dataset.test_share of each class of 'train' is used to test",)


def test_other_folders_beside_a_split_are_named(tmp_path):
    class_folders(tmp_path / "train", 9, colour=False)
    (tmp_path / "test").mkdir()
    assert fault(tmp_path) == ": test data has no images; save at least two per class"
    (tmp_path / "extra").mkdir()
    assert fault(tmp_path) == ": beside 'train' is 'extra': move it away, or name it val or test"
    (tmp_path / "extra").rmdir()
    (tmp_path / "Testing").mkdir()
    assert fault(tmp_path) == ": 'Testing' and 'test' both mean the test data: rename one"


def test_classes_have_names_in_any_script(tmp_path):
    for name in ("猫", "犬", "あ"):
        save_image(tmp_path / name / "0.png", np.full((SIDE, SIDE), ord(name) % 256, np.uint8))
        save_image(tmp_path / name / "1.png", np.zeros((SIDE, SIDE), np.uint8))
    data = read_class_folders(tmp_path, "grey", None)
    assert data.classes == ("あ", "犬", "猫")
    assert data.parts["whole"].images[::2, 0, 0].tolist() == [ord(name) % 256 for name in data.classes]


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".tif", ".TIFF", ".gif", ".pgm", ".jfif"])
def test_images_of_other_formats_are_read(suffix, tmp_path):
    flat = {"a": np.full((SIDE, SIDE), 40, np.uint8), "b": np.full((SIDE, SIDE), 200, np.uint8)}
    for name, pixels in flat.items():
        for number in range(2):
            save_image(tmp_path / name / f"{number}{suffix}", pixels)
    images = read_class_folders(tmp_path, "grey", None).parts["whole"].images
    assert np.abs(images[:, 5, 5].astype(int) - [40, 40, 200, 200]).max() <= 1


def test_images_in_folders_named_as_splits_have_no_labels(tmp_path):
    for name, value in (("train", 10), ("test", 20)):
        for number in range(2):
            save_image(tmp_path / name / f"{number}.png", np.full((SIDE, SIDE), value + number, np.uint8))
    data = read_class_folders(tmp_path, "grey", None)
    assert (data.targets, data.classes) == ("none", ()) and "no labels" in data.notes[-1]
    assert {part: arrays.images[:, 0, 0].tolist() for part, arrays in data.parts.items()} == {
        "train": [10, 11],
        "test": [20, 21],
    }
    for number in range(2):
        save_image(tmp_path / f"other/{number}.png", np.zeros((SIDE, SIDE), np.uint8))
    assert read_class_folders(tmp_path, "grey", None).classes == ("other", "test", "train")


def test_small_images_are_refused(tmp_path):
    for name in ("a", "b"):
        save_image(tmp_path / name / "1.png", np.zeros((7, 30), np.uint8))
    assert fault(tmp_path) == ": images are 7 x 30 pixels; they must be at least 8 x 8"


@pytest.mark.parametrize(
    ("colour", "read_as", "said"), [(True, "grey", True), (True, "rgb", False), (False, "grey", False)]
)
def test_colours_that_are_lost_are_told(tmp_path, colour, read_as, said):
    """Else a folder of colour photos becomes a run of grey ones without a word."""
    data = read_class_folders(class_folders(tmp_path / "mine", 12, colour), read_as, None)
    assert list(data.notes) == ([GREYED] if said else [])
    assert GREYED == "colour images are read as grey: `dataset.colour: rgb` keeps their colours"


def test_colours_are_looked_for_in_the_first_images_only(tmp_path):
    folder = class_folders(tmp_path / "mine", 60, colour=False)
    last = sorted(folder.iterdir())[-1]
    save_image(last / "9999.png", bars(1, colour=True)[0][0])
    assert read_class_folders(folder, "grey", None).notes == ()
