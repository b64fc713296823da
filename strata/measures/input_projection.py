"""The control "random projection": the network's inputs in as many random directions as a layer has units.

Small matrices are dense, of Gaussian numbers. The dense matrix for images of 224 x 224 x 3 would take 84 GiB, so a
large one is sparse, and drawn a few dimensions at a time.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from strata.artifacts.measured import PROJECTION
from strata.core import streams
from strata.measures.space_files import SpaceFiles

MOST_DENSE = 1 << 24  # elements of a dense matrix: 64 MiB
DIMENSIONS = 4096  # of a sparse matrix at a time
MOST_INPUTS = 1 << 25  # numbers that are projected at a time: 128 MiB

Inputs = Callable[[slice], NDArray[np.float32]]


def projections_of(units: Mapping[str, int], inputs: int) -> dict[str, str]:
    """Return for every layer (name -> units) the first layer that has the same random projection of the inputs.

    It has as many dimensions as the layer has units, at most as the network has inputs: more could add nothing.
    """
    first: dict[int, str] = {}
    return {layer: first.setdefault(min(count, inputs), layer) for layer, count in units.items()}


def project_input(
    files: SpaceFiles, images: str, count: int, read: Inputs, units: Mapping[str, int], seed: int
) -> dict[str, str]:
    """Write the layers' random projections of the network's inputs (n, D); return `projections_of` them.

    `read` returns some rows of the n = `count` > 0 inputs. The matrix depends on `seed` and the dimensions only, so it
    is the same for all sets of images.
    """
    width = read(slice(0, 1)).shape[1]
    shared = projections_of(units, width)
    for layer in sorted(set(shared.values())):
        size = min(units[layer], width)
        target = files.create(PROJECTION, images, layer, (count, size))
        dense = dense_matrix(width, size, seed) if width * size <= MOST_DENSE else None
        step = max(1, MOST_INPUTS // width)
        for start in range(0, count, step):
            rows = slice(start, min(start + step, count))
            values = read(rows)
            if dense is not None:
                target[rows] = values @ dense
                continue
            columns_first = np.ascontiguousarray(values.T)
            for first, matrix in sparse_matrices(width, size, seed):
                target[rows, first : first + matrix.shape[0]] = (matrix @ columns_first).T
    return shared


def dense_matrix(width: int, size: int, seed: int) -> NDArray[np.float32]:
    """Return a Gaussian matrix (width, size) that keeps squared distances on average."""
    matrix = streams.random_projection(seed, size).standard_normal((width, size), dtype=np.float32)
    return matrix / np.float32(size**0.5)


def sparse_matrices(width: int, size: int, seed: int) -> Iterator[tuple[int, csr_matrix]]:
    """Yield the first dimension and the rows (d, width) of a sparse matrix (size, width) that keeps squared distances.

    A row has sqrt(width) elements, at random places, of one size and random signs; d is at most DIMENSIONS. After Li,
    Hastie & Church 2006, Very sparse random projections; but a place may be drawn twice, which changes no mean.
    """
    drawn, each = streams.random_projection(seed, size), max(1, round(width**0.5))
    element = np.float32((width / (each * size)) ** 0.5)
    for first in range(0, size, DIMENSIONS):
        count = min(DIMENSIONS, size - first)
        places = drawn.integers(width, size=count * each, dtype=np.int32)
        elements = np.where(drawn.integers(2, size=count * each, dtype=np.int8), element, -element)
        ends = np.arange(0, count * each + 1, each, dtype=np.int32)
        yield first, csr_matrix((elements, places, ends), shape=(count, width))
