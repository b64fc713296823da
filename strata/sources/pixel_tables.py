"""User data as tables in CSV: one row per image, with a label and a column for each pixel, as Kaggle has them."""

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import InputKind, Targets
from strata.sources.emnist import UPRIGHT, is_emnist, mapped_names, upright
from strata.sources.labelled_arrays import WHOLE, OwnData, checked_data
from strata.sources.splits import chosen_parts, parts_in

LABELS = ("label", "labels", "class", "target", "y", "category", "character", "digit")
NO_PIXELS = ("", "id", "index", "imageid", "name", "names", "unnamed: 0", "usage")
DELIMITERS = (",", ";", "\t")
MOST_COLUMNS = 1 << 18  # 295 x 295 pixels of three colours
LONGEST_LINE = 1 << 22  # bytes; so many columns named pixel123456 take 3 million
PLACE = re.compile(r"(\d{1,4})x(\d{1,4})")  # a pixel's row and column
WRONG_WIDTH = re.compile(r"Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True)
class Layout:
    """A table's columns: the number of the label's (None without one), those of pixels, and an image's shape."""

    delimiter: str
    header: bool
    label: int | None
    pixels: list[int]
    shape: tuple[int, ...] | None
    left: list[str]


def read_tables(
    paths: Sequence[Path],
    names: Sequence[str] | None,
    where: Path,
    wanted: Targets | None = None,
    inputs: InputKind | None = None,
) -> OwnData:
    """Return the images and labels of one CSV file, or of a folder's; `names` are the class names of labels 0, 1 ...

    A file's part is a word of its name, such as `mnist_train.csv`; files without labels are left out, unless none has
    any. Three colours stand side by side for each pixel. Raises StrataError if a file is no such table, or the files do
    not fit.
    """
    layouts = {path: layout_of(path) for path in paths}
    if inputs == "numbers":
        layouts = {path: replace(layout, shape=(len(layout.pixels),)) for path, layout in layouts.items()}
    images = [path for path, layout in layouts.items() if layout.shape]
    usable = [path for path in images if layouts[path].label is not None] or images
    if not usable:
        raise StrataError(_why_not(paths[0], layouts[paths[0]]))
    notes = [f"left out: {_why_not(path, layouts[path], path.name)}" for path in paths if path not in usable]
    parts, decided = _parts_of(usable, where)
    kind = pa.float32() if inputs == "numbers" else pa.uint8()
    read = {part: _read(path, layouts[path], kind) for part, path in parts.items()}
    texts = {part: labels for part, (_, labels) in read.items() if labels is not None}
    numbers, classes = numbered(texts, wanted) if texts else ({}, None)
    notes += [] if texts else [f"no column is named {', '.join(LABELS[:5])}"]
    for path in parts.values():
        notes += [f"left out: columns {', '.join(layouts[path].left)}"] if layouts[path].left else []
        if is_emnist(path.name) and names is None:
            names = mapped_names(path.parent, re.split("-(?:train|test)", path.stem)[0])
    notes += [UPRIGHT] if any(is_emnist(path.name) for path in parts.values()) else []
    arrays = {part: (pixels, numbers.get(part)) for part, (pixels, _) in read.items()}
    sums = "".join(f"{part}\0{sha256_of(path)}\n" for part, path in parts.items())
    checksum = hashlib.sha256(sums.encode()).hexdigest()
    return checked_data(arrays, classes or names, checksum, str(where), notes + decided, wanted, inputs or "images")


def layout_of(path: Path) -> Layout:
    """Return a table's layout from its first line. Raises StrataError if that is not text, or has no end."""
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
        delimiter = max(DELIMITERS, key=text.count)
        (fields,) = csv.reader([text], delimiter=delimiter)
    except (UnicodeDecodeError, ValueError, csv.Error):
        raise StrataError(f"{path}: its first line is not text with commas: save it as CSV in UTF-8") from None
    if len(fields) > MOST_COLUMNS:
        raise StrataError(f"{path}: more than {MOST_COLUMNS:,} columns: save the images as files in class folders")
    header = not all(_is_number(field) for field in fields)
    lowered = [field.strip().casefold() for field in fields]
    if header:
        label = next((number for number, name in enumerate(lowered) if name in LABELS), None)
        left = [number for number, name in enumerate(lowered) if name in NO_PIXELS and number != label]
    else:
        label, left = (0 if _side(len(fields) - 1) else None), []
    pixels = [number for number in range(len(fields)) if number != label and number not in left]
    places = [PLACE.fullmatch(lowered[number]) for number in pixels]
    rows, columns = (max((int(place[axis]) for place in places if place), default=0) for axis in (1, 2))
    shape = (rows, columns) if pixels and all(places) and rows * columns == len(pixels) else _side(len(pixels))
    return Layout(delimiter, header, label, pixels, shape, [fields[number] or "without a name" for number in left])


def _side(pixels: int) -> tuple[int, ...] | None:
    """Return the shape of a square image with so many values, of one colour or of three."""
    if pixels < 1:
        return None
    for channels in ((), (3,)):
        side = isqrt(pixels // 3 if channels else pixels)
        if side >= 2 and side * side * (3 if channels else 1) == pixels:
            return (side, side, *channels)
    return None


def _why_not(path: Path, layout: Layout, name: str | None = None) -> str:
    start = str(path) if name is None else name
    if not layout.shape:
        return f"{start}: {len(layout.pixels):,} columns besides label and id, which are no square image, grey or RGB"
    return f"{start}, without labels"


def _parts_of(paths: Sequence[Path], where: Path) -> tuple[dict[str, Path], list[str]]:
    if len(paths) == 1:
        return {WHOLE: paths[0]}, []
    sources = {}
    for path in paths:
        splits = parts_in(path.stem)
        if len(splits) != 1 or splits[0] in sources:
            raise StrataError(f"{where}: {path.name} is one of several tables: name them train.csv and test.csv")
        sources[splits[0]] = path
    return chosen_parts(sources, str(where))


def _read(path: Path, layout: Layout, kind: pa.DataType) -> tuple[NDArray[Any], NDArray[np.str_] | None]:
    """Return a table's images, or its numbers of another kind, and its labels as text, if it has any."""
    kinds = {f"f{number}": kind for number in layout.pixels}
    kinds |= {} if layout.label is None else {f"f{layout.label}": pa.string()}
    try:
        table = arrow_csv.read_csv(
            path,
            arrow_csv.ReadOptions(skip_rows=int(layout.header), autogenerate_column_names=True),
            arrow_csv.ParseOptions(delimiter=layout.delimiter),
            arrow_csv.ConvertOptions(column_types=kinds, include_columns=list(kinds), null_values=[]),
        )
    except (pa.ArrowException, OSError) as error:
        if width := WRONG_WIDTH.search(str(error)):
            raise StrataError(f"{path}: a row has {width[2]} columns, but the first {width[1]}") from None
        if "conversion error to uint8" in str(error):
            raise StrataError(
                f"{path}: a pixel is not a whole number from 0 to 255; from 0 to 1: (x * 255).round().astype('uint8')"
            ) from None
        if "conversion error to float" in str(error):
            raise StrataError(
                f"{path}: a feature is no number: leave such columns out, or write them as numbers"
            ) from None
        raise StrataError(f"{path}: cannot be read as CSV: damaged, or without rows") from None
    pixels = np.stack([table[f"f{number}"].to_numpy() for number in layout.pixels], axis=1)
    images = pixels.reshape(len(pixels), *(layout.shape or ()))
    labels = None if layout.label is None else np.array(table[f"f{layout.label}"].to_pylist(), dtype=str)
    return (upright(images) if is_emnist(path.name) and images.ndim == 3 else images), labels


def numbered(
    labels: Mapping[str, NDArray[np.str_]], wanted: Targets | None
) -> tuple[dict[str, NDArray[Any]], list[str] | None]:
    """Return labels as whole numbers, and the class names if the labels are texts: sorted, they are 0, 1, 2 ...

    Numbers that are not whole stay as they are, unless they are wanted as classes.
    """
    try:
        numbers = {part: found.astype(np.float64) for part, found in labels.items()}
        finite = all(np.isfinite(found).all() for found in numbers.values())
        whole = finite and all((found == np.round(found)).all() for found in numbers.values())
        if finite and (wanted == "values" or (not whole and wanted is None)):
            return dict(numbers), None
        if whole:
            return {part: np.clip(found, -(2**60), 2**60).astype(np.int64) for part, found in numbers.items()}, None
    except ValueError:
        pass
    classes = sorted({str(label) for found in labels.values() for label in found})
    places = {name: number for number, name in enumerate(classes)}
    return {part: np.array([places[str(label)] for label in found]) for part, found in labels.items()}, classes


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
