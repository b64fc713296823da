"""CIFAR-10's Python version, the folder `cifar-10-batches-py` that torchvision makes, without unpickling it.

Each batch is a pickle of Python 2. Its labels are the numbers after the text `labels`, and its images the one text of
3,072 bytes (red, green, blue) per label; both can be read off the pickle's operations, so nothing in it is run.
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
LARGEST = 1 << 28  # bytes; a batch has 31 million
SIDE, CHANNELS = 32, 3
TEXTS, NUMBERS = ("SHORT_BINSTRING", "BINSTRING"), ("BININT1", "BININT", "BININT2")


def holds_cifar(folder: Path) -> bool:
    """Return whether a folder has any of the batches."""
    return any((folder / name).is_file() for names in NAMES.values() for name in names)


def read_cifar(folder: Path) -> OwnData:
    """Return the images and labels of CIFAR-10's six batches.

    Raises StrataError if one is missing, or is not such a pickle.
    """
    checksum, arrays = hashlib.sha256(), {}
    for part, names in NAMES.items():
        batches = [_batch(folder / name, checksum) for name in names]
        images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        arrays[part] = images, labels
    return checked_data(arrays, CATALOGUE["cifar-10"].classes, checksum.hexdigest(), str(folder))


def _batch(path: Path, checksum: "hashlib._Hash") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not path.is_file():
        raise StrataError(f"{path} is missing; download the archive again, or use dataset.name=cifar-10")
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
                elif operation.name in NUMBERS and last_text == "labels":
                    labels.append(int(str(argument)))
    except ValueError:
        labels = []
    if not labels or len(pixels) != len(labels) * CHANNELS * SIDE * SIDE:
        raise StrataError(f"{path}: is not a batch of CIFAR-10's Python version; use dataset.name=cifar-10")
    planes = np.frombuffer(pixels, np.uint8).reshape(-1, CHANNELS, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), np.array(labels)
