"""User data as MNIST's four IDX files, in the spellings that are in use, plain or compressed."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import parse_idx
from strata.sources.compression import decompressed_pieces
from strata.sources.emnist import UPRIGHT, is_emnist, mapped_names, upright
from strata.sources.labelled_arrays import TEST, TRAIN, OwnData, checked_data
from strata.sources.splits import part_named

# `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`, `emnist-letters-test-images-idx3-ubyte`.
NAME = re.compile(r"(?:(?P<set>.+)-)?(?P<split>train|test|t10k)-(?P<kind>images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
IDX_LIMIT = 16 << 30  # bytes that a file may unpack to


def holds_idx(folder: Path) -> bool:
    """Return whether a folder has any file with such a name."""
    return bool(_sets_in(folder))


def read_idx_folder(folder: Path, names: Sequence[str] | None) -> OwnData:
    """Return the images and labels of four IDX files; `names` are the class names, numbers if there are none.

    The two files of labels may be missing together: then there are none.

    EMNIST's images are turned upright, and its classes named by its mapping. Raises StrataError if a file is missing or
    damaged, files do not fit together, or there are several sets of files.
    """
    sets = _sets_in(folder)
    if len(sets) > 1:
        first, *others = sorted(sets)
        raise StrataError(
            f"{folder}: holds {len(sets)} sets of IDX files; put one into a folder of its own:"
            f" mkdir {others[0]}; mv {others[0]}-* {others[0]}/" + ("" if first else " (the others have no prefix)")
        )
    ((name, files),) = sets.items()
    checksum = hashlib.sha256()
    arrays: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {}
    labelled = any(kind == "labels" for _, kind in files)
    for part in (TRAIN, TEST):
        images = _content(folder, files, name, part, "images", checksum)
        labels = _content(folder, files, name, part, "labels", checksum) if labelled else None
        arrays[part] = (upright(images) if is_emnist(name) and images.ndim == 3 else images), labels
    if not labelled:
        names = None
    elif names is None:
        names = mapped_names(folder, name)
    return checked_data(arrays, names, checksum.hexdigest(), str(folder), [UPRIGHT] if is_emnist(name) else [])


def _sets_in(folder: Path) -> dict[str, dict[tuple[str, str], Path]]:
    """Return set's name -> (part, images or labels) -> file, a plain one rather than a compressed one."""
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    for path in sorted(folder.iterdir()):  # a plain name comes before the same with `.gz`
        match = NAME.fullmatch(path.name)
        if match and path.is_file():
            part = part_named(match["split"]) or ""
            sets.setdefault(match["set"] or "", {}).setdefault((part, match["kind"]), path)
    return sets


def _content(
    folder: Path,
    files: Mapping[tuple[str, str], Path],
    name: str,
    part: str,
    kind: str,
    checksum: "hashlib._Hash",
) -> NDArray[Any]:
    expected = (IMAGE_FILES if kind == "images" else LABEL_FILES)[part]
    path = files.get((part, kind))
    if path is None:
        missing = f"{name}-{expected.replace('t10k', 'test')}" if name else expected
        raise StrataError(f"{folder}: {missing} is missing, and so is {missing}.gz")
    try:
        content = b"".join(decompressed_pieces(path, IDX_LIMIT))
        array = parse_idx(content)
    except ValueError as error:
        raise StrataError(f"{path}: {error}") from None
    checksum.update(f"{expected}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return array
