"""Bytes as a file for a reader, and the one way in which a reader may fail."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from strata.core.errors import StrataError

Content = TypeVar("Content")


class FindingError(AssertionError):
    """A reader did something that it must not do."""


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="strata-fuzz-")


def file_of(data: bytes) -> Path:
    """Return the path of a file that contains `data`; the next call replaces it."""
    path = Path(_folder().name) / "input"
    with suppress(FileNotFoundError):
        path.unlink()  # a new file each time: one that is still open keeps its bytes
    path.write_bytes(data)
    return path


def content_or_refusal(read: Callable[[], Content]) -> Content | None:
    """Return what `read` returns, or None if it raises a StrataError of one line. Anything else is a finding."""
    try:
        return read()
    except StrataError as error:
        if len(str(error).splitlines()) != 1:
            raise FindingError(f"not one line: {error!s}") from error
        return None
