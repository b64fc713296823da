"""User data as arrays: an .npz file of images and labels, or MNIST's four IDX files; pickles are refused."""

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import IDX_FILES, IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import parse_idx
from strata.sources.compression import decompressed_pieces
from strata.sources.labelled_arrays import TEST, TRAIN, WHOLE, OwnData, checked_data

# The array names that an .npz file may use, in pairs of images and labels; the last are Keras's.
NAMES = (
    {WHOLE: ("images", "labels")},
    {TRAIN: ("train_images", "train_labels"), TEST: ("test_images", "test_labels")},
    {TRAIN: ("x_train", "y_train"), TEST: ("x_test", "y_test")},
)
CLASS_NAMES = "class_names"


def read_npz(path: Path, names: Sequence[str] | None = None) -> OwnData:
    """Return the images and labels of an .npz file; the classes are named by its `class_names`, or by `names`.

    Raises StrataError if it is another kind of file, lacks arrays, or has arrays that do not fit.
    """
    arrays = _arrays_of(path)
    wanted = [form for form in NAMES if all(name in arrays for pair in form.values() for name in pair)]
    if len(wanted) != 1:
        allowed = "; or ".join(", ".join(name for pair in form.values() for name in pair) for form in NAMES)
        present = ", ".join(arrays) or "nothing"
        raise StrataError(f"{path}: contains {present[:200]}; it must contain one of: {allowed}")
    if CLASS_NAMES in arrays:
        names = _names_of(arrays[CLASS_NAMES], path)
    parts = {part: (arrays[images], arrays[labels]) for part, (images, labels) in wanted[0].items()}
    return checked_data(parts, names, sha256_of(path), str(path))


def _arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    used = {name for form in NAMES for pair in form.values() for name in pair} | {CLASS_NAMES}
    name = ""
    try:
        with path.open("rb") as opened:  # np.load would leave a file that it opens itself open on some errors
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise StrataError(f"{path}: contains a single array; save images and labels with np.savez")
            arrays = {}
            for name in file.files:
                # Unused arrays are not read; only their names appear in an error.
                arrays[name] = file[name] if name in used else np.empty(0)
                if not isinstance(arrays[name], np.ndarray):
                    raise ValueError(f"{name} is not an array")
            return arrays
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
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


IDX_SUFFIXES = ("", ".gz")
IDX_LIMIT = 16 << 30  # bytes that a file may unpack to


def holds_idx(folder: Path) -> bool:
    """Return whether any of the four files is there."""
    return any(_existing_file(folder, name) for name in IDX_FILES)


def read_idx_folder(folder: Path, names: Sequence[str] | None) -> OwnData:
    """Return the images and labels of four IDX files; `names` are the class names, numbers if there are none.

    Raises StrataError if a file is missing or damaged, or they do not fit together.
    """
    checksum, arrays = hashlib.sha256(), {}
    for part in (TRAIN, TEST):
        pair: list[NDArray[Any]] = []
        for name in (IMAGE_FILES[part], LABEL_FILES[part]):
            path = _existing_file(folder, name)
            if path is None:
                raise StrataError(f"{folder}: {name} is missing, and so is {name}.gz")
            try:
                content = b"".join(decompressed_pieces(path, IDX_LIMIT))
                pair.append(parse_idx(content))
            except ValueError as error:
                raise StrataError(f"{path}: {error}") from None
            checksum.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        arrays[part] = pair[0], pair[1]
    return checked_data(arrays, names, checksum.hexdigest(), str(folder))


def _existing_file(folder: Path, name: str) -> Path | None:
    paths = [folder / (name + suffix) for suffix in IDX_SUFFIXES]
    return next((path for path in paths if path.is_file()), None)
