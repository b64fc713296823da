"""A layer's activations reduced for t-SNE, from its Parquet file, in memory that does not grow with the samples."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.activation_files import LayerInfo, iterate_activations, read_info
from strata.errors import StrataError
from strata.reduction import streamed_components

# A layer that takes no more memory than this is read once; a larger one is read anew for every pass.
CACHED_BYTES = 400e6


@dataclass(frozen=True)
class ReducedActivations:
    """A layer's samples: ids int32 (n,), values float32 (n, k), and whether all samples are the same."""

    info: LayerInfo
    sample_ids: NDArray[np.int32]
    values: NDArray[np.float32]
    constant: bool


def read_reduced(path: Path, components: int, seed: int) -> ReducedActivations:
    """Return a layer as it is where D is at most `components`, else its leading principal components.

    Raises StrataError as `iterate_activations` does, and where the file holds no samples.
    """
    info = read_info(path)
    ids, kept, size, same = [], [], 0.0, True
    first: NDArray[np.float32] | None = None
    for batch in iterate_activations(path):
        ids.append(batch.sample_ids)
        if first is None and len(batch.values):
            first = batch.values[0].copy()
        same = same and bool((batch.values == first).all())
        size += batch.values.nbytes
        if size <= CACHED_BYTES or info.units <= components:
            kept.append(batch.values)
        else:
            kept.clear()
    if first is None:
        raise StrataError(f"{path} holds no samples; run `dvc repro -f extract`")
    count = sum(map(len, ids))
    if info.units <= components:
        values = np.concatenate(kept)
    else:
        blocks: Callable[[], Iterable[NDArray[np.float32]]] = (
            (lambda: kept) if kept else (lambda: (batch.values for batch in iterate_activations(path)))
        )
        values = streamed_components(blocks, min(components, count), seed)
    return ReducedActivations(info, np.concatenate(ids), values, same)
