"""Files and folders written whole or not at all, under a temporary name that is then renamed; and their checksums."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strata.core.cells import escaped, with_cells
from strata.core.errors import StrataError
from strata.core.guard import removed_if_killed

if TYPE_CHECKING:
    import pandas as pd  # takes half a second, in every process


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success and remove it on any error.

    The temporary name starts with a dot and ends in `.part`, which Git ignores. Missing folders are made. If the
    system reports an error without a file name, such as a full disk, `path` is added to it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # a symbolic link of that name would redirect the write
    with removed_if_killed(part):
        try:
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
        except OSError as error:
            if error.errno is not None and error.filename is None:
                error.filename = str(path)
            raise
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; rename it to `path` on success, else remove it."""
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with removed_if_killed(part):
        try:
            yield part
            if path.exists():
                shutil.rmtree(path)
            part.replace(path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def explain_if_empty(folder: Path, why: str) -> None:
    """Write into an empty folder why it is empty, as a hidden file: DVC warns of an empty one whenever it comes by."""
    if not any(folder.iterdir()):
        write_text(folder / ".empty", f"{why}\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line endings, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented JSON with the keys in the given order; NaN, which JSON does not have, raises ValueError."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV without its index; floats with six significant digits.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, see `strata.core.cells`.
    """
    safe = with_cells(table, escaped)
    text = safe.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    if "\r" in text:  # before Python 3.12 its csv module writes it without quotes, and it ends the row
        text = safe.to_csv(index=False, lineterminator="\n", float_format="%.6g", quoting=csv.QUOTE_NONNUMERIC)
    write_text(path, text)


def path_of(text: str) -> Path:
    """Return the path that a person wrote; `~` at its start is the home folder. Raises StrataError if there is none."""
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)
    except RuntimeError:
        raise StrataError(f"{text}: there is no such home folder; write the path in full") from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Return the MD5 of a file's bytes, which DVC uses as its name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
