"""The Python versions of CIFAR-10 and CIFAR-100, as torchvision makes their folders, without unpickling them.

Each batch is a pickle of Python 2. Its labels are the numbers after the text `labels`, or `fine_labels`, and its images
the one text of 3,072 bytes (red, green, blue) per label; both can be read off the pickle's operations, so nothing in it
is run. CIFAR-100's classes are named in its file `meta`, after the text `fine_label_names`.
"""

import hashlib
import io
import pickletools
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.sources.catalogue import CATALOGUE
from strata.sources.labelled_arrays import TEST, TRAIN, OwnData, checked_data

NAMES = {TRAIN: [f"data_batch_{number}" for number in range(1, 6)], TEST: ["test_batch"]}
NAMES_100, META = {TRAIN: ["train"], TEST: ["test"]}, "meta"
FINE, CLASSES_100 = "fine_labels", 100
REMEDY = "download the archive again"
LARGEST_META = 1 << 20
LARGEST = 1 << 28  # bytes; a batch has 31 million
SIDE, CHANNELS = 32, 3
TEXTS, NUMBERS = ("SHORT_BINSTRING", "BINSTRING"), ("BININT1", "BININT", "BININT2")


def holds_cifar(folder: Path) -> bool:
    """Return whether a folder has any of CIFAR-10's batches, or CIFAR-100's files."""
    return any((folder / name).is_file() for names in NAMES.values() for name in names) or _holds_100(folder)


def _holds_100(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (META, *(name for names in NAMES_100.values() for name in names)))


def read_cifar(folder: Path) -> OwnData:
    """Return the images and labels of CIFAR-10's six batches, or of CIFAR-100's two, with its 100 fine classes.

    Raises StrataError if one is missing, or is not such a pickle.
    """
    checksum, arrays = hashlib.sha256(), {}
    fine = _holds_100(folder)
    classes = _names_100(folder / META) if fine else CATALOGUE["cifar-10"].classes
    for part, names in (NAMES_100 if fine else NAMES).items():
        batches = [_batch(folder / name, checksum, FINE if fine else "labels") for name in names]
        images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        arrays[part] = images, labels
    notes = ["left out: the 20 coarse labels; the 100 fine ones are the classes"] if fine else []
    return checked_data(arrays, classes, checksum.hexdigest(), str(folder), notes)


def _names_100(path: Path) -> list[str]:
    """Return the names of the fine classes in CIFAR-100's `meta`, in order."""
    names: list[str] = []
    reading = False
    try:
        with path.open("rb") as file:
            for operation, argument, _ in pickletools.genops(io.BytesIO(file.read(LARGEST_META))):
                if operation.name not in TEXTS:
                    continue
                if str(argument).endswith("_label_names"):
                    reading = argument == "fine_label_names"
                elif reading:
                    names.append(str(argument))
    except ValueError:
        names = []
    if len(names) != CLASSES_100:
        raise StrataError(f"{path}: does not name CIFAR-100's classes; download the archive again")
    return names


def _batch(path: Path, checksum: "hashlib._Hash", key: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    kind = CLASSES_100 if key == FINE else 10
    if not path.is_file():
        raise StrataError(f"{path} is missing; {REMEDY}{', or use dataset.name=cifar-10' if kind == 10 else ''}")
    with path.open("rb") as file:
        content = file.read(LARGEST)
    checksum.update(f"{path.name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    labels: list[int] = []
    pixels, last_text = b"", ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about texts of damaged files
            for operation, argument, _ in pickletools.genops(io.BytesIO(content)):
                if operation.name in TEXTS:
                    last_text = str(argument)
                    if len(last_text) > len(pixels):
                        pixels = last_text.encode("latin-1")
                elif operation.name in NUMBERS and last_text == key:
                    labels.append(int(str(argument)))
    except ValueError:
        labels = []
    if not labels or len(pixels) != len(labels) * CHANNELS * SIDE * SIDE:
        remedy = "use dataset.name=cifar-10" if kind == 10 else REMEDY
        raise StrataError(f"{path}: is not a batch of CIFAR-{kind}'s Python version; {remedy}")
    planes = np.frombuffer(pixels, np.uint8).reshape(-1, CHANNELS, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), np.array(labels)
