"""User data as Parquet files of encoded images and labels, as Hugging Face stores them, in one file or in shards."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.sources.image_file import LostColours, decoded
from strata.sources.labelled_arrays import WHOLE, OwnData, checked_data
from strata.sources.params import Colour
from strata.sources.splits import chosen_parts, part_named

LABELS = ("label", "labels", "fine_label", "class", "target", "y")
SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?:-[0-9a-f]+)?")
ROWS = 256  # decoded at a time
LIMIT = 16 << 30  # bytes of pixels


def shards_in(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder, and of the folders in it that are named as splits, sorted."""
    inner = [path for path in folder.iterdir() if path.is_dir() and part_named(path.name)]
    return sorted(path for each in (folder, *inner) for path in each.glob("*.parquet") if path.is_file())


def read_parquet(
    paths: Sequence[Path],
    colour: Colour,
    side: int | None,
    names: Sequence[str] | None,
    where: Path,
    alone: bool = False,
) -> OwnData:
    """Return the images and labels of Parquet files, in the order of the shards.

    There are no labels where no other column could be one, or if only images are wanted, `alone`.

    Classes have the names in the files' own description, or else `names`. Raises StrataError, with a line that names
    the file, if a shard is missing, a column is, or a row is no image with a label.
    """
    parts, notes = _parts_of(paths, where)
    reader = _Reader(where, colour, side, alone)
    arrays: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    texts: dict[str, list[Any]] = {}
    for part, shards in parts.items():
        images, texts[part] = reader.read(shards)
        arrays[part] = images, np.empty(0)
    named = reader.names
    if any(isinstance(label, str) for labels in texts.values() for label in labels):
        named = sorted({str(label) for labels in texts.values() for label in labels})
        texts = {part: [named.index(str(label)) for label in labels] for part, labels in texts.items()}
    labelled: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {
        part: (images, None if None in texts[part] else np.array(texts[part], dtype=np.int64))
        for part, (images, _) in arrays.items()
    }
    sums = "".join(f"{path.name}\0{sha256_of(path)}\n" for shards in parts.values() for path in shards)
    checksum = hashlib.sha256(sums.encode()).hexdigest()
    return checked_data(labelled, named or names, checksum, str(where), [*notes, *reader.lost.notes])


def _parts_of(paths: Sequence[Path], where: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return part's name -> its shards, none of them missing."""
    sources: dict[str, list[Path]] = {}
    for path in paths:
        shard = SHARD.fullmatch(path.stem)
        split = shard["split"] if shard else path.stem
        inner = path.parent.name if path.parent != where else ""
        sources.setdefault(inner if part_named(inner) else split, []).append(path)
        if shard:
            for number in range(int(shard["count"])):
                other = path.with_name(path.name.replace(f"-{shard['number']}-of", f"-{number:05}-of"))
                if "-of-" in other.stem and not other.is_file():
                    raise StrataError(f"{where}: {other.name} is missing: download it, too")
    if len(paths) == 1:
        return {WHOLE: list(paths)}, []
    unknown = [split for split in sources if part_named(split) is None]
    if unknown and len(sources) > 1:
        raise StrataError(f"{where}: which part is '{unknown[0]}'? Move it away, or name it train, test or validation")
    return ({WHOLE: list(paths)}, []) if unknown else chosen_parts(sources, str(where))


class _Reader:
    """Reads shards into arrays of images of one size."""

    def __init__(self, where: Path, colour: Colour, side: int | None, alone: bool) -> None:
        self._where, self._colour, self._side = where, colour, side
        self._alone = alone
        self._size: tuple[int, ...] | None = None
        self._bytes = 0
        self.lost = LostColours(colour)
        self.names: list[str] | None = None

    def read(self, shards: Sequence[Path]) -> tuple[NDArray[np.uint8], list[Any]]:
        """Return images (n, H, W[, 3]) and labels, whole numbers or texts, or None for each where there are none."""
        images: list[NDArray[np.uint8]] = []
        labels: list[Any] = []
        for path in shards:
            try:
                for image, label in self._rows(path):
                    images.append(image)
                    labels.append(label)
            except (pa.ArrowException, OSError, UnicodeDecodeError):
                raise StrataError(f"{path}: cannot be read as Parquet: damaged, or in another format") from None
        return (np.stack(images) if images else np.empty((0, 0, 0), np.uint8)), labels

    def _rows(self, path: Path) -> Iterator[tuple[NDArray[np.uint8], Any]]:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            image, label, names = columns_of(schema, path, self._alone)
        self.names = names if names is not None else self.names
        packed = f"{image}.bytes" if pa.types.is_struct(schema.field(image).type) else image
        row = 0
        # As a dictionary, one large value that many rows share is in memory once.
        with pq.ParquetFile(path, read_dictionary=[packed]) as file:
            for group in range(file.num_row_groups):  # one at a time: each has a dictionary of its own
                wanted = [packed] if label is None else [packed, label]
                for batch in file.iter_batches(ROWS, [group], wanted):
                    found = batch.column(image)
                    contents = found.field("bytes") if pa.types.is_struct(found.type) else found
                    values = [None] * len(contents) if label is None else batch.column(label).to_pylist()
                    for content, value in zip(contents, values, strict=True):
                        row += 1
                        known = None if label is None else _label(value, path, row)
                        yield self._image(content.as_py(), f"{path}: row {row}"), known

    def _image(self, content: bytes | None, where: str) -> NDArray[np.uint8]:
        if content is None:
            raise StrataError(
                f"{where}: has no image bytes, perhaps only a path: embed the files, or use class folders"
            )
        image = decoded(content, self._colour, self._side, where)
        self.lost.look(content)
        self._size = self._size or image.shape
        if image.shape != self._size:
            raise StrataError(
                f"{where}: is {image.shape[0]} x {image.shape[1]} pixels, not {self._size[0]} x {self._size[1]} as the"
                " first; set dataset.image_side to resize all images"
            )
        self._bytes += image.nbytes
        if self._bytes > LIMIT:
            raise StrataError(f"{where}: the images unpack to more than {LIMIT >> 30} GiB; set a smaller image_side")
        return image


def _label(value: Any, path: Path, row: int) -> Any:
    if not isinstance(value, int | str) or (isinstance(value, int) and abs(value) >= 1 << 62):
        raise StrataError(f"{path}: row {row}: its label is {str(value)[:40]!r}, not a whole number or a text")
    return value


def columns_of(schema: pa.Schema, path: Path, alone: bool = False) -> tuple[str, str | None, list[str] | None]:
    """Return the columns of images and of labels, and the class names in the schema's description, if it has them.

    Images are binary, or structs with binary `bytes`. There are no labels if only images are wanted, `alone`, or no
    other column has whole numbers or texts. Raises StrataError if no column, or more than one, may be either.
    """
    images = [field.name for field in schema if _holds_bytes(field.type)]
    described = _class_labels(schema)
    simple = [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_string(field.type)]
    labels = [name for name in LABELS if name in simple] or [name for name in described if name in simple]
    labels = labels or (simple if len(simple) == 1 else [])
    if len(images) == 1 and (alone or not simple):
        return images[0], None, None
    if len(images) != 1 or not labels:
        present = ", ".join(f"{field.name} ({str(field.type)[:20]})" for field in schema)[:80]
        remedy = "; or set dataset.targets: none" if len(images) == 1 else ""
        raise StrataError(f"{path}: needs a column of image bytes and one named label; it has: {present!r}{remedy}")
    return images[0], labels[0], described.get(labels[0])


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in kind)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _class_labels(schema: pa.Schema) -> Mapping[str, list[str]]:
    """Return column's name -> class names, from the description that Hugging Face's datasets writes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        found = {name: feature["names"] for name, feature in features.items() if feature.get("_type") == "ClassLabel"}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return {}
    return {
        name: names
        for name, names in found.items()
        if isinstance(names, list) and all(isinstance(name, str) for name in names)
    }
