"""The packaged digits: a split that is stratified, whole and always the same."""

import hashlib

import numpy as np
import pytest

from stages.download import write_packaged
from strata.core.files import sha256_of
from strata.dataset.description import IDX_FILES
from strata.sources.catalogue import CATALOGUE
from strata.sources.mnist_5k import stratified_split


def numbered(*per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Images 1 x 1 whose pixel is their index, sorted by class, with so many of each class."""
    labels = np.repeat(np.arange(len(per_class), dtype=np.uint8), per_class)
    return np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1), labels


def test_a_small_split_is_in_the_known_order():
    (train, train_labels), (test, test_labels) = stratified_split(*numbered(6, 4), per_class=2)
    by_sha256 = sorted(range(10), key=lambda index: hashlib.sha256(f"strata mnist-5k {index}".encode()).hexdigest())
    assert by_sha256 == [1, 0, 3, 4, 7, 8, 6, 5, 2, 9]
    assert (train.ravel().tolist(), train_labels.tolist()) == ([3, 4, 6, 5, 2, 9], [0, 0, 1, 0, 0, 1])
    assert (test.ravel().tolist(), test_labels.tolist()) == ([1, 0, 7, 8], [0, 0, 1, 1])


def test_each_class_has_its_test_images_and_the_rest_train():
    (_, train_labels), (_, test_labels) = stratified_split(*numbered(60, 50, 40), per_class=10)
    assert np.bincount(test_labels).tolist() == [10, 10, 10]
    assert np.bincount(train_labels).tolist() == [50, 40, 30]


def test_the_parts_are_disjoint_and_their_union_is_the_whole():
    images, labels = numbered(60, 50, 40)
    (train, train_labels), (test, test_labels) = stratified_split(images, labels, per_class=10)
    indices = np.concatenate([train, test]).ravel()
    assert sorted(indices) == list(range(150))
    np.testing.assert_array_equal(np.concatenate([train_labels, test_labels]), labels[indices])


def test_neither_part_is_sorted_by_class():
    for _, labels in stratified_split(*numbered(60, 50, 40), per_class=10):
        assert np.count_nonzero(np.diff(labels.astype(int))) > len(labels) / 3


def test_images_and_labels_keep_their_types():
    (train, train_labels), (test, test_labels) = stratified_split(*numbered(3, 3), per_class=1)
    assert {part.dtype for part in (train, train_labels, test, test_labels)} == {np.dtype(np.uint8)}
    assert (train.shape, test.shape) == ((4, 1, 1), (2, 1, 1))


@pytest.mark.parametrize("fewest", [1, 2])
def test_a_class_without_an_image_to_train_on_is_refused(fewest):
    with pytest.raises(ValueError, match=r"^a class has no more than 2 images: none is left to train on$"):
        stratified_split(*numbered(5, fewest, 5), per_class=2)


def test_the_packaged_digits_give_exactly_the_files_of_the_catalogue(tmp_path):
    write_packaged(tmp_path, CATALOGUE["mnist-5k"])
    assert {name: sha256_of(tmp_path / name) for name in IDX_FILES} == CATALOGUE["mnist-5k"].sha256
    assert {path.name for path in tmp_path.iterdir()} == set(IDX_FILES)
