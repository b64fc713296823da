"""Decompress a file in pieces, whatever the compression, with a limit on the decompressed size."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Self, cast

XZ_PIECE = 1 << 16
XZ_MEMORY = 1 << 27  # bytes; output of `xz -9` needs 65 MiB to unpack


class XzFile:
    """Context manager that reads one or more xz streams; LZMAError on damage, EOFError if a stream is truncated."""

    def __init__(self, path: Path, _mode: str = "rb") -> None:
        self._file = path.open("rb")
        self._stream = self._new_stream()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, none at the end."""
        while True:
            packed = b""
            if self._stream.eof:
                # There may be zeros between streams, and at the end.
                packed = (self._stream.unused_data or self._file.read(XZ_PIECE)).lstrip(b"\0")
                if not packed:
                    return b""
                self._stream = self._new_stream()
            elif self._stream.needs_input:
                packed = self._file.read(XZ_PIECE)
                if not packed:
                    raise EOFError
            if piece := self._stream.decompress(packed, size):
                return piece

    @staticmethod
    def _new_stream() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)


PIECE = 1 << 20
MAGIC: dict[bytes, Callable[[Path, str], object]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": XzFile}


def decompressed_pieces(path: Path, limit: int) -> Iterator[bytes]:
    """Yield a gzip, bzip2, xz or plain file's content in pieces of at most 1 MiB.

    Raises ValueError if the content is a web page, damaged, truncated, or larger than `limit` bytes.
    """
    with path.open("rb") as raw:
        start = raw.read(512)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")):
        raise ValueError("the file is a web page (perhaps the network's login page, or an error page)")
    opener: Callable[[Path, str], object] = open
    for magic, decompressing in MAGIC.items():
        if start.startswith(magic):
            opener = decompressing
    size = 0
    try:
        with cast("BinaryIO", opener(path, "rb")) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > limit:
                    raise ValueError(f"decompresses to more than {limit} bytes")
                yield piece
    except EOFError:
        raise ValueError("the compressed file is truncated") from None
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise ValueError(f"the compressed file is damaged ({error})") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"the compressed file is damaged ({error})") from None  # bz2 raises OSError
