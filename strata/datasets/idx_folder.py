"""A folder of MNIST's four IDX files, plain or compressed, of one's own."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from strata.datasets.catalogue import IDX_FILES, IMAGE_FILES, LABEL_FILES
from strata.datasets.compression import decompressed_pieces
from strata.datasets.idx import parse_idx
from strata.datasets.labelled_arrays import TEST, TRAIN, OwnData, checked_data
from strata.errors import StrataError

SUFFIXES = ("", ".gz")
LIMIT = 16 << 30  # bytes that a file may unpack to


def holds_idx(folder: Path) -> bool:
    """Return whether any of the four files is there."""
    return any(_found(folder, name) for name in IDX_FILES)


def read_idx_folder(folder: Path, names: Sequence[str] | None) -> OwnData:
    """Return the images and labels of four IDX files; `names` are the classes', digits where there are none.

    Raises StrataError where a file is missing or damaged, or they do not fit.
    """
    checksum, arrays = hashlib.sha256(), {}
    for part in (TRAIN, TEST):
        pair: list[NDArray[Any]] = []
        for name in (IMAGE_FILES[part], LABEL_FILES[part]):
            path = _found(folder, name)
            if path is None:
                raise StrataError(f"{folder}: {name} is missing, plain or as {name}.gz")
            try:
                content = b"".join(decompressed_pieces(path, LIMIT))
                pair.append(parse_idx(content))
            except ValueError as error:
                raise StrataError(f"{path}: {error}") from None
            checksum.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        arrays[part] = pair[0], pair[1]
    return checked_data(arrays, names, checksum.hexdigest(), str(folder))


def _found(folder: Path, name: str) -> Path | None:
    paths = [folder / (name + suffix) for suffix in SUFFIXES]
    return next((path for path in paths if path.is_file()), None)
