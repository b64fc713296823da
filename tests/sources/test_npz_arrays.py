"""An .npz file: the names it may use, and a line for each array that cannot be images or labels."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.sources.array_files import read_npz
from tests.sources.own_images import NAMES, bars, npz_file

IMAGES, LABELS = bars(12, colour=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.npz"


def fault(path: Path) -> str:
    with pytest.raises(StrataError) as caught:
        read_npz(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def saved_fault(path: Path, images: object = IMAGES, labels: object = LABELS, **more: object) -> str:
    np.savez(path, images=images, labels=labels, **more)
    return fault(path)


def test_images_and_labels_come_as_they_are(path):
    np.savez_compressed(path, images=IMAGES, labels=LABELS, other=np.arange(3))
    data = read_npz(path)
    assert data.classes == ("0", "1", "2")
    assert data.sha256 == sha256_of(path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)


def test_names_stand_in_the_file_or_beside_it(path):
    np.savez(path, images=IMAGES, labels=LABELS)
    assert read_npz(path, ["x", "y", "z"]).classes == ("x", "y", "z")
    np.savez(path, images=IMAGES, labels=LABELS, class_names=np.array(NAMES))
    assert read_npz(path, ["x", "y", "z"]).classes == tuple(NAMES)


@pytest.mark.parametrize("colour", [False, True])
def test_a_split_is_kept(colour, path):
    data = read_npz(npz_file(path, 9, 6, colour))
    assert set(data.parts) == {"train", "test"}
    np.testing.assert_array_equal(data.parts["test"].images, bars(6, colour, 2)[0], strict=True)


def test_kerass_names_and_shapes_are_read(path):
    column = LABELS[:, None].astype(np.uint8)
    np.savez(path, x_train=IMAGES[..., None], y_train=column, x_test=IMAGES[:3], y_test=LABELS[:3])
    data = read_npz(path)
    np.testing.assert_array_equal(data.parts["train"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["train"].labels, LABELS)


def test_other_names_are_told_with_those_allowed(path):
    for arrays, present in (
        ({"arr_0": IMAGES, "arr_1": LABELS}, "arr_0, arr_1"),
        ({"images": IMAGES, "count": LABELS}, "images, count"),
        ({"images": IMAGES, "X": IMAGES, "y": LABELS}, "images, X, y"),
        (
            {"images": IMAGES, "labels": LABELS, "x_train": IMAGES, "y_train": LABELS},
            "images, labels, x_train, y_train",
        ),
        ({"x_train": IMAGES, "train_images": IMAGES, "y_train": LABELS}, "x_train, train_images, y_train"),
    ):
        np.savez(path, **arrays)
        assert fault(path) == (
            f"contains {present}; it must contain images and labels, or X and y; or with a split: train_images,"
            " x_train, X_test, test_labels ..."
        )


@pytest.mark.parametrize("names", [("X", "y"), ("x", "y"), ("data", "target"), ("image", "label")])
def test_the_names_that_people_give_are_read(names, path):
    np.savez(path, **dict(zip(names, (IMAGES, LABELS), strict=True)), other=np.arange(3))
    data = read_npz(path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)


@pytest.mark.parametrize("name", ["{part}_{kind}", "{kind}_{part}", "{kind}_{part}ing"])
def test_a_split_is_read_from_either_side_of_a_name(name, path):
    arrays = {"train": (IMAGES, LABELS), "test": (IMAGES[:6], LABELS[:6])}
    named = {
        name.format(part=part, kind=kind): array
        for part, pair in arrays.items()
        for kind, array in zip(("X", "y"), pair, strict=True)
    }
    np.savez(path, **named)
    data = read_npz(path)
    np.testing.assert_array_equal(data.parts["test"].images, IMAGES[:6])
    np.testing.assert_array_equal(data.parts["train"].labels, LABELS)


def test_what_is_left_out_of_a_file_of_medmnist_is_said(path):
    column = LABELS[:, None].astype(np.uint8)
    pairs = {"train": IMAGES, "val": IMAGES[::-1], "test": IMAGES[3:]}
    arrays = {f"{part}_images": images for part, images in pairs.items()}
    np.savez(path, **arrays, train_labels=column, val_labels=column, test_labels=column[3:])
    data = read_npz(path)
    assert data.notes == ("left out: 'val', the validation data",)
    assert {part: len(of_part.labels) for part, of_part in data.parts.items()} == {"train": 12, "test": 9}
    np.testing.assert_array_equal(data.parts["test"].images, IMAGES[3:])


def test_training_data_alone_are_split_and_images_without_labels_left_out(path):
    np.savez(path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES)
    data = read_npz(path)
    assert list(data.parts) == ["whole"]
    assert data.notes == (
        "left out: x_test, images or labels without the other",
        "no test data: dataset.test_share of each class of 'train' is used to test",
    )


def test_labels_from_one_are_numbered_from_zero_and_keep_their_names(path):
    np.savez(path, images=IMAGES, labels=LABELS + 1)
    data = read_npz(path)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)
    assert (data.classes, data.notes) == (("1", "2", "3"), ("labels start at 1, which is class '1'",))
    np.savez(path, images=IMAGES, labels=LABELS + 1, class_names=np.array(NAMES))
    data = read_npz(path)
    assert (data.classes, data.notes) == (tuple(NAMES), (f"labels start at 1, which is class '{NAMES[0]}'",))
    assert saved_fault(path, labels=LABELS + 1, class_names=np.array(["none", *NAMES])).startswith(
        "class 'none' has no"
    )


OBJECTS = "is an array of Python objects, which is unsafe to read: save plain numbers, or names as"


def test_objects_are_never_unpickled(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    for name in ("images", "labels", "class_names"):
        more = {name: np.array([Trap()], dtype=object)}
        said = saved_fault(path, **{"images": IMAGES, "labels": LABELS, **more})
        assert said.startswith(f"{name} {OBJECTS}")
    path.write_bytes(pickle.dumps(Trap()))
    assert fault(path) == "cannot be read as an .npz file: damaged, or in another format"
    assert not (tmp_path / "sprung").exists()


def test_a_file_with_a_password_is_told_so(path):
    np.savez(path, images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    for start in (b"PK\3\4", b"PK\1\2"):
        content[content.index(start) + (6 if start[2] == 3 else 8)] |= 1  # found by fuzzing: "encrypted"
    path.write_bytes(content)
    assert fault(path) == "cannot be read as an .npz file: damaged, or in another format"


def test_another_file_is_told_so(path):
    for content in (b"", b"text", b"PK\x03\x04broken"):
        path.write_bytes(content)
        assert fault(path) == "cannot be read as an .npz file: damaged, or in another format"
    with path.open("wb") as file:
        np.save(file, IMAGES)
    assert fault(path) == "contains a single array; save images and labels with np.savez"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_flipped_byte_ends_in_another_error(save, path):
    save(path, images=IMAGES, labels=LABELS, class_names=np.array(NAMES))
    content = path.read_bytes()
    places = [*range(0, 300, 7), *range(len(content) - 400, len(content), 3)]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0x5A
        path.write_bytes(damaged)
        try:
            read_npz(path)
        except StrataError as error:
            assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            IMAGES / 255,
            "float64, not uint8: they range from 0 to 1, so save them as (images * 255).round().astype('uint8')",
        ),
        (
            IMAGES.astype(int),
            "int64, not uint8: they range from 0 to 255, so save them as images.round().astype('uint8')",
        ),
        (
            IMAGES.astype(np.float32) - 100,
            "float32, not uint8: they range from -96 to 150: scale them to 0 to 255, then .round().astype('uint8')",
        ),
        (IMAGES > 99, "bool, not uint8: save them as images.astype('uint8') * 255"),
        (np.full((12, 9, 9), "a"), "<U1, not uint8: save grey or colour values from 0 to 255 as uint8"),
        (
            IMAGES.reshape(12, -1),
            "(12, 256), not (n, H, W) or (n, H, W, 3); give flat images a height and a width: images.reshape(n, H, W)",
        ),
        (
            np.zeros((12, 3, 16, 16), np.uint8),
            "(12, 3, 16, 16), not (n, H, W) or (n, H, W, 3); put the colours last: np.moveaxis(images, 1, 3)",
        ),
        (np.zeros((12, 16, 16, 4), np.uint8), "(12, 16, 16, 4), not (n, H, W) or (n, H, W, 3)"),
        (np.zeros(12, np.uint8), "(12,), not (n, H, W) or (n, H, W, 3)"),
        (np.zeros((12, 8, 7), np.uint8), "8 x 7 pixels; they must be at least 8 x 8"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value.dtype}-{value.shape}",
)
def test_arrays_that_are_not_images_are_refused_with_advice(images, message, path):
    assert saved_fault(path, images) == f"images are {message}"


def test_no_images_are_refused(path):
    np.savez(path, images=IMAGES[:0], labels=LABELS[:0])
    assert fault(path) == "data has no images; save at least two per class"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS / 1, "labels are float64, but whole numbers: set dataset.targets to classes, or to values"),
        (np.array(NAMES)[LABELS], "labels are <U8, not whole numbers from 0; put names into class_names"),
        (np.eye(3)[LABELS], "each row of the labels has a single 1: set dataset.targets to classes, or to multi-label"),
        (LABELS[:-1], "data has 12 images, but 11 labels: each image needs one label"),
        (LABELS[:0], "data has 12 images, but 0 labels: each image needs one label"),
        (LABELS - 1, "labels go down to -1: they must be whole numbers from 0"),
        (LABELS * 0, "a single class, '0': at least 2 are needed"),
        (LABELS + 2, "class '0' has no image; labels must be 0, 1, 2 ..., each of them in use"),
        (LABELS * 2, "class '1' has no image; labels must be 0, 1, 2 ..., each of them in use"),
        (LABELS * 500, "labels go up to 1000: more than 1,000 classes"),
        (np.uint64(2**64 - 1) - LABELS.astype(np.uint64), f"labels go up to {2**64 - 1}: more than 1,000 classes"),
        (np.repeat([0, 1, 2], [6, 5, 1]), "class '2' has a single image: it needs one to train and one to test"),
    ],
)
def test_labels_that_do_not_fit_are_told(labels, message, path):
    assert saved_fault(path, labels=labels) == message


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "a label is 2, but there are 2 classes, and labels start at 0"),
        (["a", "b", "c", "d"], "class 'd' has no image; labels must be 0, 1, 2 ..., each of them in use"),
        (["a", "b", "a"], "two classes are named 'a'; rename one"),
        (["a", "b", " "], "class name ' ': a name must be printable and not blank"),
        (["a", "b", "c\n"], "class name 'c\\n': a name must be printable and not blank"),
        ([0, 1, 2], "class_names must be a list of strings: np.array([...], dtype=str)"),
    ],
)
def test_names_that_do_not_fit_are_told(names, message, path):
    assert saved_fault(path, class_names=np.array(names)) == message


def split_fault(path: Path, **changes: object) -> str:
    arrays = {"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES[:6], "test_labels": LABELS[:6]}
    np.savez(path, **arrays | changes)
    return fault(path)


def test_parts_that_do_not_fit_each_other_are_told(path):
    said = split_fault(path, test_images=np.zeros((6, 16, 17), np.uint8))
    assert said == "training images are 16 x 16, but test images are 16 x 17; use one size"
    said = split_fault(path, test_images=np.zeros((6, 16, 16, 3), np.uint8))
    assert said == "training images are 16 x 16, but test images are 16 x 16 x 3; use one size"
    assert split_fault(path, test_labels=LABELS[:6] + 1) == "class '3' has test images, but none to train on"
    assert (
        split_fault(path, test_labels=LABELS[:5]) == "test data has 6 images, but 5 labels: each image needs one label"
    )
    assert split_fault(path, train_images=IMAGES / 255).startswith("train images are float64, not uint8")
