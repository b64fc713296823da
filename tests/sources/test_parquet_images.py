"""Parquet as Hugging Face stores images: one file, shards, names of classes; and a line for each that does not fit."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from strata.core.errors import StrataError
from tests.sources.own_images import NAMES, bars
from tests.sources.reading import fault, read
from tests.tiny_pipeline import ROOT

IMAGES, LABELS = bars(12, colour=False)
STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def packed(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def table(rows: slice, names: list[str] | None = None, image: str = "image", label: str = "label") -> pa.Table:
    images = [{"bytes": packed(pixels), "path": None} for pixels in IMAGES[rows]]
    made = pa.table({image: pa.array(images, STRUCT), label: pa.array(LABELS[rows], pa.int64())})
    features = {image: {"_type": "Image"}, label: {"names": names, "_type": "ClassLabel"}}
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    return made.replace_schema_metadata(described) if names else made


def write(content: pa.Table, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, row_group_size=5)
    return path


@pytest.mark.parametrize("names", [None, NAMES])
def test_one_file_is_read_with_the_names_in_it(names, tmp_path):
    path = write(table(slice(None), names), tmp_path / "digits.parquet")
    data = read(path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    np.testing.assert_array_equal(data.parts["whole"].labels, LABELS)
    assert data.classes == (tuple(names) if names else ("0", "1", "2"))
    assert read(path, image_side=9, colour="rgb").parts["whole"].images.shape == (12, 9, 9, 3)


@pytest.mark.parametrize("folder", ["", "data", "mnist"])
def test_shards_come_in_order_and_by_split(folder, tmp_path):
    for number, rows in enumerate((slice(0, 4), slice(4, 9))):
        write(table(rows), tmp_path / folder / f"train-{number:05}-of-00002.parquet")
    write(table(slice(9, 12)), tmp_path / folder / "test-00000-of-00001-0123456789abcdef.parquet")
    write(table(slice(9, 12)), tmp_path / folder / "validation-00000-of-00001.parquet")
    (tmp_path / "README.md").touch()
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["train"].images, IMAGES[:9])
    np.testing.assert_array_equal(data.parts["train"].labels, LABELS[:9])
    np.testing.assert_array_equal(data.parts["test"].images, IMAGES[9:])
    assert data.notes == ("left out: 'validation', the validation data",)
    (tmp_path / folder / "train-00001-of-00002.parquet").unlink()
    assert fault(tmp_path).endswith(": train-00001-of-00002.parquet is missing: download it, too")


def test_folders_may_be_the_splits(tmp_path):
    write(table(slice(0, 9)), tmp_path / "train/0000.parquet")
    write(table(slice(9, 12)), tmp_path / "test/0000.parquet")
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["train"].images, IMAGES[:9])
    np.testing.assert_array_equal(data.parts["test"].labels, LABELS[9:])


def test_a_lone_training_split_is_split(tmp_path):
    for number in range(2):
        write(table(slice(number * 6, number * 6 + 6)), tmp_path / f"train-{number:05}-of-00002.parquet")
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES)
    assert data.notes == ("no test data: dataset.test_share of each class of 'train' is used to test",)


def test_other_names_of_columns_and_kinds_of_labels(tmp_path):
    path = write(table(slice(None), image="img", label="fine_label"), tmp_path / "a.parquet")
    np.testing.assert_array_equal(read(path).parts["whole"].labels, LABELS)
    names = np.array(NAMES)[LABELS].tolist()
    content = pa.table({"picture": pa.array(map(packed, IMAGES), pa.binary()), "species": names})
    data = read(write(content, tmp_path / "b.parquet"))
    assert data.classes == tuple(sorted(NAMES))
    assert [data.classes[label] for label in data.parts["whole"].labels] == names


def test_what_does_not_fit_is_one_line(tmp_path):
    path = tmp_path / "x.parquet"
    two = (
        table(slice(None))
        .drop(["label"])
        .append_column("a", pa.array(range(12)))
        .append_column("b", pa.array(range(12)))
    )
    write(two, path)
    assert fault(path).startswith("x: needs a column of image bytes and one named label; it has: 'image (struct<bytes")
    write(pa.table({"label": [1, 2], "text": ["a", "b"]}), path)
    assert fault(path).endswith("it has: 'label (int64), text (string)'")
    no_bytes = pa.table({"image": pa.array([{"bytes": None, "path": "a.png"}], STRUCT), "label": [1]})
    write(no_bytes, path)
    assert fault(path) == "x: row 1: has no image bytes, perhaps only a path: embed the files, or use class folders"
    write(pa.table({"image": [b"no image"], "label": [1]}), path)
    assert fault(path).startswith("x: row 1: cannot be read as PNG, JPEG")
    write(pa.table({"image": [packed(IMAGES[0])], "label": pa.array([None], pa.int64())}), path)
    assert fault(path) == "x: row 1: its label is 'None', not a whole number or a text"
    write(pa.table({"image": [packed(IMAGES[0]), packed(IMAGES[0, :9])], "label": [0, 1]}), path)
    assert fault(path) == (
        "x: row 2: is 9 x 16 pixels, not 16 x 16 as the first; set dataset.image_side to resize all images"
    )
    path.write_bytes(b"PAR1 no")
    assert fault(path) == "x: cannot be read as Parquet: damaged, or in another format"
    write(table(slice(0, 6)), tmp_path / "more/a.parquet")
    write(table(slice(0, 6)), tmp_path / "more/b.parquet")
    assert fault(tmp_path / "more") == "x: which part is 'a'? Move it away, or name it train, test or validation"


def test_a_value_that_many_rows_share_is_in_memory_once(tmp_path):
    """A megabyte of zeros after the image, and 3,000 rows that share it: three gigabytes if each had its own."""
    content = packed(IMAGES[0]) + bytes(1 << 20)
    shared = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3000, np.int32)), pa.array([content], pa.binary()))
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"image": shared, "label": np.arange(3000) % 2}), path, store_schema=False)
    assert path.stat().st_size < 1 << 20
    code = (
        "import sys, pyarrow\n"
        "from pathlib import Path\n"
        "from strata.sources.parquet_images import read_parquet\n"
        "data = read_parquet([Path(sys.argv[1])], 'grey', None, None, Path(sys.argv[1]))\n"
        "print(len(data.parts['whole'].labels), pyarrow.default_memory_pool().max_memory() >> 20)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 3000 and megabytes < 64


def test_no_damaged_byte_ends_in_another_error(tmp_path):
    path = write(table(slice(None), NAMES), tmp_path / "x.parquet")
    content = path.read_bytes()
    for place in range(0, len(content), 41):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        try:
            read(path)
        except StrataError as error:
            assert "\n" not in str(error)


def test_images_without_labels_are_taken_alone(tmp_path):
    alone = table(slice(None)).drop_columns(["label"])
    data = read(write(alone, tmp_path / "train-00000-of-00001.parquet"))
    np.testing.assert_array_equal(data.parts["whole"].images, IMAGES, strict=True)
    assert (data.targets, data.classes) == ("none", ())
    # Which of two columns is the label is not known: they can be left out.
    two = alone.append_column("age", pa.array(range(12))).append_column("size", pa.array(range(12)))
    path = write(two, tmp_path / "two.parquet")
    assert fault(path).startswith("x: needs a column of image bytes and one named label; it has: 'image (struct")
    assert fault(path).endswith("; or set dataset.targets: none")
    assert read(path, targets="none").parts["whole"].labels is None
