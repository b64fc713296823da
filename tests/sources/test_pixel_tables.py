"""CSV files of pixels: Kaggle's columns and files, headers, sizes and labels, and a line for each that does not fit."""

from pathlib import Path

import numpy as np
import pytest

from tests.sources.own_images import NAMES, SIDE, bars
from tests.sources.reading import fault, read

IMAGES, LABELS = bars(12, colour=False)
PIXELS = [f"pixel{number}" for number in range(SIDE * SIDE)]


def table(path: Path, columns: dict[str, object], header: bool = True, delimiter: str = ",") -> Path:
    """Write columns as CSV; a column of pixels is one array (n,)."""
    rows = [list(columns)] if header else []
    rows += [list(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pixels(images: np.ndarray, names: list[str] = PIXELS) -> dict[str, np.ndarray]:
    return dict(zip(names, images.reshape(len(images), -1).T, strict=True))


def test_kaggles_folder_is_its_labelled_table_and_the_other_is_left_out(tmp_path):
    table(tmp_path / "train.csv", {"label": LABELS, **pixels(IMAGES)})
    table(tmp_path / "test.csv", pixels(IMAGES[:5]))
    table(tmp_path / "sample_submission.csv", {"ImageId": [1, 2], "Label": [0, 0]})
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)
    assert data.classes == ("0", "1", "2")
    assert data.notes == (
        "left out: sample_submission.csv: 0 columns besides label and id, which are no square image, grey or RGB",
        "left out: test.csv, without labels",
    )


def test_a_folder_of_both_parts_keeps_its_split(tmp_path):
    table(tmp_path / "mnist_train.csv", {"label": LABELS, **pixels(IMAGES)})
    table(tmp_path / "mnist_test.csv", {"label": LABELS[:6], **pixels(IMAGES[:6])})
    (tmp_path / "classes.txt").write_text("\n".join(NAMES), encoding="utf-8")
    data = read(tmp_path)
    assert data.classes == tuple(NAMES) and data.notes == ()
    np.testing.assert_array_equal(data.parts["train"].images, IMAGES)
    np.testing.assert_array_equal(data.parts["test"].labels, LABELS[:6])
    table(tmp_path / "mnist_val.csv", {"label": LABELS[:6], **pixels(IMAGES[:6])})
    assert read(tmp_path).notes == ("left out: 'val', the validation data",)
    table(tmp_path / "more.csv", {"label": LABELS[:6], **pixels(IMAGES[:6])})
    assert fault(tmp_path) == "x: more.csv is one of several tables: name them train.csv and test.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_one_file_with_or_without_header(header, delimiter, tmp_path):
    path = table(tmp_path / "digits.csv", {"label": LABELS, **pixels(IMAGES)}, header, delimiter)
    data = read(path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)


def test_the_label_may_come_last_and_other_columns_are_left_out(tmp_path):
    columns = {"Unnamed: 0": LABELS, "ID": LABELS, **pixels(IMAGES), "Class": LABELS}
    data = read(table(tmp_path / "x.csv", columns))
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES)
    assert data.notes == ("left out: columns Unnamed: 0, ID",)


def test_labels_may_be_texts(tmp_path):
    data = read(table(tmp_path / "x.csv", {"label": np.array(NAMES)[LABELS], **pixels(IMAGES)}))
    assert data.classes == tuple(sorted(NAMES))
    assert [data.classes[label] for label in data.parts["whole"].labels] == [NAMES[label] for label in LABELS]


def test_labels_may_be_whole_numbers_with_a_point(tmp_path):
    data = read(table(tmp_path / "x.csv", {"label": LABELS.astype(float), **pixels(IMAGES)}))
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)


def test_three_colours_stand_side_by_side(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 9, 9, 3), dtype=np.uint8)
    names = [f"pixel{number:04}" for number in range(9 * 9 * 3)]
    data = read(table(tmp_path / "x.csv", {**pixels(images, names), "label": LABELS}))
    np.testing.assert_array_equal(data.parts["whole"].images, images, strict=True)


def test_names_of_places_give_the_shape(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 9, 11), dtype=np.uint8)
    names = [f"{row}x{column}" for row in range(1, 10) for column in range(1, 12)]
    data = read(table(tmp_path / "x.csv", {"label": LABELS, **pixels(images, names)}))
    np.testing.assert_array_equal(data.parts["whole"].images, images, strict=True)


def test_emnists_tables_are_turned_upright_and_named(tmp_path):
    table(tmp_path / "emnist-letters-train.csv", {"label": LABELS + 1, **pixels(IMAGES.swapaxes(1, 2))}, header=False)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n", encoding="ascii")
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES)
    assert data.classes == ("Aa", "Bb", "Cc")


SQUARE = "which are no square image, grey or RGB"


def test_what_is_no_table_of_pixels_is_one_line(tmp_path):
    path = tmp_path / "x.csv"
    table(path, {"label": LABELS, **pixels(IMAGES[:, :, 1:], PIXELS[:240])})
    assert fault(path) == f"x: 240 columns besides label and id, {SQUARE}"
    table(path, {"id": LABELS, "label": LABELS})
    assert fault(path) == f"x: 0 columns besides label and id, {SQUARE}"
    table(path, {"label": LABELS, **pixels(IMAGES / 255)})
    assert fault(path) == (
        "x: a pixel is not a whole number from 0 to 255; from 0 to 1: (x * 255).round().astype('uint8')"
    )
    table(path, {"label": LABELS, **pixels(IMAGES)})
    path.write_text(path.read_text(encoding="utf-8") + "1,2,3\n", encoding="utf-8")
    assert fault(path) == "x: a row has 3 columns, but the first 257"
    for content in (b"", b"\xff\xfe\x00", b"label"):
        path.write_bytes(content)
        assert fault(path).startswith("x: ")
    path.write_bytes(b"," * (1 << 20))
    assert fault(path) == "x: more than 262,144 columns: save the images as files in class folders"
    table(path, {"label": [], **{name: [] for name in PIXELS}})
    assert fault(path) == "x: cannot be read as CSV: damaged, or without rows"
    table(path, {"label": ["", *"abab" * 2], **pixels(IMAGES[:9])})
    assert fault(path) == "x: class name '': a name must be printable and not blank"


def test_a_line_without_end_is_not_read(tmp_path):
    with (tmp_path / "x.csv").open("wb") as file:
        file.truncate(1 << 40)  # holes: it takes no space
    assert fault(tmp_path / "x.csv") == "x: its first line is not text with commas: save it as CSV in UTF-8"
