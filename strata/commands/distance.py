"""How far a recomputed artifact is from the recorded one: the largest difference, and the share of neighbours kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strata.commands.recorded import cached
from strata.core.errors import in_short
from strata.core.files import md5_of
from strata.measures.neighbours import neighbour_blocks
from strata.measures.similarity import neighbourhood_overlap

NEIGHBOURS = 15


def how_far(objects: Path, md5: str | None, recomputed: Path) -> str:
    """Return a text in brackets about the first file that differs, or nothing if the recorded file is not in the cache.

    `md5` is the hash of the recorded file or folder; `objects` is the folder of all objects in DVC's cache.
    """
    pair = _first_different(objects, md5, recomputed)
    if pair is None:
        return ""
    before, after = pair
    try:
        return f" ({after.name}: {_compared(before, after)})"
    except (ValueError, KeyError, OSError) as error:
        return f" ({after.name}: cannot be compared, {in_short(error)})"


def _first_different(objects: Path, md5: str | None, recomputed: Path) -> tuple[Path, Path] | None:
    if md5 is None or not cached(objects, md5).is_file():
        return None
    if not md5.endswith(".dir"):
        return cached(objects, md5), recomputed
    for entry in json.loads(cached(objects, md5).read_text(encoding="utf-8")):
        before, after = cached(objects, entry["md5"]), recomputed / entry["relpath"]
        if before.is_file() and after.is_file() and md5_of(after) != entry["md5"]:
            return before, after
    return None


def _compared(before: Path, after: Path) -> str:
    if after.suffix == ".parquet":
        return _tables(pq.read_table(before).to_pandas(), pq.read_table(after).to_pandas())
    if after.suffix == ".csv":
        return _tables(pd.read_csv(before), pd.read_csv(after))
    return f"{before.stat().st_size:,} and {after.stat().st_size:,} bytes"


def _tables(before: pd.DataFrame, after: pd.DataFrame) -> str:
    if before.shape != after.shape or list(before.columns) != list(after.columns):
        return f"{before.shape[0]} x {before.shape[1]} and {after.shape[0]} x {after.shape[1]} values"
    numbers = [column for column in before.columns if _is_numeric(before[column])]
    largest = max((float(np.nanmax(np.abs(_matrix(before[c]) - _matrix(after[c])))) for c in numbers), default=0.0)
    text = f"largest difference {largest:.3g}"
    if {"x", "y"} <= set(numbers) and len(before) > NEIGHBOURS:
        near = [_neighbours(table[["x", "y"]].to_numpy(np.float64)) for table in (before, after)]
        text += f", {neighbourhood_overlap(*near).mean():.1%} of {NEIGHBOURS} neighbours kept"
    return text


def _is_numeric(column: "pd.Series[Any]") -> bool:
    return column.dtype.kind in "fiu" or isinstance(column.iloc[0] if len(column) else None, np.ndarray)


def _matrix(column: "pd.Series[Any]") -> NDArray[np.float64]:
    return np.asarray(np.stack(list(column)) if column.dtype == object else column, dtype=np.float64)


def _neighbours(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.concatenate([block.nearest for block in neighbour_blocks(points, NEIGHBOURS)])
