"""User data as arrays of images and what is known of them, and the checks that all forms of it must pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import InputKind, Targets
from strata.sources.other_inputs import checked_numbers
from strata.sources.targets import MAX_CLASSES, checked_labels, checked_targets, kind_of, shape_text

SMALLEST_SIDE = 8
TRAIN, TEST, WHOLE = "train", "test", "whole"  # parts: the first two, or the third, which has not been split


@dataclass(frozen=True)
class LabelledArrays:
    """Images, uint8 (n, H, W) or (n, H, W, 3), and what is known of them, if anything.

    That is labels, whole numbers (n,), or targets, float32 (n, k). In place of images, numbers float32 (n, ...), or
    token ids int32 (n, T), with a mask (n, 2, T).
    """

    images: NDArray[Any]
    labels: NDArray[np.integer] | None = None
    targets: NDArray[np.float32] | None = None

    def at(self, rows: NDArray[np.bool_]) -> "LabelledArrays":
        """Return the given rows (n,)."""
        labels = None if self.labels is None else self.labels[rows]
        return LabelledArrays(self.images[rows], labels, None if self.targets is None else self.targets[rows])


@dataclass(frozen=True)
class OwnData:
    """Checked data: parts by name (TRAIN and TEST, or WHOLE), the class names, and the SHA-256 of what was read.

    `notes` are sentences about what was left out or decided. `targets` says what is known of each sample; numbers, and
    several labels, have `target_names`.
    """

    parts: Mapping[str, LabelledArrays]
    classes: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...] = ()
    targets: Targets = "classes"
    target_names: tuple[str, ...] = ()
    inputs: InputKind = "images"

    @property
    def masked(self) -> bool:
        """Whether token ids have a mask."""
        return self.inputs == "tokens" and next(iter(self.parts.values())).images.ndim == 3

    def without_labels(self) -> "OwnData":
        """Return the images alone."""
        parts = {part: LabelledArrays(data.images) for part, data in self.parts.items()}
        notes = (*self.notes, "labels left out, as dataset.targets says")
        return OwnData(parts, (), self.sha256, notes, "none", inputs=self.inputs)


def checked_data(
    arrays: Mapping[str, tuple[NDArray[Any], NDArray[Any] | None]],
    names: Sequence[str] | None,
    sha256: str,
    where: str,
    notes: Sequence[str] = (),
    wanted: Targets | None = None,
    inputs: InputKind = "images",
) -> OwnData:
    """Return arrays, part's name -> (images, labels), as data; `names` are the class names, numbers if there are none.

    Labels are classes, numbers or several labels, as `wanted`, or by what they are; without any, the data has none.
    Labels that go from 1 become labels from 0, and a note says so; without `names` the classes stay 1, 2, ... Raises
    StrataError, with a line that begins with `where`, if arrays cannot be images and labels, or do not fit.
    """
    images = {part: _checked_inputs(each, inputs, _prefix(where, part)) for part, (each, _) in arrays.items()}
    known = {part: labels for part, (_, labels) in arrays.items() if labels is not None}
    for part, labels in known.items():
        if len(images[part]) != len(labels):
            raise StrataError(
                f"{_prefix(where, part)}data has {len(images[part])} images, but {len(labels)} labels: each image needs"
                " one label"
            )
    shapes = {part: " x ".join(map(str, each.shape[1:])) for part, each in images.items()}
    if len(set(shapes.values())) > 1:
        raise StrataError(
            f"{where}: training images are {shapes[TRAIN]}, but test images are {shapes[TEST]}; use one size"
        )
    if known and len(known) < len(images):
        raise StrataError(f"{where}: only the {next(iter(known))} data has labels: leave them out, or add the others")
    if WHOLE in images and len(images[WHOLE]) < 2:
        raise StrataError(f"{where}: a single image: one is needed to train on, and one to test")
    if not known:
        note = "there are no labels, so nothing can be trained and measures that need them are left out"
        alone = {part: LabelledArrays(each) for part, each in images.items()}
        return OwnData(alone, (), sha256, (*notes, note), "none", inputs=inputs)
    kind = kind_of(known, wanted, where)
    if kind in ("values", "multi-label"):
        found, target_names = checked_targets(known, kind, names, where)
        parts = {part: LabelledArrays(images[part], targets=found[part]) for part in images}
        return OwnData(parts, (), sha256, tuple(notes), kind, target_names, inputs)
    labels_of = {part: checked_labels(labels, _prefix(where, part)) for part, labels in known.items()}
    numbers = _numbers_from_one(labels_of)
    if numbers and (names is None or len(names) == len(numbers)):
        labels_of = {part: labels - 1 for part, labels in labels_of.items()}
        names = numbers if names is None else names
        notes = [*notes, f"labels start at 1, which is class '{names[0]}'"]
    parts = {part: LabelledArrays(images[part], labels_of[part]) for part in images}
    return OwnData(parts, _checked_classes(labels_of, names, where), sha256, tuple(notes), inputs=inputs)


def _checked_inputs(values: NDArray[Any], inputs: InputKind, prefix: str) -> NDArray[Any]:
    if inputs == "numbers":
        return checked_numbers(values, prefix)
    return values if inputs == "tokens" else checked_images(values, prefix)


def _prefix(where: str, part: str) -> str:
    return f"{where}: " + ("" if part == WHOLE else f"{part} ")


def _numbers_from_one(labels: Mapping[str, NDArray[np.integer]]) -> list[str]:
    """Return the labels as text if they are 1, 2, ..., each of them in use; else nothing."""
    used = np.unique(np.concatenate(list(labels.values())))
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
        raise StrataError(f"{prefix}images are {shape_text(images)}, not (n, H, W) or (n, H, W, 3){hint}")
    if images.ndim not in (3, 4):
        hint = "; give flat images a height and a width: images.reshape(n, H, W)" if images.ndim == 2 else ""
        raise StrataError(f"{prefix}images are {shape_text(images)}, not (n, H, W) or (n, H, W, 3){hint}")
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


def _checked_classes(
    labels: Mapping[str, NDArray[np.integer]], names: Sequence[str] | None, where: str
) -> tuple[str, ...]:
    highest = max(int(each.max()) for each in labels.values())
    classes = checked_names([str(label) for label in range(highest + 1)] if names is None else names, where)
    if highest >= len(classes):
        raise StrataError(f"{where}: a label is {highest}, but there are {len(classes)} classes, and labels start at 0")
    learned = np.bincount(labels[TRAIN if TRAIN in labels else WHOLE], minlength=len(classes))
    tested = np.bincount(labels.get(TEST, np.empty(0, dtype=np.int32)), minlength=len(classes))
    for name, to_train, to_test in zip(classes, learned, tested, strict=True):
        if not to_train and to_test:
            raise StrataError(f"{where}: class '{name}' has test images, but none to train on")
        if not to_train:
            raise StrataError(f"{where}: class '{name}' has no image; labels must be 0, 1, 2 ..., each of them in use")
        if to_train < 2 and WHOLE in labels:
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
