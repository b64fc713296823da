"""Arrays and images as text for the page: typed, compressed, in base64; images as sheets that are decoded lazily."""

import base64
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strata.report.figures.image_grid import sheet_of, shrunk

TYPES = ("float32", "int32", "int16", "uint16", "uint8")
COMPRESSED_FROM = 1024  # bytes; less is not worth a stream of its own
FINEST = 65535  # the largest uint16


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as a mapping of type, shape and base64 of its little-endian bytes, deflated (zlib) if that helps.

    Raises ValueError for a type that the page's script cannot read.
    """
    if values.dtype.name not in TYPES:
        raise ValueError(f"the page reads {', '.join(TYPES)}, not {values.dtype.name}")
    content = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    entry: dict[str, Any] = {"type": values.dtype.name, "shape": list(values.shape)}
    if len(content) >= COMPRESSED_FROM:
        small = zlib.compress(content, 6)
        if len(small) < 0.9 * len(content):
            entry["deflated"], content = True, small
    return entry | {"base64": base64.b64encode(content).decode("ascii")}


def packed_positions(values: NDArray[np.float32]) -> dict[str, Any]:
    """Return coordinates (n,) in 16 bits: what `packed` returns of their steps, and `low` and `step` to read them.

    A coordinate is exact to half a step, the 131,070th part of their range. Raises ValueError if one is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a position on a map is not a finite number")
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    step = (high - low) / FINEST or 1.0
    steps = np.rint((values.astype(np.float64) - low) / step).astype(np.uint16)
    return packed(steps) | {"low": low, "step": step}


def packed_rows(rows: NDArray[np.integer], count: int) -> dict[str, Any]:
    """Return rows of `count` samples, -1 for no sample, packed in the smallest type that has them all."""
    return packed(rows.astype(np.int16 if count <= np.iinfo(np.int16).max else np.int32))


def unpacked(entry: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array that `packed` or `packed_positions` encoded; of positions, float32."""
    kind = np.dtype(entry["type"]).newbyteorder("<")
    content = base64.b64decode(entry["base64"])
    values = np.frombuffer(zlib.decompress(content) if entry.get("deflated") else content, dtype=kind)
    if "step" in entry:
        values = (entry["low"] + entry["step"] * values.astype(np.float64)).astype(np.float32)
    return values.reshape(entry["shape"])


COLUMNS = 64
# Limits for one sheet, which is decoded when one of its images is shown, and for all sheets: larger images are
# shrunk. 70,000 images of MNIST fit as they are, and so do 20,000 of CIFAR's.
SHEET_PIXELS, MAX_PIXELS, MAX_SIDE = 500_000, 60_000_000, 256


@dataclass(frozen=True)
class Sprite:
    """Sheets of images, PNG as data addresses; image i is image i % `per_sheet` of sheet i // `per_sheet`.

    In a sheet, image j is in row j // `columns`, column j % `columns`, and is `height` x `width`.
    """

    sheets: list[str]
    per_sheet: int
    columns: int
    height: int
    width: int


def sprite_of(images: NDArray[np.uint8]) -> Sprite:
    """Return images, grey (n, H, W) or colour (n, H, W, 3), as sheets; they are shrunk if they do not fit."""
    count, height, width = images.shape[:3]
    small = shrunk(images, min(MAX_SIDE / max(height, width), (MAX_PIXELS / (count * height * width)) ** 0.5))
    height, width = small.shape[1:3]
    per_sheet = COLUMNS * max(1, SHEET_PIXELS // (COLUMNS * height * width))
    sheets = [_address(sheet_of(small[start : start + per_sheet], COLUMNS)) for start in range(0, count, per_sheet)]
    return Sprite(sheets, per_sheet, COLUMNS, height, width)


def _address(sheet: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
