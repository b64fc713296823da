"""The IDX reader and decompression: any bytes give an array that writes the same bytes, or a one-line error."""

import bz2
import gzip
import lzma

import numpy as np

from fuzz.scratch import FindingError, content_or_refusal, file_of
from strata.dataset.idx import read_idx, write_idx
from strata.sources.compression import decompressed_pieces

LIMIT = 1 << 20  # bytes to which a compressed input may expand
LONGEST = 1 << 10  # bytes of an input; headers are short


def one_input(data: bytes) -> None:
    """Read `data`, unchanged and decompressed, as IDX with one and with three dimensions."""
    path = file_of(data)
    read(data)
    try:
        unpacked = b"".join(decompressed_pieces(path, LIMIT))
    except ValueError:  # as its docstring says
        return
    if unpacked != data:
        read(unpacked)


def read(data: bytes) -> None:
    path = file_of(data)
    for dimensions in (1, 3):
        content = content_or_refusal(lambda dimensions=dimensions: read_idx(path, dimensions))
        if content is not None:
            again = path.with_name("again")
            write_idx(again, content)
            if again.read_bytes() != data:
                raise FindingError(f"read as {content.shape}, and written as other bytes")


def seeds() -> list[bytes]:
    """Return valid files: labels, images, empty ones, and compressed ones."""
    contents = [np.arange(5, dtype=np.uint8), np.arange(24, dtype=np.uint8).reshape(2, 3, 4)]
    files = []
    for content in [*contents, *(content[:0] for content in contents)]:
        path = file_of(b"")
        write_idx(path, content)
        files.append(path.read_bytes())
    return [*files, gzip.compress(files[1], mtime=0), bz2.compress(files[1]), lzma.compress(files[1])]
