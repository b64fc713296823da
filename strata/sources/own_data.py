"""User data, in any of the forms that people have, written as the four IDX files that the later stages read."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.temporary_folder import left_behind
from strata.dataset.description import IMAGE_FILES, INPUT_FILES, LABEL_FILES, MASK_FILES, TARGET_FILES, CatalogueEntry
from strata.dataset.idx import write_idx
from strata.sources.array_files import read_npy, read_npz
from strata.sources.cifar_batches import holds_cifar, read_cifar
from strata.sources.class_folders import entries, read_class_folders, read_images_alone
from strata.sources.idx_folder import holds_idx, read_idx_folder
from strata.sources.image_file import IMAGE_SUFFIXES
from strata.sources.image_tables import read_image_tables, tables_of_images
from strata.sources.labelled_arrays import TEST, TRAIN, WHOLE, LabelledArrays, OwnData
from strata.sources.params import FILES, DatasetParams
from strata.sources.parquet_images import read_parquet, shards_in
from strata.sources.pixel_tables import read_tables
from strata.sources.random_order import rows_for_testing
from strata.sources.splits import part_named

CLASSES_FILE = "classes.txt"
FORMS = "IDX files, an .npz, .csv or .parquet file, images with a table of labels, or class folders"
# Forms that are not read, by the ending of the file's name: what each is, and what to type.
ARRAYS = "np.savez('mine.npz', images=..., labels=...)"
ARCHIVE = "an archive: unpack it, and name the folder"
PICKLE = f"a pickle, which can run code: where you trust it, {ARRAYS}"
ARROW = "in Arrow's form: dataset.to_parquet('train.parquet')"
OTHER_FORMS = {
    ".zip": ARCHIVE,
    ".tar": ARCHIVE,
    ".tgz": ARCHIVE,
    ".gz": "compressed: unpack it with gunzip, or tar -xzf",
    ".7z": ARCHIVE,
    ".rar": ARCHIVE,
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".pt": PICKLE,
    ".pth": PICKLE,
    ".h5": f"HDF5: read it with h5py, then {ARRAYS}",
    ".hdf5": f"HDF5: read it with h5py, then {ARRAYS}",
    ".mat": f"Matlab's: read it with scipy.io.loadmat, then {ARRAYS}",
    ".arrow": ARROW,
    ".tfrecord": f"TensorFlow's records: {ARRAYS}",
    ".json": f"JSON: {ARRAYS}, or class folders",
    ".jsonl": f"JSON: {ARRAYS}, or class folders",
}
DEEPEST = 4  # folders within folders, where each is the only one


def bring_own_data(path: Path, params: DatasetParams, seed: int, out: Path) -> tuple[CatalogueEntry, str]:
    """Write the four IDX files into `out`; return the data set's entry, and the SHA-256 of what was read.

    Data that is not already split is split with the seed. Raises StrataError, with one line, if anything does not fit.
    """
    data = read_own_data(path, params)
    notes, parts = list(data.notes), data.parts
    if TRAIN not in parts:
        parts = split(parts[WHOLE], params.test_share, seed)
        of_what = "each class" if data.classes else "all"
        if not any(note.startswith("no test data") for note in notes):
            notes.append(f"no test data: {params.test_share:.0%} of {of_what} were chosen to test, by seed {seed}")
    for note in notes:
        say(f"download: {path}: {note}")
    kind = np.uint8 if len(data.classes) <= 256 else np.int32
    for part, arrays in parts.items():
        for table in (
            IMAGE_FILES,
            INPUT_FILES,
            MASK_FILES,
            LABEL_FILES,
            TARGET_FILES,
        ):  # of other data, if the stage was run by hand
            (out / table[part]).unlink(missing_ok=True)
        _write_inputs(out, part, arrays.images, data)
        if arrays.labels is not None:
            write_idx(out / LABEL_FILES[part], arrays.labels.astype(kind))
        if arrays.targets is not None:
            write_idx(out / TARGET_FILES[part], arrays.targets)
    entry = CatalogueEntry(
        name=_name_of(path),
        source="; ".join(["a folder of your own" if path.is_dir() else "a file of your own", *notes]),
        classes=data.classes,
        citation="not stated",
        licence="not stated",
        sha256={},
        targets=data.targets,
        target_names=data.target_names,
        inputs=data.inputs,
        masked=data.masked,
    )
    return entry, data.sha256


def _write_inputs(out: Path, part: str, values: NDArray[Any], data: OwnData) -> None:
    """Write the images of a part, or the numbers, or the token ids and their mask."""
    if data.inputs == "images":
        write_idx(out / IMAGE_FILES[part], values)
        return
    write_idx(out / INPUT_FILES[part], values[:, 0] if data.masked else values)
    if data.masked:
        write_idx(out / MASK_FILES[part], values[:, 1].astype(np.uint8))


def _foreign_form(path: Path) -> str:
    """Return what a file is by its name, and what to type; nothing if its form is not known."""
    form = OTHER_FORMS.get(path.suffix.casefold(), "")
    return f"is {form}" if form else ""


def _name_of(path: Path) -> str:
    whole = Path(os.path.normpath(path.absolute()))
    return (whole.stem if whole.suffix in FILES and not path.is_dir() else whole.name) or "root"


def read_own_data(path: Path, params: DatasetParams) -> OwnData:
    """Return the data at a path; its form is recognized by the files there, or in the only folder there.

    With `dataset.targets: none`, labels are left out.
    """
    data = _read(path, params)
    if params.inputs not in (None, data.inputs):
        raise StrataError(f"{path}: dataset.inputs is {params.inputs}, but there are {data.inputs}: set it to null")
    if params.targets in ("values", "multi-label") and data.targets != params.targets:
        raise StrataError(f"{path}: dataset.targets is {params.targets}, but there are {data.targets}: set it to null")
    return data.without_labels() if params.targets == "none" and data.targets != "none" else data


def _read(path: Path, params: DatasetParams) -> OwnData:
    if path.is_dir():
        return _read_folder(_innermost(path), params)
    if not path.exists():
        why = left_behind(path, "write its full path") or f"relative to {Path.cwd().name}/"
        raise StrataError(f"dataset.name: {path}: no such file or folder, {why}")
    names = class_names(path.parent)
    match path.suffix.casefold():
        case ".npz" | ".npy":
            _refuse_resizing(path, params)
            return _read_arrays(path, None, params)
        case ".csv":
            if tables := [table for table in tables_of_images(path.parent) if table.path == path]:
                return read_image_tables(path.parent, tables, names, params)
            _refuse_resizing(path, params)
            return read_tables([path], names, path, params.wanted_targets, params.inputs)
        case ".parquet":
            return read_parquet([path], params.colour, params.image_side, names, path, params.targets == "none")
    fault = _foreign_form(path) or "is neither a folder nor an .npz, .npy, .csv or .parquet file"
    raise StrataError(f"dataset.name: {path} {fault}")


def _read_folder(path: Path, params: DatasetParams) -> OwnData:
    contents = entries(path)
    if of_images := tables_of_images(path):
        return read_image_tables(path, of_images, class_names(path), params)
    archives, tables = ([each for each in contents if each.suffix in kinds] for kinds in ((".npz", ".npy"), (".csv",)))
    shards = shards_in(path)
    folders = [each for each in contents if each.is_dir() and each not in {shard.parent for shard in shards}]
    forms = [holds_idx(path), holds_cifar(path), bool(archives), bool(tables) and not folders, bool(shards)]
    if sum(forms) + bool(folders) > 1 or len(archives) > 1:
        raise StrataError(f"{path}: holds more than one of the forms of data; put each into its own folder: {FORMS}")
    if (path / "dataset_dict.json").is_file():  # of Hugging Face's save_to_disk, with a folder for each split
        raise StrataError(f"{path} is {ARROW}")
    if folders:
        return read_class_folders(path, params.colour, params.image_side)
    if shards:
        alone = params.targets == "none"
        return read_parquet(shards, params.colour, params.image_side, class_names(path), path, alone)
    if not any(forms):
        return _read_images_alone(path, contents, params)
    _refuse_resizing(path, params)
    if archives:
        return _read_arrays(archives[0], class_names(path), params)
    if tables:
        return read_tables(tables, class_names(path), path, params.wanted_targets, params.inputs)
    if holds_cifar(path):
        return read_cifar(path)
    return read_idx_folder(path, class_names(path))


def _read_arrays(path: Path, names: list[str] | None, params: DatasetParams) -> OwnData:
    if path.suffix.casefold() == ".npy":
        return read_npy(path, params.inputs)
    return read_npz(path, names, params.wanted_targets, params.inputs)


def _read_images_alone(path: Path, contents: list[Path], params: DatasetParams) -> OwnData:
    """Return the images of a folder that holds no form of data with labels. Raises StrataError if there are none."""
    if not any(each.suffix.casefold() in IMAGE_SUFFIXES for each in contents):
        raise StrataError(_what_is_there(path, contents))
    return read_images_alone(path, params.colour, params.image_side)


def _what_is_there(path: Path, contents: list[Path]) -> str:
    for each in contents:
        if form := _foreign_form(each):
            return f"{each} {form}"
    return f"{path}: " + (f"holds none of: {FORMS}" if contents else f"is empty; it must hold {FORMS}")


def _innermost(path: Path) -> Path:
    """Return the folder that has the data: torchvision's `MNIST/raw`, or the only one there, such as `data`.

    Raises StrataError if there are several data sets of torchvision.
    """
    for _ in range(DEEPEST):
        if _is_torchvisions(path):
            return path / "raw"
        folders = [each for each in entries(path) if each.is_dir()]
        sets = [each for each in folders if holds_cifar(each) or _is_torchvisions(each)]
        if len(sets) > 1:
            names = ", ".join(each.name for each in sets[:5])
            raise StrataError(f"{path}: holds several data sets: {names}; choose one: dataset.name={sets[0]}")
        if sets:
            path = sets[0]
        elif len(folders) == 1 and _only_leads_on(path, folders[0]):
            path = folders[0]
    return path


def _is_torchvisions(folder: Path) -> bool:
    return (folder / "raw").is_dir() and holds_idx(folder / "raw")


def _only_leads_on(path: Path, folder: Path) -> bool:
    """Return whether a folder beside no data is no class and no split, but the folder of the data itself."""
    beside = [each for each in entries(path) if each != folder]
    is_data = any(each.suffix in (".npz", ".csv", ".parquet", *IMAGE_SUFFIXES) for each in beside)
    holds_images = any(each.suffix.casefold() in IMAGE_SUFFIXES for each in entries(folder))
    return not (is_data or holds_idx(path) or holds_images or part_named(folder.name))


def _refuse_resizing(path: Path, params: DatasetParams) -> None:
    if params.image_side is not None:
        raise StrataError(f"{path}: dataset.image_side resizes image files only: set it to null")


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
    """Return the training and test parts, each in the order of the whole; without classes, a share of all images."""
    labels = np.zeros(len(whole.images), dtype=np.int32) if whole.labels is None else whole.labels
    chosen = rows_for_testing(labels, share, seed)
    return {TRAIN: whole.at(~chosen), TEST: whole.at(chosen)}
