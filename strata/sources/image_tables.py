"""User data as images and a table that names the file and the label of each, as on Kaggle and Hugging Face."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError, listed
from strata.core.files import sha256_of
from strata.sources.class_folders import ImageReader, entries
from strata.sources.image_file import IMAGE_SUFFIXES
from strata.sources.label_tables import ImageTable, read_table
from strata.sources.labelled_arrays import WHOLE, OwnData, checked_data
from strata.sources.params import DatasetParams
from strata.sources.pixel_tables import numbered
from strata.sources.splits import chosen_parts, part_named, parts_in

TO_FILL_IN = "submission"  # a word of the names of Kaggle's tables that have no true labels
DEEPEST = 5  # folders within folders


def tables_of_images(folder: Path) -> list[ImageTable]:
    """Return the tables that name image files of a folder: those in it, and in the folders in it named as splits.

    A table does if one of its columns has a name such as `image`, and its first row names an image that is there.
    """
    inner = [each for each in entries(folder) if each.is_dir() and part_named(each.name)]
    paths = [path for each in (folder, *inner) for path in entries(each) if path.suffix.casefold() in (".csv", ".tsv")]
    found = [table for path in paths if (table := read_table(path)) is not None]
    if not found:
        return []
    images = Images(folder)
    return [table for table in found if images.holds_any(table)]


def read_image_tables(
    folder: Path, tables: Sequence[ImageTable], names: Sequence[str] | None, params: DatasetParams
) -> OwnData:
    """Return the images that tables name, in the order of their rows, with their labels; `names` name labels 0, 1, ...

    Tables to fill in for a competition, tables without labels, and images that no row names are left out, and a note
    says so. Raises StrataError, with a line that names the table and the row, if an image is missing or named twice, if
    it is not clear which column is the label, or if images or labels do not fit.
    """
    usable = [table for table in tables if TO_FILL_IN not in table.path.stem.casefold() and len(table.columns) > 1]
    notes = [f"left out: {table.path.name}, which has no labels of its own" for table in tables if table not in usable]
    if not usable:
        raise StrataError(f"{tables[0].path}: has no column of labels; to look at images alone, move it away")
    images = Images(folder)
    parts, decided = _parts_of(usable, folder)
    checksum = sha256()
    reader = ImageReader(folder, params.colour, params.image_side, checksum)
    arrays: dict[str, NDArray[np.uint8]] = {}
    texts: dict[str, NDArray[Any]] = {}
    named: set[Path] = set()
    titles: list[str] | None = None
    for part, (table, rows) in parts.items():
        columns = table.labels
        if not columns:
            others = listed([name for number, name in enumerate(table.columns) if number != table.file], 60)
            raise StrataError(
                f"{table.path}: which column is the label? It has {others}: name one `label`, or move the table away"
            )
        files = [images.named(table, row) for row in rows]
        for file in files:
            if file in named:
                raise StrataError(f"{table.path}: {file.name[-60:]} is in two rows: keep one")
            named.add(file)
        checksum.update(sha256_of(table.path).encode())
        arrays[part] = reader.read({"": files}, [""], part)[0]
        values = [[table.rows[row][number].strip() for number in columns] for row in rows]
        if blank := next((row for row, each in zip(rows, values, strict=True) if not all(each)), None):
            raise StrataError(f"{table.path}: row {blank + 2} has no label: fill it in, or remove the row")
        titles = [table.columns[number] for number in columns] if len(columns) > 1 else None
        texts[part] = np.array(values)[:, 0] if titles is None else np.array(values, dtype=np.float64)
        left = [name for number, name in enumerate(table.columns) if number not in (table.file, table.split, *columns)]
        notes += [f"left out: columns {listed(left, 60)} of {table.path.name}"] if left else []
    if unnamed := images.count - len(named):
        notes.append(f"left out: {unnamed:,} image{'s' * (unnamed > 1)} that no row names")
    labels, classes = (texts, titles) if titles else numbered(texts, params.wanted_targets)
    pairs = {part: (arrays[part], labels[part]) for part in arrays}
    all_notes = [*dict.fromkeys(notes), *decided, *reader.lost.notes]
    return checked_data(pairs, classes or names, checksum.hexdigest(), str(folder), all_notes, params.wanted_targets)


class Images:
    """The image files of a folder and of those in it, by the ways in which a table may name them."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._classes = sum(path.is_dir() and not parts_in(path.name) for path in entries(folder)) > 1
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = {}
        for path in _walk(folder, DEEPEST):
            relative = path.relative_to(folder)
            self._by_path[relative.as_posix().casefold()] = path
            for name in {path.name.casefold(), path.stem.casefold()}:
                self._by_name.setdefault(name, []).append(path)

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self._by_path)

    def holds_any(self, table: ImageTable) -> bool:
        """Return whether the table's first row names an image; or its file column does nothing else.

        Folders of classes may have a table of something else beside them.
        """
        if self._found(table, 0):
            return True
        return self.count > 0 and not self._classes and table.columns[table.file].casefold() not in ("id", "name")

    def named(self, table: ImageTable, row: int) -> Path:
        """Return the image that a row names. Raises StrataError if there is none, or more than one."""
        found = self._found(table, row)
        where, text = f"{table.path}: row {row + 2}", table.rows[row][table.file].strip()[:60]
        if not found:
            raise StrataError(f"{where} names '{text}', and no such image is there: add it, or remove the row")
        if len(found) > 1:
            first, second = (path.relative_to(self._root).as_posix()[-40:] for path in found[:2])
            raise StrataError(f"{where} names '{text}': {first}, or {second}? Write the path in the table")
        return found[0]

    def _found(self, table: ImageTable, row: int) -> list[Path]:
        text = table.rows[row][table.file].strip().replace("\\", "/").removeprefix("./").casefold()
        beside = table.path.parent.relative_to(self._root).as_posix()
        for start in ("" if beside == "." else f"{beside.casefold()}/", ""):
            if (exact := self._by_path.get(start + text)) is not None:
                return [exact]
        found = self._by_name.get(text.rpartition("/")[2], [])
        # Of images of one name in several folders, those in the folder of the table's part.
        part = next(iter(parts_in(table.path.stem)), None)
        of_part = [path for path in found if part and part in _parts_above(path, self._root)]
        return of_part if len(of_part) == 1 else found


def _parts_above(path: Path, root: Path) -> set[str]:
    return {part for folder in path.relative_to(root).parts[:-1] for part in parts_in(folder)}


def _walk(folder: Path, depth: int) -> Iterable[Path]:
    for path in entries(folder):
        if path.is_dir():
            yield from _walk(path, depth - 1) if depth else ()
        elif path.suffix.casefold() in IMAGE_SUFFIXES:
            yield path


def _parts_of(tables: Sequence[ImageTable], where: Path) -> tuple[dict[str, tuple[ImageTable, list[int]]], list[str]]:
    """Return part's name -> a table and the numbers of its rows, and what was decided about parts."""
    if len(tables) == 1:
        table = tables[0]
        if table.split is None:
            return {WHOLE: (table, list(range(len(table.rows))))}, []
        groups: dict[str, list[int]] = {}
        for number, row in enumerate(table.rows):
            groups.setdefault(row[table.split].strip(), []).append(number)
        chosen, notes = chosen_parts(groups, str(table.path))
        return {part: (table, rows) for part, rows in chosen.items()}, notes
    sources: dict[str, ImageTable] = {}
    for table in tables:
        words = parts_in(table.path.stem) or parts_in(table.path.parent.name if table.path.parent != where else "")
        if len(words) != 1:
            raise StrataError(f"{where}: {table.path.name} is one of several tables: name them train.csv and test.csv")
        if words[0] in sources:
            raise StrataError(f"{where}: two tables are of the {words[0]} data: move one away")
        sources[words[0]] = table
    chosen_tables, notes = chosen_parts(sources, str(where))
    return {part: (table, list(range(len(table.rows)))) for part, table in chosen_tables.items()}, notes
