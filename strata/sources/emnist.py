"""What is different in EMNIST: images are stored with rows and columns exchanged, and a file maps labels to characters.

Source: Cohen, Afshar, Tapson & van Schaik (2017), EMNIST, arXiv:1702.05373.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError

PREFIX = "emnist-"
UPRIGHT = "EMNIST's images are stored with rows and columns exchanged: they were turned upright"
LARGEST_MAPPING = 1 << 16  # bytes


def is_emnist(name: str) -> bool:
    """Return whether a file or a set of files is named as EMNIST's are: `emnist-letters-train-...`."""
    return name.casefold().startswith(PREFIX)


def upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images (n, W, H) as (n, H, W)."""
    return np.ascontiguousarray(images.swapaxes(1, 2))


def mapped_names(folder: Path, name: str) -> list[str] | None:
    """Return the characters of each class from `emnist-letters-mapping.txt`, in the order of the labels, or None.

    A line is a label and one or more codes: `1 65 97` is the class `Aa`. Raises StrataError if it is not so.
    """
    path = folder / f"{name}-mapping.txt"
    if not path.is_file():
        return None
    classes: dict[int, str] = {}
    try:
        with path.open("rb") as file:
            lines = file.read(LARGEST_MAPPING).decode("ascii").splitlines()
        for line in lines:
            label, *codes = (int(field) for field in line.split())
            classes[label] = "".join(chr(code) for code in codes)
    except (ValueError, OverflowError):
        raise StrataError(f"{path}: a line is not a label and codes of characters, such as `1 65 97`") from None
    return [classes[label] for label in sorted(classes)]
