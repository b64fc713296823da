"""Loading images: the order of the ids, the check against dataset.json, the network's input."""

import numpy as np
import pytest
import torch

from strata.core.errors import StrataError
from strata.dataset.description import IDX_FILES, IMAGE_FILES, LABEL_FILES, load_images
from strata.network.preprocessing import normalized
from tests.tiny_pipeline import COUNTS, tiny_images


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_comes_in_the_order_of_its_files(split, tiny_data):
    images, labels = tiny_images(split)
    loaded = load_images(tiny_data, split)
    np.testing.assert_array_equal(loaded.images, images, strict=True)
    np.testing.assert_array_equal(loaded.labels, labels, strict=True)
    assert loaded.splits.tolist() == [split] * COUNTS[split]


def test_both_splits_come_train_first(tiny_data):
    (train, train_labels), (test, test_labels) = tiny_images("train"), tiny_images("test")
    loaded = load_images(tiny_data, "both")
    np.testing.assert_array_equal(loaded.images, np.concatenate([train, test]), strict=True)
    np.testing.assert_array_equal(loaded.labels, np.concatenate([train_labels, test_labels]), strict=True)
    assert loaded.splits.tolist() == ["train"] * 60 + ["test"] * 40


@pytest.mark.parametrize("name", IDX_FILES)
def test_a_file_changed_since_the_download_is_refused(name, tiny_data):
    content = bytearray((tiny_data / name).read_bytes())
    content[-1] ^= 1
    (tiny_data / name).write_bytes(content)
    with pytest.raises(StrataError) as caught:
        load_images(tiny_data, "both")
    expected = f"{tiny_data / name} is not the file that dataset.json describes; run `dvc repro -f download`"
    assert str(caught.value) == expected


def test_only_the_files_of_the_split_asked_for_are_read(tiny_data):
    for name in (IMAGE_FILES["train"], LABEL_FILES["train"]):
        (tiny_data / name).unlink()
    assert len(load_images(tiny_data, "test").images) == 40


def test_a_missing_file_is_an_error_that_names_it(tiny_data):
    (tiny_data / IMAGE_FILES["test"]).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_images(tiny_data, "test")
    assert caught.value.filename == str(tiny_data / IMAGE_FILES["test"])


def test_a_folder_without_a_description_is_refused(tiny_data):
    (tiny_data / "dataset.json").unlink()
    with pytest.raises(StrataError, match=r"dataset\.json is missing; run `dvc repro download`$"):
        load_images(tiny_data, "test")


def test_normalized_gives_the_exact_values():
    images = np.array([[[0, 51]], [[102, 255]]], np.uint8)
    tensor = normalized(images, mean=0.2, std=0.5)
    assert tensor.dtype == torch.float32
    expected = torch.tensor([[[[-0.4, 0.0]]], [[[0.4, 1.6]]]])
    torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-7)


def test_normalized_leaves_the_images_as_they_are():
    images = np.full((2, 3, 3), 200, np.uint8)
    normalized(images, mean=0.1307, std=0.3081)
    assert (images == 200).all()


def test_normalized_puts_the_colours_first():
    images = np.array([[[[0, 51, 255], [102, 0, 51]]]], np.uint8)
    tensor = normalized(images, mean=0.2, std=0.5)
    expected = torch.tensor([[[[-0.4, 0.4]], [[0.0, -0.4]], [[1.6, 0.0]]]])
    torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-7)
    assert tensor.is_contiguous()


def test_images_normalized_by_their_own_numbers_have_zero_mean_and_unit_deviation():
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    tensor = normalized(images, mean=(images / 255).mean(), std=(images / 255).std())
    assert tensor.shape == (50, 1, 8, 8)
    assert tensor.mean().item() == pytest.approx(0, abs=1e-5)
    assert tensor.std(correction=0).item() == pytest.approx(1, abs=1e-5)
