"""User data as class folders of image files, read as arrays of bytes, grey or colour."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.core.console import progress
from strata.core.errors import StrataError
from strata.sources.image_file import IMAGE_SUFFIXES, KINDS, LostColours, decoded
from strata.sources.labelled_arrays import TEST, TRAIN, WHOLE, OwnData, checked_data, checked_names
from strata.sources.params import Colour
from strata.sources.splits import chosen_parts, part_named

# Files that file managers leave behind; names that start with a dot are skipped as well.
LITTER = ("Thumbs.db", "desktop.ini", "__MACOSX")


def entries(folder: Path) -> list[Path]:
    """Return the contents of a folder, sorted by name, without hidden files and what file managers leave behind.

    Raises StrataError for a name that cannot be printed, and for a broken link.
    """
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in LITTER)
    for path in paths:
        if not path.name.isprintable():
            raise StrataError(f"{folder}: {path.name!r} has characters that cannot be printed; rename it")
        if not path.exists():
            raise StrataError(f"{path}: is a link to nothing, or to itself; remove it")
    return paths


def read_class_folders(folder: Path, colour: Colour, side: int | None) -> OwnData:
    """Return the images of class folders, one class per folder, in the order of their names.

    Raises StrataError, with a line that names the file or folder at fault, if a class folder contains anything but
    images, an image cannot be read, images differ in size and no `side` is given, or classes do not fit.
    """
    if alone := _parts_of_images(folder):
        parts, notes = chosen_parts(alone, str(folder))
        return _without_labels(
            folder, {part: list(_images_in(root)) for part, root in parts.items()}, colour, side, notes
        )
    parts, notes = _parts(folder)
    files = {part: _files_of(root) for part, root in parts.items()}
    names = checked_names(list(files.get(TRAIN, files.get(WHOLE, {}))), str(folder))
    for name in files.get(TEST, {}):
        if name not in names:
            raise StrataError(f"{folder}: class '{name}' has test images, but none to train on")
    checksum = hashlib.sha256()
    reader = ImageReader(folder, colour, side, checksum)
    arrays = {part: reader.read(by_class, names, part) for part, by_class in files.items()}
    return checked_data(arrays, names, checksum.hexdigest(), str(folder), [*notes, *reader.lost.notes])


def read_images_alone(folder: Path, colour: Colour, side: int | None) -> OwnData:
    """Return the images in a folder without class folders, in the order of their names: they have no labels.

    Raises StrataError as `read_class_folders` does.
    """
    return _without_labels(folder, {WHOLE: list(_images_in(folder))}, colour, side, [])


def _without_labels(
    folder: Path, files: Mapping[str, Sequence[Path]], colour: Colour, side: int | None, notes: Sequence[str]
) -> OwnData:
    checksum = hashlib.sha256()
    reader = ImageReader(folder, colour, side, checksum)
    arrays = {part: (reader.read({"": paths}, [""], part)[0], None) for part, paths in files.items()}
    return checked_data(arrays, None, checksum.hexdigest(), str(folder), [*notes, *reader.lost.notes])


def _parts_of_images(folder: Path) -> dict[str, Path]:
    """Return the folders named as splits if they hold images themselves, and there are no other folders; else none."""
    folders = {path.name: path for path in entries(folder) if path.is_dir()}
    if not any(part_named(name) == TRAIN for name in folders) or not all(map(part_named, folders)):
        return {}
    return {} if any(path.is_dir() for each in folders.values() for path in entries(each)) else folders


def _parts(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return part's name -> its folder of class folders, and what was decided about splits."""
    folders = {path.name: path for path in entries(folder) if path.is_dir()}
    training = [name for name in folders if part_named(name) == TRAIN]
    if not any(path.is_dir() for name in training for path in entries(folders[name])):
        return {WHOLE: folder}, []  # classes may have these names
    others = [name for name in folders if part_named(name) is None]
    if others:
        raise StrataError(f"{folder}: beside '{training[0]}' is '{others[0]}': move it away, or name it val or test")
    return chosen_parts(folders, str(folder))


def _files_of(root: Path) -> dict[str, list[Path]]:
    """Return class's name -> its files, after checking that they are named as images."""
    files: dict[str, list[Path]] = {}
    for folder in entries(root):
        if folder.is_dir():
            files[folder.name] = list(_images_in(folder))
            if not files[folder.name]:
                raise StrataError(f"{folder}: contains no image")
        elif folder.suffix.lower() in IMAGE_SUFFIXES:
            raise StrataError(f"{folder}: an image must be in the folder of its class")
    return files


def _images_in(folder: Path) -> Iterator[Path]:
    for path in entries(folder):
        if path.is_dir():
            raise StrataError(f"{path}: is a folder in a class folder, which may contain only images")
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            raise StrataError(f"{path}: is not named as an image ({KINDS}); a class folder may contain only images")
        yield path


class ImageReader:
    """Reads image files into arrays of one size, and updates a checksum with their paths and bytes."""

    def __init__(self, root: Path, colour: Colour, side: int | None, checksum: "hashlib._Hash") -> None:
        self._root, self._colour, self._side, self._checksum = root, colour, side, checksum
        self._first: tuple[Path, NDArray[np.uint8]] | None = None
        self.lost = LostColours(colour)

    def read(
        self, files: Mapping[str, Sequence[Path]], names: Sequence[str], part: str
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Return images (n, H, W[, 3]) and labels (n,): each class's index in `names`."""
        paths = [path for of_class in files.values() for path in of_class]
        labels = np.repeat([names.index(name) for name in files], [len(of_class) for of_class in files.values()])
        images: NDArray[np.uint8] | None = None
        for row, image in enumerate(self._decoded(progress(paths, f"download: {part} images", len(paths)))):
            if images is None:
                images = np.empty((len(paths), *image.shape), dtype=np.uint8)
            images[row] = image
        return np.empty((0, 0, 0), np.uint8) if images is None else images, labels.astype(np.int32)

    def _decoded(self, paths: Iterable[Path]) -> Iterator[NDArray[np.uint8]]:
        for path in paths:
            content = path.read_bytes()
            name = path.relative_to(self._root).as_posix()
            self._checksum.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
            image = decoded(content, self._colour, self._side, str(path))
            self.lost.look(content)
            if self._first is None:
                self._first = path, image
            first, first_image = self._first
            if image.shape != first_image.shape:
                raise StrataError(
                    f"{path}: is {_size(image)} pixels, but {first.relative_to(self._root)} is {_size(first_image)};"
                    " set dataset.image_side to resize all images"
                )
            yield image


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"
