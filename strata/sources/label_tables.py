"""One table of the labels of image files: which of its columns names the files, the label and the part."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.core.errors import StrataError
from strata.sources.pixel_tables import DELIMITERS, LABELS
from strata.sources.splits import part_named

FILES = (
    *("file", "files", "filename", "file_name", "file name", "filepath", "file_path", "path", "name"),
    *("image", "images", "img", "image_name", "image name", "image_id", "imageid", "image_path", "img_name", "id"),
)
SPLITS = ("split", "set", "subset", "part", "usage")
MOST_COLUMNS, MOST_ROWS = 64, 2_000_000


@dataclass(frozen=True)
class ImageTable:
    """A table: rows of text, the columns' names, and the number of the one that names files."""

    path: Path
    columns: list[str]
    rows: list[list[str]]
    file: int

    @property
    def labels(self) -> list[int]:
        """The numbers of the columns with the label, or with several of 0 and 1; none if it is not clear."""
        lowered = [name.casefold() for name in self.columns]
        if named := [number for number, name in enumerate(lowered) if name in LABELS and number != self.file]:
            return named[:1]
        others = [number for number in range(len(lowered)) if number != self.file and lowered[number] not in SPLITS]
        if len(others) == 1:
            return others
        marks = {row[number].strip() for row in self.rows for number in others}
        return others if others and marks <= {"0", "1", "0.0", "1.0"} else []

    @property
    def split(self) -> int | None:
        """The number of the column that names the part of each row, if there is one."""
        found = [number for number, name in enumerate(self.columns) if name.casefold() in SPLITS]
        return found[0] if found and all(part_named(row[found[0]].strip()) for row in self.rows) else None


def read_table(path: Path) -> ImageTable | None:
    """Return a table with a column of files; None if it has none, is no table of text, or is one of pixels."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(1 << 16)
            delimiter = max(DELIMITERS, key=header.count)
            (columns,) = csv.reader([header], delimiter=delimiter)
            columns = [name.strip() for name in columns]
            column = _file_column(columns)
            if column is None or len(columns) > MOST_COLUMNS:
                return None
            rows = [row for row, _ in zip(csv.reader(file, delimiter=delimiter), range(MOST_ROWS), strict=False) if row]
    except (OSError, ValueError, csv.Error):
        return None
    if not rows:
        return None
    if wrong := next((number for number, row in enumerate(rows) if len(row) != len(columns)), None):
        raise StrataError(f"{path}: row {wrong + 2} has {len(rows[wrong])} columns, but the first {len(columns)}")
    return ImageTable(path, columns, rows, column) if len(rows[0]) == len(columns) else None


def _file_column(columns: Sequence[str]) -> int | None:
    lowered = [name.casefold() for name in columns]
    return next((lowered.index(name) for name in FILES if name in lowered), None)
