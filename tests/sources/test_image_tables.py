"""Images with a table of their labels, as on Kaggle and Hugging Face; and a line for each that does not fit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.sources.own_images import NAMES, bars, class_folders, save_image
from tests.sources.reading import fault, read

COUNT = 9
IMAGES, LABELS = bars(COUNT, colour=False)


def write_images(folder: Path, count: int = COUNT, start: int = 0) -> Path:
    """Write images named 0, 1, ... as PNG."""
    for number in range(start, start + count):
        save_image(folder / f"{number}.png", IMAGES[number % COUNT])
    return folder


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], between: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [between.join(map(str, row)) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows(form: str, order: Sequence[int] = range(COUNT)) -> list[list[object]]:
    return [[form.format(number), NAMES[LABELS[number]]] for number in order]


def check(data, order=range(COUNT), part="whole"):
    np.testing.assert_array_equal(data.parts[part].images, IMAGES[list(order)], strict=True)
    np.testing.assert_array_equal(data.parts[part].labels, LABELS[list(order)])
    assert data.classes == tuple(NAMES)


@pytest.mark.parametrize(
    ("folder", "name", "header", "form", "between"),
    [
        ("train", "train.csv", ("id", "label"), "{}", ","),
        ("images", "labels.csv", ("filename", "class"), "{}.png", ","),
        (".", "metadata.csv", ("file_name", "label"), "{}.png", ","),
        ("jpegs/all", "train.csv", ("image_path", "target"), "./jpegs/all/{}.PNG", ";"),
        ("train_images", "Train.csv", ("Image", "Breed"), "{}.png", "\t"),
        ("images", "labels.csv", ("image", "label"), "C:\\data\\{}.png", ","),
    ],
)
def test_a_table_names_files_and_labels(folder, name, header, form, between, tmp_path):
    write_images(tmp_path / folder)
    order = [4, 1, 0, 2, 3, 5, 6, 8, 7]
    path = write_table(tmp_path / name, header, rows(form, order), between)
    check(read(tmp_path), order)
    check(read(path), order)


def test_parts_by_table_by_column_and_by_folder(tmp_path):
    by_table = tmp_path / "a"
    write_images(by_table / "train", 6), write_images(by_table / "test", 3, 6)
    write_table(by_table / "train.csv", ("id", "label"), rows("{}", range(6)))
    write_table(by_table / "test.csv", ("id", "label"), rows("{}", range(6, 9)))
    by_column = write_images(tmp_path / "b/images").parent
    split = [[*row, "train" if number < 6 else "val"] for number, row in enumerate(rows("{}"))]
    write_table(by_column / "all.csv", ("image", "label", "split"), split)
    by_folder = tmp_path / "c"
    for part, numbers in (("train", range(6)), ("test", range(6, 9))):
        write_images(by_folder / part, len(numbers), numbers[0])
        write_table(by_folder / part / "metadata.csv", ("file_name", "label"), rows("{}.png", numbers))
    for folder in (by_table, by_column, by_folder):
        data = read(folder)
        check(data, range(6), "train")
        check(data, range(6, 9), "test")


def test_the_same_names_in_both_folders_are_told_apart_by_the_tables(tmp_path):
    write_images(tmp_path / "train", 6), write_images(tmp_path / "test", 3)
    write_table(tmp_path / "train.csv", ("id", "label"), rows("{}", range(6)))
    write_table(tmp_path / "test.csv", ("id", "label"), rows("{}", range(3)))
    check(read(tmp_path), range(3), "test")


def test_numbers_and_several_labels(tmp_path):
    write_images(tmp_path / "images")
    ages = [[number, 20.5 + number] for number in range(COUNT)]
    write_table(tmp_path / "ages.csv", ("id", "age"), ages)
    data = read(tmp_path)
    assert data.targets == "values"
    np.testing.assert_array_equal(data.parts["whole"].targets[:, 0], 20.5 + np.arange(COUNT))
    (tmp_path / "ages.csv").unlink()
    marks = [[number, number % 2, int(number > 4)] for number in range(COUNT)]
    write_table(tmp_path / "marks.csv", ("id", "odd", "large"), marks)
    data = read(tmp_path)
    assert (data.targets, data.target_names) == ("multi-label", ("odd", "large"))
    write_table(tmp_path / "marks.csv", ("id", "odd", "even"), [[n, n % 2, 1 - n % 2] for n in range(COUNT)])
    assert "each row of the labels has a single 1: set dataset.targets" in fault(tmp_path)
    assert read(tmp_path, targets="classes").classes == ("odd", "even")


def test_what_is_left_out_is_said(tmp_path):
    write_images(tmp_path / "train"), write_images(tmp_path / "test", 4, 20)
    write_table(tmp_path / "train.csv", ("id", "label", "weight"), [[*row, 3] for row in rows("{}")])
    write_table(tmp_path / "sample_submission.csv", ("id", "label"), [[number, "cat"] for number in range(20, 24)])
    data = read(tmp_path)
    check(data)
    assert data.notes[:3] == (
        "left out: sample_submission.csv, which has no labels of its own",
        "left out: columns weight of train.csv",
        "left out: 4 images that no row names",
    )


def test_another_label_is_another_checksum(tmp_path):
    write_images(tmp_path / "images")
    write_table(tmp_path / "a.csv", ("id", "label"), rows("{}"))
    before = read(tmp_path).sha256
    changed = rows("{}")
    changed[0][1], changed[1][1] = changed[1][1], changed[0][1]
    write_table(tmp_path / "a.csv", ("id", "label"), changed)
    assert read(tmp_path).sha256 != before


@pytest.mark.parametrize(
    ("header", "lines", "said"),
    [
        (
            ("id", "label"),
            [*rows("{}"), [77, "cat"]],
            "row 11 names '77', and no such image is there: add it, or remove",
        ),
        (("id", "label"), [*rows("{}"), [3, "cat"]], "3.png is in two rows: keep one"),
        (("id", "label"), [[0, "cat"], [1, ""]], "row 3 has no label: fill it in, or remove the row"),
        (("image", "label"), [["x.png", "cat"]], "row 2 names 'x.png', and no such image is there"),
        (("id", "sex", "age"), [[0, "f", 3]], "which column is the label? It has sex, age: name one `label`, or move"),
        (("id", "label"), [[0, "cat"], [1]], "row 3 has 1 columns, but the first 2"),
        (("id",), [[0], [1]], "has no column of labels; to look at images alone, move it away"),
    ],
)
def test_what_does_not_fit_is_one_line(header, lines, said, tmp_path):
    write_images(tmp_path / "images")
    write_table(tmp_path / "a.csv", header, lines)
    assert fault(tmp_path).startswith("x/a.csv: ") and said in fault(tmp_path)


def test_a_name_that_two_images_have_is_one_line(tmp_path):
    write_images(tmp_path / "one"), write_images(tmp_path / "two")
    write_table(tmp_path / "a.csv", ("id", "label"), rows("{}"))
    said = "x/a.csv: row 2 names '0': one/0.png, or two/0.png? Write the path in the table"
    assert fault(tmp_path) == said
    write_table(tmp_path / "b.csv", ("id", "label"), rows("one/{}.png"))
    (tmp_path / "a.csv").unlink()
    check(read(tmp_path))


def test_class_folders_with_another_table_beside_them_stay_class_folders(tmp_path):
    class_folders(tmp_path, COUNT, colour=False)
    write_table(tmp_path / "people.csv", ("name", "class"), [["Ann", "x"]])
    assert read(tmp_path).classes == tuple(NAMES) and read(tmp_path).notes == ()


def test_a_table_of_pixels_stays_one(tmp_path):
    write_table(tmp_path / "train.csv", ("id", "label", *(f"pixel{n}" for n in range(64))), [[0, 1, *range(64)]] * 4)
    save_image(tmp_path / "preview.png", IMAGES[0])
    assert read(tmp_path / "train.csv", targets="values").parts["whole"].images.shape == (4, 8, 8)
