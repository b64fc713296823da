"""An xz file's content within a bound on memory: Python's own reader allocates whatever dictionary a file claims."""

import lzma
from pathlib import Path
from typing import Self

PIECE = 1 << 16
MEMORY = 1 << 27  # bytes; what `xz -9` packed takes 65 MiB to unpack


class XzFile:
    """Context manager that reads one or more xz streams; LZMAError on damage, EOFError where a stream is truncated."""

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
                # Zeros may stand between streams, and at the end.
                packed = (self._stream.unused_data or self._file.read(PIECE)).lstrip(b"\0")
                if not packed:
                    return b""
                self._stream = self._new_stream()
            elif self._stream.needs_input:
                packed = self._file.read(PIECE)
                if not packed:
                    raise EOFError
            if piece := self._stream.decompress(packed, size):
                return piece

    @staticmethod
    def _new_stream() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, MEMORY)
