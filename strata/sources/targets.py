"""The targets of user data: a class for each sample, numbers to predict, or which of several labels apply."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import Targets

MAX_CLASSES = 1000
BY_HAND = "set dataset.targets"


def kind_of(labels: Mapping[str, NDArray[Any]], wanted: Targets | None, where: str) -> Targets:
    """Return what labels by part, (n,) or (n, k), are: `wanted`, or else what they can only be.

    Numbers that are not whole are values; columns of 0 and 1 are several labels; other columns are values. Raises
    StrataError for labels that can be two things: whole numbers as floats, and rows with a single 1.
    """
    if wanted is not None:
        return wanted
    first = next(iter(labels.values()))
    columns = _columns([part for part in labels.values() if part.ndim == first.ndim])
    if columns is None or columns.dtype.kind not in "iuf":
        return "classes"  # which says what is wrong with them
    whole = columns.dtype.kind in "iu" or bool((columns == np.round(columns)).all())
    if columns.shape[1] == 1:
        if whole and columns.dtype.kind == "f":
            raise StrataError(
                f"{where}: labels are {columns.dtype}, but whole numbers: {BY_HAND} to classes, or to values"
            )
        return "classes" if whole else "values"
    if not np.isin(columns, (0, 1)).all():
        return "values"
    if (columns.sum(axis=1) == 1).all():
        raise StrataError(f"{where}: each row of the labels has a single 1: {BY_HAND} to classes, or to multi-label")
    return "multi-label"


def _columns(parts: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """Return labels (n,) or (n, k) as (n, k); None for other shapes."""
    shaped = [part[:, None] if part.ndim == 1 else part for part in parts]
    if any(part.ndim != 2 or not part.shape[1] for part in shaped) or len({part.shape[1] for part in shaped}) > 1:
        return None
    return np.concatenate(shaped)


def checked_labels(labels: NDArray[Any], prefix: str) -> NDArray[np.int32]:
    """Return labels as int32 (n,), also from rows with a single 1; else raise StrataError that begins with `prefix`."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if (
        labels.ndim == 2
        and labels.dtype.kind in "iuf"
        and np.isin(labels, (0, 1)).all()
        and (labels.sum(axis=1) == 1).all()
    ):
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        hint = "; from one-hot vectors: labels.argmax(axis=1)" if labels.ndim == 2 else ""
        raise StrataError(f"{prefix}labels are {shape_text(labels)}, not (n,){hint}")
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.round(labels)).all():
        labels = labels.clip(-(2**60), 2**60).astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise StrataError(f"{prefix}labels are {labels.dtype}, not whole numbers from 0; put names into class_names")
    if len(labels) and labels.min() < 0:
        raise StrataError(f"{prefix}labels go down to {labels.min()}: they must be whole numbers from 0")
    if len(labels) and labels.max() >= MAX_CLASSES:
        raise StrataError(f"{prefix}labels go up to {labels.max()}: more than {MAX_CLASSES:,} classes")
    return labels.astype(np.int32)


def checked_targets(
    labels: Mapping[str, NDArray[Any]], kind: Targets, names: Sequence[str] | None, where: str
) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...]]:
    """Return numbers, or 0 and 1 for several labels, float32 (n, k) by part, and their names, `names` if they fit.

    Raises StrataError, with a line that begins with `where`, if they are no finite numbers, or the parts do not fit.
    """
    columns = _columns(list(labels.values()))
    if columns is None or columns.dtype.kind not in "iufb":
        shapes = " and ".join(shape_text(part) for part in labels.values())
        raise StrataError(f"{where}: targets are {shapes} of {next(iter(labels.values())).dtype}, not numbers (n, k)")
    if not np.isfinite(columns).all():
        raise StrataError(f"{where}: a target is not a finite number")
    if np.abs(columns).max(initial=0) > np.finfo(np.float32).max:
        raise StrataError(f"{where}: a target is too large for float32: scale the targets")
    if kind == "multi-label" and not np.isin(columns, (0, 1)).all():
        raise StrataError(f"{where}: several labels are 0 or 1, and others are there: {BY_HAND} to values")
    count = columns.shape[1]
    if names is not None and len(names) != count:
        raise StrataError(f"{where}: {len(names)} names, but {count} targets: one name for each")
    start = "target" if kind == "values" else "label"
    named = names or ([start] if count == 1 else [f"{start} {number}" for number in range(count)])
    return {part: each.reshape(len(each), count).astype(np.float32) for part, each in labels.items()}, tuple(named)


def shape_text(array: NDArray[Any]) -> str:
    """Return an array's shape as text, such as `(12, 16, 16)`."""
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"
