"""User data as arrays of images and labels, and the checks that all forms of it must pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError

MAX_CLASSES, SMALLEST_SIDE = 1000, 8
TRAIN, TEST, WHOLE = "train", "test", "whole"  # parts: the first two, or the third, which has not been split


@dataclass(frozen=True)
class LabelledArrays:
    """Images, uint8 (n, H, W) or (n, H, W, 3), and their labels, whole numbers (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.integer]


@dataclass(frozen=True)
class OwnData:
    """Checked data: parts by name (TRAIN and TEST, or WHOLE), the class names, and the SHA-256 of what was read.

    `notes` are sentences about what was left out or decided.
    """

    parts: Mapping[str, LabelledArrays]
    classes: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...] = ()


def checked_data(
    arrays: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    names: Sequence[str] | None,
    sha256: str,
    where: str,
    notes: Sequence[str] = (),
) -> OwnData:
    """Return arrays, part's name -> (images, labels), as data; `names` are the class names, numbers if there are none.

    Labels that go from 1 become labels from 0, and a note says so; without `names` the classes stay 1, 2, ... Raises
    StrataError, with a line that begins with `where`, if arrays cannot be images and labels, or do not fit.
    """
    parts = {}
    for part, (images, labels) in arrays.items():
        prefix = f"{where}: " + ("" if part == WHOLE else f"{part} ")
        parts[part] = LabelledArrays(checked_images(images, prefix), _checked_labels(labels, prefix))
        if len(images) != len(labels):
            raise StrataError(
                f"{prefix}data has {len(images)} images, but {len(labels)} labels: each image needs one label"
            )
    shapes = {part: " x ".join(map(str, data.images.shape[1:])) for part, data in parts.items()}
    if len(set(shapes.values())) > 1:
        raise StrataError(
            f"{where}: training images are {shapes[TRAIN]}, but test images are {shapes[TEST]}; use one size"
        )
    numbers = _numbers_from_one(parts)
    if numbers and (names is None or len(names) == len(numbers)):
        parts = {part: LabelledArrays(data.images, data.labels - 1) for part, data in parts.items()}
        names = numbers if names is None else names
        notes = [*notes, f"labels start at 1, which is class '{names[0]}'"]
    return OwnData(parts, _checked_classes(parts, names, where), sha256, tuple(notes))


def _numbers_from_one(parts: Mapping[str, LabelledArrays]) -> list[str]:
    """Return the labels as text if they are 1, 2, ..., each of them in use; else nothing."""
    used = np.unique(np.concatenate([data.labels for data in parts.values()]))
    from_one = len(used) > 1 and used[0] == 1 and used[-1] == len(used)
    return [str(label) for label in used] if from_one else []


def checked_images(images: NDArray[Any], prefix: str) -> NDArray[np.uint8]:
    """Return images as uint8 (n, H, W) or (n, H, W, 3), else raise StrataError with a line that begins so."""
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype != np.uint8:
        raise StrataError(f"{prefix}images are {images.dtype}, not uint8: {_towards_bytes(images)}")
    if images.ndim == 4 and images.shape[3] != 3:
        hint = "; put the colours last: np.moveaxis(images, 1, 3)" if images.shape[1] == 3 else ""
        raise StrataError(f"{prefix}images are {_shape(images)}, not (n, H, W) or (n, H, W, 3){hint}")
    if images.ndim not in (3, 4):
        hint = "; give flat images a height and a width: images.reshape(n, H, W)" if images.ndim == 2 else ""
        raise StrataError(f"{prefix}images are {_shape(images)}, not (n, H, W) or (n, H, W, 3){hint}")
    if not len(images):
        raise StrataError(f"{prefix}data has no images; save at least two per class")
    height, width = images.shape[1:3]
    if min(height, width) < SMALLEST_SIDE:
        raise StrataError(
            f"{prefix}images are {height} x {width} pixels; they must be at least {SMALLEST_SIDE} x {SMALLEST_SIDE}"
        )
    return images


def _towards_bytes(images: NDArray[Any]) -> str:
    if images.dtype == bool:
        return "save them as images.astype('uint8') * 255"
    if images.dtype.kind not in "iuf" or not images.size:
        return "save grey or colour values from 0 to 255 as uint8"
    low, high = images.min(), images.max()
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        return "they range from 0 to 1, so save them as (images * 255).round().astype('uint8')"
    if low >= 0 and high <= 255:
        return "they range from 0 to 255, so save them as images.round().astype('uint8')"
    return f"they range from {low:g} to {high:g}: scale them to 0 to 255, then .round().astype('uint8')"


def _checked_labels(labels: NDArray[Any], prefix: str) -> NDArray[np.integer]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = "; from one-hot vectors: labels.argmax(axis=1)" if labels.ndim == 2 else ""
        raise StrataError(f"{prefix}labels are {_shape(labels)}, not (n,){hint}")
    if labels.dtype.kind not in "iu":
        raise StrataError(f"{prefix}labels are {labels.dtype}, not whole numbers from 0; put names into class_names")
    if len(labels) and labels.min() < 0:
        raise StrataError(f"{prefix}labels go down to {labels.min()}: they must be whole numbers from 0")
    if len(labels) and labels.max() >= MAX_CLASSES:
        raise StrataError(f"{prefix}labels go up to {labels.max()}: more than {MAX_CLASSES:,} classes")
    return labels.astype(np.int32)


def _checked_classes(parts: Mapping[str, LabelledArrays], names: Sequence[str] | None, where: str) -> tuple[str, ...]:
    highest = max(int(part.labels.max()) for part in parts.values())
    classes = checked_names([str(label) for label in range(highest + 1)] if names is None else names, where)
    if highest >= len(classes):
        raise StrataError(f"{where}: a label is {highest}, but there are {len(classes)} classes, and labels start at 0")
    learned = np.bincount(parts[TRAIN if TRAIN in parts else WHOLE].labels, minlength=len(classes))
    tested = np.bincount(parts[TEST].labels if TEST in parts else [], minlength=len(classes))
    for name, to_train, to_test in zip(classes, learned, tested, strict=True):
        if not to_train and to_test:
            raise StrataError(f"{where}: class '{name}' has test images, but none to train on")
        if not to_train:
            raise StrataError(f"{where}: class '{name}' has no image; labels must be 0, 1, 2 ..., each of them in use")
        if to_train < 2 and WHOLE in parts:
            raise StrataError(f"{where}: class '{name}' has a single image: it needs one to train and one to test")
    return classes


def checked_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the class names; raise StrataError if there are too few or too many, or two are the same."""
    if len(names) < 2:
        raise StrataError(
            f"{where}: a single class" + "".join(f", '{name}'" for name in names) + ": at least 2 are needed"
        )
    if len(names) > MAX_CLASSES:
        raise StrataError(f"{where}: more than {MAX_CLASSES:,} classes")
    for name in names:
        if not name.strip() or not name.isprintable():
            raise StrataError(f"{where}: class name {name!r}: a name must be printable and not blank")
    if len(set(names)) < len(names):
        repeated = next(name for index, name in enumerate(names) if name in names[:index])
        raise StrataError(f"{where}: two classes are named '{repeated}'; rename one")
    return tuple(names)


def _shape(array: NDArray[Any]) -> str:
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"
