"""User data, in any of three forms, written as the four IDX files that the later stages read."""

import os
from pathlib import Path

import numpy as np

from strata.core.errors import StrataError
from strata.core.temporary_folder import left_behind
from strata.dataset.description import IMAGE_FILES, LABEL_FILES, CatalogueEntry
from strata.dataset.idx import write_idx
from strata.sources.array_files import holds_idx, read_idx_folder, read_npz
from strata.sources.class_folders import entries, read_class_folders
from strata.sources.labelled_arrays import TEST, TRAIN, WHOLE, LabelledArrays, OwnData
from strata.sources.params import DatasetParams
from strata.sources.random_order import rows_for_testing

CLASSES_FILE = "classes.txt"
FORMS = "four IDX files, one .npz file, or a folder for each class with PNG or JPEG images"


def bring_own_data(path: Path, params: DatasetParams, seed: int, out: Path) -> tuple[CatalogueEntry, str]:
    """Write the four IDX files into `out`; return the data set's entry, and the SHA-256 of what was read.

    Data that is not already split is split with the seed. Raises StrataError, with one line, if anything does not fit.
    """
    data = read_own_data(path, params)
    parts = data.parts if TRAIN in data.parts else split(data.parts[WHOLE], params.test_share, seed)
    kind = np.uint8 if len(data.classes) <= 256 else np.int32
    for part, arrays in parts.items():
        write_idx(out / IMAGE_FILES[part], arrays.images)
        write_idx(out / LABEL_FILES[part], arrays.labels.astype(kind))
    entry = CatalogueEntry(
        name=Path(os.path.normpath(path.absolute())).name.removesuffix(".npz") or "root",
        source="a folder of your own" if path.is_dir() else "a file of your own",
        classes=data.classes,
        citation="not stated",
        licence="not stated",
        sha256={},
    )
    return entry, data.sha256


def read_own_data(path: Path, params: DatasetParams) -> OwnData:
    """Return the data at a path; its form is recognized by the files there."""
    if path.is_dir():
        contents = entries(path)
        archives = [each for each in contents if each.suffix == ".npz"]
        folders = [each for each in contents if each.is_dir()]
        forms = [holds_idx(path), bool(archives), bool(folders)]
        if sum(forms) > 1 or len(archives) > 1:
            raise StrataError(
                f"{path}: holds more than one of the forms of data; put each into its own folder: {FORMS}"
            )
        if folders:
            return read_class_folders(path, params.colour, params.image_side)
        _refuse_resizing(path, params)
        if archives:
            return read_npz(archives[0], class_names(path))
        if holds_idx(path):
            return read_idx_folder(path, class_names(path))
        fault = f"holds none of: {FORMS}" if contents else f"is empty; it must hold {FORMS}"
        raise StrataError(f"{path}: {fault}")
    if not path.exists():
        why = left_behind(path, "write its full path") or f"relative to {Path.cwd().name}/"
        raise StrataError(f"dataset.name: {path}: no such file or folder, {why}")
    if path.suffix != ".npz":
        raise StrataError(f"dataset.name: {path}: is neither a folder nor an .npz file")
    _refuse_resizing(path, params)
    return read_npz(path)


def _refuse_resizing(path: Path, params: DatasetParams) -> None:
    if params.image_side is not None:
        raise StrataError(f"{path}: dataset.image_side resizes images in class folders only: set it to null")


def class_names(folder: Path) -> list[str] | None:
    """Return the lines of a folder's classes.txt, one per class, or None. Raises StrataError if it is not text."""
    path = folder / CLASSES_FILE
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise StrataError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def split(whole: LabelledArrays, share: float, seed: int) -> dict[str, LabelledArrays]:
    """Return the training and test parts, each in the order of the whole."""
    chosen = rows_for_testing(whole.labels, share, seed)
    return {
        part: LabelledArrays(whole.images[rows], whole.labels[rows])
        for part, rows in ((TRAIN, ~chosen), (TEST, chosen))
    }
