"""Reduce a layer to its leading principal components before embedding, as is usual (no scaling per feature).

The samples are read in blocks, in several passes, so that memory use does not grow with their number.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import LayerInfo, iterate_activations, read_info
from strata.core import streams
from strata.core.errors import StrataError

# Up to this many units the covariance matrix is small, up to so many samples the Gram matrix: eigenvectors are exact.
EXACT_UNITS, EXACT_SAMPLES = 1000, 1000
NEGLIGIBLE = 1e-12  # variances, relative to the largest, that are rounding errors
UNITS = 4096  # units of the samples at a time, for the Gram matrix
# With more of both, randomized subspace iteration: extra directions, and the number of power iterations.
OVERSAMPLING, POWER_ITERATIONS = 20, 4
ROWS = 500  # rows per block of an array in memory

Blocks = Callable[[], Iterable[NDArray[np.float32]]]


def principal_components(values: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Return the scores (n, k) of the leading k = min(components, n, D) principal components of values (n, D)."""
    if len(values) <= EXACT_SAMPLES and values.shape[1] > EXACT_UNITS:
        return components_by_gram_matrix(values, components)

    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(values), ROWS):
            yield values[start : start + ROWS]

    return streamed_components(blocks, min(components, *values.shape), seed)


def reduced(values: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Return `values` (n, D) unchanged if D is at most `components`, else their leading principal components."""
    return values if values.shape[1] <= components else principal_components(values, components, seed)


def components_by_gram_matrix(values: NDArray[np.float32], components: int) -> NDArray[np.float32]:
    """Return the scores (n, k) of the leading k = min(components, n) components of few values (n, D), n < D.

    Through the samples' products with each other, exactly. Components without variance are 0; the largest loading of
    each is positive.
    """
    gram, middle = np.zeros((len(values), len(values))), values.mean(axis=0, dtype=np.float64)
    for start in range(0, values.shape[1], UNITS):
        part = values[:, start : start + UNITS] - middle[start : start + UNITS]
        gram += part @ part.T
    variances, vectors = np.linalg.eigh(gram)
    leading, kept = vectors[:, ::-1][:, :components], variances[::-1][:components]
    kept = np.where(kept > NEGLIGIBLE * max(kept[0], 0), kept, 0)
    loadings = (leading.T @ values - np.outer(leading.sum(axis=0), middle)).T.astype(np.float64)
    return _with_positive_loadings(leading * np.sqrt(kept), loadings)


def _with_positive_loadings(scores: NDArray[np.float64], loadings: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return scores (n, k), turned so that the largest in size of each component's loadings (D, k) is positive."""
    largest = loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])]
    return (scores * np.where(largest < 0, -1, 1)).astype(np.float32)


def streamed_components(blocks: Blocks, components: int, seed: int) -> NDArray[np.float32]:
    """Return the scores (n, k) of the leading k principal components of values that come in blocks (b, D).

    Each call of `blocks` must yield the same blocks. The result is exact, through the covariance matrix, if D is at
    most 1,000; otherwise it comes from randomized subspace iteration (Halko, Martinsson & Tropp 2011) with `seed`. The
    largest loading of each component is positive.
    """
    first = next(iter(blocks()))
    shift = first.mean(axis=0)  # near the mean, so that little precision is lost if the mean is large
    units = len(shift)
    if units <= EXACT_UNITS:
        basis = np.eye(units, dtype=np.float32)
    else:
        directions = streams.principal_directions(seed)
        basis = directions.standard_normal((units, components + OVERSAMPLING), dtype=np.float32)
        for _ in range(POWER_ITERATIONS):
            basis = np.linalg.qr(_covariance_times(blocks, shift, np.linalg.qr(basis)[0]))[0].astype(np.float32)
    projected = np.concatenate([(block - shift) @ basis for block in blocks()]).astype(np.float64)
    projected -= projected.mean(axis=0)
    vectors = np.linalg.eigh(projected.T @ projected)[1][:, ::-1][:, :components]
    return _with_positive_loadings(projected @ vectors, basis @ vectors)


def _covariance_times(blocks: Blocks, shift: NDArray[np.float32], basis: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the covariance matrix (D, D), times n, times the basis (D, r), without forming it."""
    product = np.zeros(basis.shape)
    total, count = np.zeros(len(shift)), 0
    for block in blocks():
        shifted = block - shift
        product += shifted.T @ (shifted @ basis)
        total += shifted.sum(axis=0, dtype=np.float64)
        count += len(block)
    return product - np.outer(total, total @ basis) / count


# A layer up to this size, such as 10,000 images in the default network's widest, is read once and kept in memory;
# a larger one is read again for every pass.
CACHED_BYTES = 500e6


@dataclass(frozen=True)
class ReducedActivations:
    """A layer's samples: ids int32 (n,), values float32 (n, k), and whether all samples are equal."""

    info: LayerInfo
    sample_ids: NDArray[np.int32]
    values: NDArray[np.float32]
    constant: bool


def read_reduced(path: Path, components: int, seed: int) -> ReducedActivations:
    """Return a layer unchanged if D is at most `components`, else its leading principal components.

    Raises StrataError as `iterate_activations` does, and if the file has no samples.
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
    elif kept and count <= EXACT_SAMPLES:
        values = principal_components(np.concatenate(kept), components, seed)
    else:
        blocks: Callable[[], Iterable[NDArray[np.float32]]] = (
            (lambda: kept) if kept else (lambda: (batch.values for batch in iterate_activations(path)))
        )
        values = streamed_components(blocks, min(components, count), seed)
    return ReducedActivations(info, np.concatenate(ids), values, same)
