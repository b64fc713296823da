"""User data as arrays in an .npz file, under the names that people give them; pickles are refused."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import InputKind, Targets
from strata.sources.labelled_arrays import WHOLE, OwnData, checked_data
from strata.sources.other_inputs import checked_tokens, kind_of_inputs
from strata.sources.splits import chosen_parts, part_named

# What an array holds, by a word of its name; the other word, if there is one, is its split: `x_train`, `val_images`.
CONTENTS = {
    **dict.fromkeys(("images", "image", "imgs", "x", "data"), "images"),
    **dict.fromkeys(("labels", "label", "y", "target", "targets"), "labels"),
    **dict.fromkeys(("ids", "tokens"), "images"),
    "mask": "mask",
}
PREFIXES = ("input", "attention")  # words of `input_ids` and `attention_mask` that say no more
ALLOWED = "images and labels, or X and y; or with a split: train_images, x_train, X_test, test_labels ..."
CLASS_NAMES = "class_names"


def read_npy(path: Path, inputs: InputKind | None = None) -> OwnData:
    """Return the images, or what `inputs` says, of an .npy file, which has no labels.

    Raises StrataError if it is another kind of file.
    """
    try:
        with path.open("rb") as opened:
            images = np.lib.format.read_array(opened, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise StrataError(f"{path}: cannot be read as an .npy file of numbers: damaged, or in another form") from None
    kind = inputs or "images"
    images = checked_tokens(images, None, f"{path}: ") if kind == "tokens" else images
    return checked_data({WHOLE: (images, None)}, None, sha256_of(path), str(path), inputs=kind)


def read_npz(
    path: Path, names: Sequence[str] | None = None, wanted: Targets | None = None, inputs: InputKind | None = None
) -> OwnData:
    """Return the images and labels of an .npz file; the classes are named by its `class_names`, or by `names`.

    Without labels the images are the data. Raises StrataError if it is another kind of file, lacks arrays, or has
    arrays that do not fit.
    """
    arrays, parts, notes = _arrays_of(path)
    if CLASS_NAMES in arrays:
        names = _names_of(arrays[CLASS_NAMES], path)
    kind = kind_of_inputs([images for images, _, _ in parts.values()], inputs)
    pairs = {}
    for part, (images, labels, mask) in parts.items():
        values = arrays[images]
        if kind == "tokens":
            values = checked_tokens(values, arrays[mask] if mask else None, f"{path}: ")
        elif mask:
            raise StrataError(f"{path}: {mask} is a mask, but only token ids have one: set dataset.inputs to tokens")
        pairs[part] = values, arrays[labels] if labels else None
    return checked_data(pairs, names, sha256_of(path), str(path), notes, wanted, kind)


def _named_parts(names: Sequence[str], path: Path) -> tuple[dict[str, tuple[str, str, str]], list[str]]:
    """Return part's name -> names of its images, labels and mask, and what was left out or decided.

    The names of what is not there are empty; labels may be missing from all parts, and masks.
    """
    splits: dict[str, dict[str, str]] = {}
    unclear = False
    for name in names:
        words = [word for word in name.casefold().split("_") if word not in PREFIXES]
        contents = [CONTENTS[word] for word in words if word in CONTENTS]
        split = [word for word in words if part_named(word) is not None]
        if len(contents) == 1 and len(split) == len(words) - 1 <= 1:
            found = splits.setdefault((split or [WHOLE])[0], {})
            unclear |= contents[0] in found
            found[contents[0]] = name
    alone = all("images" in found and "labels" not in found for found in splits.values())
    alone = alone and len(names) == sum(map(len, splits.values()))  # no array that could be labels
    pairs = {
        split: (found["images"], found.get("labels", ""), found.get("mask", ""))
        for split, found in splits.items()
        if alone or {"images", "labels"} <= set(found)
    }
    if not pairs or unclear or (WHOLE in pairs and len(splits) > 1):
        present = ", ".join(names) or "nothing"
        present = present if len(present) <= 60 else f"{present[:56]} ..."
        raise StrataError(f"{path}: contains {present}; it must contain {ALLOWED}")
    left = [name for split, found in splits.items() if split not in pairs for name in found.values()]
    notes = [f"left out: {', '.join(left)}, images or labels without the other"] if left else []
    if WHOLE in pairs:
        return pairs, notes
    parts, decided = chosen_parts(pairs, str(path))
    return parts, notes + decided


def _arrays_of(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, tuple[str, str, str]], list[str]]:
    """Return the arrays that are used, the names of each part's, and what was left out or decided."""
    name = ""
    try:
        with path.open("rb") as opened:  # np.load would leave a file that it opens itself open on some errors
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise StrataError(f"{path}: contains a single array; save images and labels with np.savez")
            parts, notes = _named_parts(file.files, path)
            used = [name for pair in parts.values() for name in pair if name]
            arrays = {}
            for name in (*used, *({CLASS_NAMES} & set(file.files))):
                arrays[name] = file[name]
                if not isinstance(arrays[name], np.ndarray):
                    raise ValueError(f"{name} is not an array")
            return arrays, parts, notes
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        # A RuntimeError is raised for a password, or for a compression that Python does not have.
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        if "allow_pickle" in str(error) and name:
            raise StrataError(
                f"{path}: {name} is an array of Python objects, which is unsafe to read: save plain numbers, or"
                " names as np.array([...], dtype=str)"
            ) from None
        raise StrataError(f"{path}: cannot be read as an .npz file: damaged, or in another format") from None


def _names_of(names: NDArray[Any], path: Path) -> list[str]:
    if names.ndim != 1 or names.dtype.kind != "U":
        raise StrataError(f"{path}: {CLASS_NAMES} must be a list of strings: np.array([...], dtype=str)")
    return [str(name) for name in names]
