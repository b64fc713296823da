"""The IDX format of MNIST's files: a magic number, the sizes, then the data; numbers are big-endian.

Format: http://yann.lecun.com/exdb/mnist/ ("the IDX file format"). Strata keeps images and labels as unsigned bytes
(type 0x08), like all data sets of the MNIST family; with more than 256 classes, labels are int32 (0x0C). Numbers to
predict are float32 (0x0D).
"""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.files import whole_file

UNSIGNED_BYTE, INT32, FLOAT32 = 0x08, 0x0C, 0x0D
# The format's type codes.
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", INT32: ">i4", FLOAT32: ">f4", 0x0E: ">f8"}


def read_header(file: BinaryIO, dimensions: int, code: int = UNSIGNED_BYTE) -> tuple[int, ...]:
    """Return the sizes in an IDX header, leaving the file at its first data byte.

    Raises ValueError if the magic number is not that of type `code` in `dimensions` dimensions.
    """
    magic = file.read(4)
    expected = bytes([0, 0, code, dimensions])
    if magic != expected:
        raise ValueError(f"not an IDX file of {dimensions} dimension(s): magic {magic.hex()}, not {expected.hex()}")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ValueError("the IDX header is cut off")
    return struct.unpack(f">{dimensions}I", sizes)


def check_idx(path: Path, dimensions: int, code: int = UNSIGNED_BYTE) -> tuple[int, ...]:
    """Return the sizes of an IDX file after checking its magic number and length, without reading its data.

    Raises ValueError if the magic number is wrong, or the length is not what the header states.
    """
    with path.open("rb") as file:
        shape = read_header(file, dimensions, code)
        start = file.tell()
    _check_length(math.prod(shape) * np.dtype(TYPES[code]).itemsize, path.stat().st_size - start)
    return shape


def _check_length(stated: int, present: int) -> None:
    if stated != present:
        kind = "truncated" if present < stated else "too long"
        raise ValueError(f"the IDX file is {kind}: its header states {stated} data bytes, it has {present}")


def read_idx(path: Path, dimensions: int, code: int = UNSIGNED_BYTE) -> NDArray[Any]:
    """Return an IDX file's content, in the header's shape and native byte order. Raises StrataError on any damage."""
    try:
        shape = check_idx(path, dimensions, code)
        kind = np.dtype(TYPES[code])
        # A shape that contains a 0 has no bytes to check it by, and may be too large for NumPy: also a ValueError.
        content = np.fromfile(path, dtype=kind, offset=4 + 4 * dimensions).reshape(shape)
    except ValueError as error:
        raise StrataError(f"{path}: {error}") from None
    return content.astype(kind.newbyteorder("="), copy=False)


def read_images(path: Path) -> NDArray[np.uint8]:
    """Return a file's images, uint8: grey (n, H, W) or colour (n, H, W, 3). Raises StrataError on any damage."""
    images = read_idx(path, 4 if _magic(path)[3:] == b"\x04" else 3)
    if images.ndim == 4 and images.shape[3] != 3:
        raise StrataError(f"{path}: images of {images.shape[3]} channels; Strata reads grey (1) or RGB (3) images")
    return images


def read_labels(path: Path) -> NDArray[np.integer]:
    """Return a file's labels (n,), uint8 or int32 as stored. Raises StrataError on any damage."""
    return read_idx(path, 1, INT32 if _magic(path)[2:3] == bytes([INT32]) else UNSIGNED_BYTE)


def read_targets(path: Path) -> NDArray[np.float32]:
    """Return a file's numbers to predict, float32 (n, k). Raises StrataError on damage, and for what is no number."""
    targets = read_idx(path, 2, FLOAT32)
    if not np.isfinite(targets).all():
        raise StrataError(f"{path}: a target is not a finite number")
    return targets


def read_any(path: Path) -> NDArray[Any]:
    """Return a file's array, of any type and dimensions. Raises StrataError on any damage."""
    try:
        return parse_idx(path.read_bytes())
    except ValueError as error:
        raise StrataError(f"{path}: {error}") from None


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def parse_idx(content: bytes) -> NDArray[Any]:
    """Return the array in an IDX file's bytes, of any type and dimensions. Raises ValueError on any damage."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise ValueError(f"not an IDX file: magic {content[:4].hex()}")
    kind, dimensions = np.dtype(TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError("the IDX header is cut off")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    _check_length(math.prod(shape) * kind.itemsize, len(content) - start)
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def write_idx(path: Path, content: NDArray[Any]) -> None:
    """Write uint8, int32 or float32 content of 1 to 255 dimensions as IDX, whole or not at all."""
    codes = {np.dtype(np.uint8): UNSIGNED_BYTE, np.dtype(np.int32): INT32, np.dtype(np.float32): FLOAT32}
    if content.dtype not in codes:
        raise TypeError(f"IDX content must be uint8, int32 or float32, not {content.dtype}")
    code = codes[content.dtype]
    with whole_file(path) as part, part.open("wb") as file:
        file.write(bytes([0, 0, code, content.ndim]))
        file.write(struct.pack(f">{content.ndim}I", *content.shape))
        file.write(np.ascontiguousarray(content, dtype=TYPES[code]).tobytes())
