"""What people have as data for a network: a DataLoader, a list of batches, or one array; as arrays of all samples."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from strata.core.errors import StrataError, in_short, listed
from strata.dataset.description import InputKind

LABEL_KEYS = ("labels", "label", "targets", "target", "y")
MASK_KEYS = ("attention_mask", "mask")
INPUT_KEYS = ("input_ids", "pixel_values", "inputs_embeds", "inputs", "input", "images", "image", "x")
WITH_LABELS = 2  # parts of a batch: inputs, labels


@dataclass(frozen=True)
class Collected:
    """All samples of some batches: inputs (n, ...), what is known of each (n, ...), and a mask (n, T), if there is one.

    `input_name` and `mask_name` are the names that batches with names have for them.
    """

    inputs: NDArray[Any]
    labels: NDArray[Any] | None = None
    mask: NDArray[Any] | None = None
    input_name: str | None = None
    mask_name: str | None = None


def input_kind(inputs: NDArray[Any]) -> InputKind:
    """Return what inputs are: whole numbers (n, T) are ids of tokens, anything else is numbers."""
    return "tokens" if inputs.ndim == 2 and inputs.dtype.kind in "iu" and inputs.dtype != np.uint8 else "numbers"


def collected(batches: Any, labels: Any = None) -> Collected:
    """Return all samples of batches, in their order.

    `batches` is one array or tensor (n, ...), or an iterable, such as a DataLoader, of batches: inputs, or (inputs,
    labels), or a mapping with names as in Hugging Face's. `labels` (n, ...) come before those in the batches. Raises
    StrataError where it cannot tell inputs from labels, batches do not fit together, or nothing is in them.
    """
    if isinstance(batches, np.ndarray | torch.Tensor):
        batches = [batches]
    if not isinstance(batches, Iterable) or isinstance(batches, str | bytes | Mapping):
        raise StrataError(f"batches: a {type(batches).__name__} is no DataLoader, list of batches, array or tensor")
    parts = [_parted(batch) for batch in batches]
    if not parts:
        raise StrataError("batches: there are none; a generator that was read once is empty the next time")
    names = {(part.input_name, part.mask_name, part.labels is None) for part in parts}
    if len(names) > 1:
        raise StrataError("batches: they differ in their parts: some have labels, a mask or names that others lack")
    found = Collected(
        inputs=_joined([part.inputs for part in parts], "inputs"),
        labels=_all_or_none([part.labels for part in parts], "labels"),
        mask=_all_or_none([part.mask for part in parts], "masks"),
        input_name=parts[0].input_name,
        mask_name=parts[0].mask_name,
    )
    known = found.labels if labels is None else _array(labels, "labels")
    for what, values in (("labels", known), ("rows of the mask", found.mask)):
        if values is not None and len(values) != len(found.inputs):
            raise StrataError(f"batches: {len(found.inputs)} inputs, but {len(values)} {what}")
    return replace(found, labels=known)


def _parted(batch: Any) -> Collected:
    if isinstance(batch, Mapping):
        return _named(batch)
    if isinstance(batch, Sequence) and not isinstance(batch, str | bytes):
        if len(batch) == WITH_LABELS:
            return Collected(_array(batch[0], "inputs"), _array(batch[1], "labels"))
        if len(batch) != 1:
            raise StrataError(
                f"batches: a batch has {len(batch)} parts; yield inputs, (inputs, labels), or a dict such as"
                " {'input_ids': ..., 'attention_mask': ..., 'labels': ...}"
            )
        batch = batch[0]
    return Collected(_array(batch, "inputs"))


def _named(batch: Mapping[str, Any]) -> Collected:
    inputs, masks, labels = ([key for key in keys if key in batch] for keys in (INPUT_KEYS, MASK_KEYS, LABEL_KEYS))
    if not inputs:
        raise StrataError(f"batches: a batch has {listed(batch)}; name its inputs one of {listed(INPUT_KEYS)}")
    rest = [key for key in batch if key not in (inputs[0], *masks[:1], *labels[:1])]
    if rest:
        raise StrataError(f"batches: leave {listed(rest)} out of the batches: only inputs, a mask and labels are taken")
    return Collected(
        inputs=_array(batch[inputs[0]], inputs[0]),
        labels=_array(batch[labels[0]], labels[0]) if labels else None,
        mask=_array(batch[masks[0]], masks[0]) if masks else None,
        input_name=inputs[0],
        mask_name=masks[0] if masks else None,
    )


def _array(values: Any, what: str) -> NDArray[Any]:
    """Return values as an array of numbers."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
        return np.asarray(values.numpy())
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise StrataError(f"batches: {what} are no array: {in_short(error)}") from None
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise StrataError(f"batches: {what} are no array of numbers, but of {array.dtype} with {array.ndim} dimensions")
    return array


def _joined(parts: Sequence[NDArray[Any]], what: str) -> NDArray[Any]:
    sizes = {part.shape[1:] for part in parts}
    if len(sizes) > 1:
        few = " and ".join(" x ".join(map(str, size)) or "1" for size in sorted(sizes, key=str)[:2])
        raise StrataError(f"batches: {what} of different sizes, {few}: pad or crop them to one")
    return np.concatenate(parts)


def _all_or_none(parts: Sequence[NDArray[Any] | None], what: str) -> NDArray[Any] | None:
    there = [part for part in parts if part is not None]
    return _joined(there, what) if there else None
