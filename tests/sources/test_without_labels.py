"""Own data without labels, with numbers to predict, or with several labels: what is read, and what is refused."""

import numpy as np
import pytest

from strata.sources.labelled_arrays import checked_data
from tests.sources.own_images import bars, class_folders, save_image
from tests.sources.reading import fault, read
from tests.sources.test_pixel_tables import pixels, table

IMAGES, LABELS = bars(12, colour=False)
VALUES = np.linspace(-1, 1, 12)
ROWS = np.stack([LABELS == 0, LABELS < 2], axis=1).astype(np.int64)  # two labels, of which none, one or both apply


def assert_no_labels(data, images=IMAGES):
    """Check that the data are these images and nothing else, and that a note says so."""
    assert (data.targets, data.classes, data.target_names) == ("none", (), ())
    (whole,) = data.parts.values()
    assert whole.labels is None and whole.targets is None
    np.testing.assert_array_equal(whole.images, images, strict=True)
    assert any("no labels" in note for note in data.notes)


def test_a_folder_of_images_is_read_in_the_order_of_the_names(tmp_path):
    for number, image in enumerate(IMAGES):
        save_image(tmp_path / f"{number:02}.png", image)
    assert_no_labels(read(tmp_path))


def test_arrays_alone_are_images_without_labels(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    assert_no_labels(read(tmp_path / "a.npy"))
    assert_no_labels(read(tmp_path))
    np.savez(tmp_path / "b.npz", images=IMAGES)
    assert_no_labels(read(tmp_path / "b.npz"))
    np.savez(tmp_path / "c.npz", x_train=IMAGES, x_test=IMAGES[:3])
    data = read(tmp_path / "c.npz")
    assert (data.targets, {part: len(each.images) for part, each in data.parts.items()}) == (
        "none",
        {"train": 12, "test": 3},
    )


def test_labels_of_one_part_only_are_left_out_with_its_images_or_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:3])
    data = read(tmp_path / "a.npz")
    assert data.targets == "classes" and data.notes[0] == "left out: x_test, images or labels without the other"
    with pytest.raises(Exception, match=r"^x: only the test data has labels"):
        checked_data({"train": (IMAGES, None), "test": (IMAGES, LABELS)}, None, "", "x")


@pytest.mark.parametrize("header", [True, False])
def test_a_table_of_pixels_without_a_label(tmp_path, header):
    path = table(tmp_path / "x.csv", pixels(IMAGES), header=header)
    data = read(path)
    assert_no_labels(data)
    assert data.notes[0] == "no column is named label, labels, class, target, y"


def test_other_arrays_are_not_taken_for_nothing(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, kinds=LABELS)
    assert fault(tmp_path / "a.npz").startswith("x: contains images, kinds; it must contain images and labels")


def test_labels_can_be_left_out(tmp_path):
    folder = class_folders(tmp_path / "a", 12)
    data = read(folder, targets="none")
    assert data.targets == "none" and data.notes[-1] == "labels left out, as dataset.targets says"
    np.testing.assert_array_equal(data.parts["whole"].images, read(folder).parts["whole"].images)


@pytest.mark.parametrize(
    ("labels", "changes", "targets", "names", "expected"),
    [
        (VALUES, {}, "values", ("target",), VALUES[:, None]),
        (np.stack([VALUES, VALUES**2], axis=1), {}, "values", ("target 0", "target 1"), None),
        (LABELS, {"targets": "values"}, "values", ("target",), LABELS[:, None]),
        (LABELS / 1, {"targets": "values"}, "values", ("target",), LABELS[:, None]),
        (ROWS, {}, "multi-label", ("label 0", "label 1"), ROWS),
        (
            np.eye(3)[LABELS],
            {"targets": "multi-label"},
            "multi-label",
            ("label 0", "label 1", "label 2"),
            np.eye(3)[LABELS],
        ),
    ],
)
def test_targets_are_what_they_can_only_be_or_what_is_said(labels, changes, targets, names, expected, tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    data = read(tmp_path / "a.npz", **changes)
    assert (data.targets, data.target_names, data.classes) == (targets, names, ())
    found = data.parts["whole"]
    assert found.labels is None and found.targets.dtype == np.float32
    np.testing.assert_array_equal(found.targets, np.float32(labels if expected is None else expected))


@pytest.mark.parametrize("labels", [LABELS / 1, np.eye(3)[LABELS], LABELS[:, None]])
def test_classes_can_be_said_where_they_are_not_plain(labels, tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    data = read(tmp_path / "a.npz", targets="classes")
    assert (data.targets, data.classes) == ("classes", ("0", "1", "2"))
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)


def test_a_table_with_numbers_that_are_not_whole(tmp_path):
    path = table(tmp_path / "x.csv", {"label": VALUES, **pixels(IMAGES)})
    data = read(path)
    assert data.targets == "values"
    np.testing.assert_array_equal(data.parts["whole"].targets[:, 0], VALUES.astype(np.float32))
    twice = table(tmp_path / "y.csv", {"label": np.repeat(VALUES[:6], 2), **pixels(IMAGES)})
    assert read(twice, targets="classes").classes == tuple(sorted(str(value) for value in VALUES[:6]))


@pytest.mark.parametrize(
    ("labels", "changes", "message"),
    [
        (np.where(VALUES > 0, VALUES, np.nan), {}, "x: a target is not a finite number"),
        (VALUES * 1e39, {"targets": "values"}, "x: a target is too large for float32: scale the targets"),
        (
            VALUES,
            {"targets": "multi-label"},
            "x: several labels are 0 or 1, and others are there: set dataset.targets to values",
        ),
        (VALUES[:, None, None], {"targets": "values"}, "x: targets are (12, 1, 1) of float64, not numbers (n, k)"),
        (VALUES, {"targets": "classes"}, "x: labels are float64, not whole numbers from 0; put names into class_names"),
    ],
)
def test_targets_that_do_not_fit_are_one_line(labels, changes, message, tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    assert fault(tmp_path / "a.npz", **changes) == message


def test_class_folders_hold_no_numbers(tmp_path):
    folder = class_folders(tmp_path / "a", 12)
    assert fault(folder, targets="values") == "x: dataset.targets is values, but there are classes: set it to null"
