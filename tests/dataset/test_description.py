"""dataset.json: its description of four files, and the faults that it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import (
    IDX_FILES,
    IMAGE_FILES,
    LABEL_FILES,
    CatalogueEntry,
    DatasetDescription,
    describe,
    read_description,
    write_description,
)
from strata.dataset.idx import write_idx

ENTRY = CatalogueEntry("tiny", "a test", ("い", "b", "c"), "nobody (2024)", "none", {}, normalization=(0.25, 0.5))
COMPUTED = CatalogueEntry("tiny", "a test", ("い", "b", "c"), "nobody (2024)", "none", {})


def write_split(folder: Path, split: str, count: int, size=(4, 5), labels=None) -> np.ndarray:
    images = np.random.default_rng(count).integers(0, 256, (count, *size), dtype=np.uint8)
    write_idx(folder / IMAGE_FILES[split], images)
    write_idx(folder / LABEL_FILES[split], np.arange(count, dtype=np.uint8) % 3 if labels is None else labels)
    return images


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of seven training and three test images, 4 x 5."""
    write_split(tmp_path, "train", 7)
    write_split(tmp_path, "test", 3)
    return tmp_path


def test_a_description_says_what_the_files_hold(data):
    assert describe(data, ENTRY).model_dump(exclude_defaults=True) == {
        "name": "tiny",
        "source": "a test",
        "classes": ["い", "b", "c"],
        "counts": {"train": 7, "test": 3},
        "image_shape": [1, 4, 5],
        "mean": 0.25,
        "std": 0.5,
        "sha256": {name: sha256_of(data / name) for name in IDX_FILES},
        "citation": "nobody (2024)",
        "licence": "none",
    }


def test_mean_and_deviation_are_those_of_the_training_pixels(data):
    pixels = write_split(data, "train", 50) / 255
    description = describe(data, COMPUTED)
    assert description.mean == round(float(pixels.mean()), 4)
    assert description.std == round(float(pixels.std()), 4)


def test_a_description_comes_back_as_written(data):
    description = describe(data, COMPUTED)
    write_description(data, description)
    assert read_description(data) == description
    text = (data / "dataset.json").read_text(encoding="utf-8")
    assert '"い"' in text
    optional = ("shuffled_labels_seed", "source_sha256", "own_normalization", "targets", "target_names")
    optional += ("inputs", "masked", "pictures", "vocabulary")
    assert list(json.loads(text)) == [name for name in DatasetDescription.model_fields if name not in optional]


def test_shuffled_labels_and_the_source_of_own_data_are_told(data):
    write_description(data, describe(data, COMPUTED, shuffled_labels_seed=0, source_sha256="a" * 64))
    content = json.loads((data / "dataset.json").read_text(encoding="utf-8"))
    assert (content["shuffled_labels_seed"], content["source_sha256"]) == (0, "a" * 64)


def test_colour_images_have_three_channels_and_one_mean_and_deviation(data):
    pixels = write_split(data, "train", 1200, size=(4, 5, 3)) / 255
    write_split(data, "test", 3, size=(4, 5, 3))
    description = describe(data, COMPUTED)
    assert description.image_shape == [3, 4, 5]
    assert description.mean == round(float(pixels.mean()), 4)
    assert description.std == round(float(pixels.std()), 4)


def test_a_description_is_frozen(data):
    with pytest.raises(ValidationError, match="frozen"):
        describe(data, ENTRY).name = "other"


def labels_of(*labels: int) -> np.ndarray:
    return np.array(labels, np.uint8)


@pytest.mark.parametrize(
    ("split", "count", "labels", "message"),
    [
        ("train", 7, labels_of(0, 1, 2, 0, 1, 2), "tiny: 7 train images but 6 train labels"),
        ("test", 3, labels_of(0, 1, 2, 0), "tiny: 3 test images but 4 test labels"),
        ("test", 3, labels_of(0, 1, 3), "tiny: the test labels must be 0 to 2, and not empty"),
        ("train", 0, labels_of(), "tiny: the train labels must be 0 to 2, and not empty"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(split, count, labels, message, data):
    write_split(data, split, count, labels=labels)
    with pytest.raises(StrataError) as caught:
        describe(data, ENTRY)
    assert str(caught.value) == message


def test_splits_of_different_image_sizes_are_refused(data):
    write_split(data, "test", 3, size=(5, 4))
    with pytest.raises(StrataError, match=r"^tiny: training and test images differ in size$"):
        describe(data, ENTRY)


def test_a_damaged_file_is_not_described(data):
    path = data / LABEL_FILES["test"]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StrataError) as caught:
        describe(data, ENTRY)
    assert str(caught.value) == f"{path}: the IDX file is truncated: its header states 3 data bytes, it has 2"


def test_a_missing_description_says_how_to_make_it(tmp_path):
    with pytest.raises(StrataError) as caught:
        read_description(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'dataset.json'} is missing; run `dvc repro download`"


@pytest.mark.parametrize(
    "change",
    [
        {"std": 0},
        {"std": "0.5"},
        {"mean": float("nan")},
        {"classes": ["a"]},
        {"image_shape": [4, 5]},
        {"counts": {"train": 7.5}},
        {"sha256": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_description_of_other_content_is_damaged(change, data):
    content = describe(data, ENTRY).model_dump() | change
    (data / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    assert_damaged(data)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"{}"])
def test_anything_but_a_description_is_damaged(content, tmp_path):
    (tmp_path / "dataset.json").write_bytes(content)
    assert_damaged(tmp_path)


def assert_damaged(folder: Path) -> None:
    with pytest.raises(StrataError) as caught:
        read_description(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'dataset.json'} is damaged (")
    assert message.endswith("); run `dvc repro download`")
    assert "\n" not in message
