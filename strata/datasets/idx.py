"""The IDX format of MNIST's files: a magic number, the sizes, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/ ("the IDX file format"). Only unsigned bytes (type 0x08) are read here, as
all the data sets of the MNIST family use no other.
"""

import math
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from strata.atomic import whole_file
from strata.errors import StrataError

UNSIGNED_BYTE = 0x08


def read_header(file: BinaryIO, dimensions: int) -> tuple[int, ...]:
    """Return the sizes that an IDX header states, leaving the file at its first data byte.

    Raises ValueError where the magic number is not that of unsigned bytes in `dimensions` dimensions.
    """
    magic = file.read(4)
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if magic != expected:
        raise ValueError(f"not an IDX file of {dimensions} dimension(s): magic {magic.hex()}, not {expected.hex()}")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ValueError("the IDX header is cut off")
    return struct.unpack(f">{dimensions}I", sizes)


def check_idx(path: Path, dimensions: int) -> tuple[int, ...]:
    """Return the sizes of an IDX file after checking magic and length, without reading its data.

    Raises ValueError on a wrong magic number or a length that is not what the header states.
    """
    with path.open("rb") as file:
        shape = read_header(file, dimensions)
        start = file.tell()
    stated, present = math.prod(shape), path.stat().st_size - start
    if stated != present:
        kind = "truncated" if present < stated else "too long"
        raise ValueError(f"the IDX file is {kind}: its header states {stated} data bytes, it has {present}")
    return shape


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return an IDX file's content, uint8 of the header's shape. Raises StrataError on any damage."""
    try:
        shape = check_idx(path, dimensions)
        # A shape with a 0 has no bytes to check it by, and may be larger than NumPy's largest: ValueError too.
        return np.fromfile(path, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except ValueError as error:
        raise StrataError(f"{path}: {error}") from None


def write_idx(path: Path, content: NDArray[np.uint8]) -> None:
    """Write uint8 content of 1 to 255 dimensions as IDX, whole or not at all."""
    if content.dtype != np.uint8:
        raise TypeError(f"IDX content must be uint8, not {content.dtype}")
    with whole_file(path) as part, part.open("wb") as file:
        file.write(bytes([0, 0, UNSIGNED_BYTE, content.ndim]))
        file.write(struct.pack(f">{content.ndim}I", *content.shape))
        file.write(np.ascontiguousarray(content).tobytes())
