"""User data that are no images: arrays of numbers, and token ids with or without a mask."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import InputKind
from strata.sources.targets import shape_text

MOST_TOKENS = 1 << 24  # a larger id is surely a mistake


def checked_numbers(values: NDArray[Any], prefix: str) -> NDArray[np.float32]:
    """Return numbers as float32 (n, ...); else raise StrataError with a line that begins with `prefix`."""
    if values.dtype.kind not in "iufb" or values.ndim < 2 or not values.size:
        raise StrataError(f"{prefix}numbers are {shape_text(values)} of {values.dtype}, not (n, ...) of numbers")
    with np.errstate(over="ignore"):
        found = values.astype(np.float32)
    if not np.isfinite(found).all():
        raise StrataError(f"{prefix}a number is missing, not finite, or too large for float32")
    return found


def checked_tokens(ids: NDArray[Any], mask: NDArray[Any] | None, prefix: str) -> NDArray[np.int32]:
    """Return token ids as int32 (n, T), with their mask (n, 2, T); else raise StrataError."""
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or not ids.size:
        raise StrataError(f"{prefix}token ids are {shape_text(ids)} of {ids.dtype}, not (n, T) of whole numbers")
    if ids.min() < 0 or ids.max() >= MOST_TOKENS:
        raise StrataError(f"{prefix}token ids go from {ids.min()} to {ids.max()}: they must be whole numbers from 0")
    if mask is None:
        return ids.astype(np.int32)
    if mask.shape != ids.shape or not np.isin(mask, (0, 1)).all():
        raise StrataError(f"{prefix}the mask is {shape_text(mask)}, not 0 or 1 for each of the ids {shape_text(ids)}")
    if not mask.any(axis=1).all():
        raise StrataError(f"{prefix}the mask of sample {int(np.argmin(mask.any(axis=1)))} has no 1")
    return np.stack([ids, mask], axis=1).astype(np.int32)


def kind_of_inputs(names: list[str], wanted: InputKind | None) -> InputKind:
    """Return what arrays of these names are: as `wanted`, or tokens by their name, or images."""
    words = {word for name in names for word in name.casefold().replace("_", " ").split()}
    return wanted or ("tokens" if words & {"ids", "tokens"} else "images")
