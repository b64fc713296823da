"""Where the activations that are measured lie during the stage: one array a network, set of images and layer.

Layers of large images do not fit into memory all at once, and the extract stage keeps neither the training images nor
an untrained network. So the stage writes what it needs into a scratch folder, and each job maps its own arrays.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import Activations, LayerInfo
from strata.artifacts.measured import PROJECTION, TRAINED, UNTRAINED
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import Samples
from strata.core.guard import removed_if_killed
from strata.measures.labels import LabelledSets

SPACES = (TRAINED, UNTRAINED, PROJECTION)
POINTS, REFERENCE, HELD_OUT = "points", "reference", "held_out"
# In place of a set of images: all squared distances of the points, float64 (n, n), and each point's sum of them.
DISTANCES, DISTANCE_SUMS = "distances", "distance_sums"
MAPPED = "mapped"  # all points of the maps, where only some of them are measured


def keeps_distances(points: int, units: int) -> bool:
    """Return whether all distances of a layer's points are kept: where they take up to four times its activations.

    To compute them again, for each measure that needs them, takes much longer than to read them.
    """
    return points <= 2 * units


@dataclass(frozen=True)
class Distances:
    """All squared distances of a layer's points (n, n), infinite from a point to itself; their finite sums (n,)."""

    squared: NDArray[np.float64]
    sums: NDArray[np.float64]


@dataclass(frozen=True)
class SpaceFiles:
    """A scratch folder of arrays float32 (n, D), by space (a network or a control), set of images, and layer."""

    folder: Path

    def path(self, space: str, images: str, layer: str) -> Path:
        """The file of one array."""
        return self.folder / f"{space}.{images}.{layer}.npy"

    def read(self, space: str, images: str, layer: str) -> NDArray[np.float32]:
        """Return one array, mapped, not loaded."""
        return np.load(self.path(space, images, layer), mmap_mode="r")

    def are_equal(self, space: str, other: str, images: str, layer: str) -> bool:
        """Return whether two spaces have the same array."""
        first, second = self.read(space, images, layer), self.read(other, images, layer)
        few = slice(0, 8)  # to tell most of them apart without reading them
        return np.array_equal(first[few], second[few]) and np.array_equal(first, second)

    def write(self, space: str, images: str, layer: str, values: NDArray[np.float32]) -> None:
        """Write one array."""
        self.create(space, images, layer, values.shape)[:] = values

    def create(self, space: str, images: str, layer: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return a new mapped array to fill."""
        return self._create(self.path(space, images, layer), np.float32, shape)

    def create_distances(self, space: str, layer: str, count: int) -> Distances:
        """Return new mapped arrays of zeros, to fill with all squared distances of a layer's points."""
        return Distances(
            self._create(self.path(space, DISTANCES, layer), np.float64, (count, count)),
            self._create(self.path(space, DISTANCE_SUMS, layer), np.float64, (count,)),
        )

    def distances(self, space: str, layer: str) -> Distances | None:
        """Return all squared distances of a layer's points, mapped; None where they are not kept."""
        paths = [self.path(space, kind, layer) for kind in (DISTANCES, DISTANCE_SUMS)]
        return Distances(*(np.load(path, mmap_mode="r") for path in paths)) if paths[0].exists() else None

    def _create(self, path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
        try:
            array = np.lib.format.open_memmap(path, "w+", kind, shape)
            if hasattr(os, "posix_fallocate"):  # filling a page without room on the disk ends a process without a word
                with path.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        return array


@dataclass(frozen=True)
class Measured:
    """What is measured: `rows` (n,) of the extracted samples, all samples, the labels of all sets if any, the origin.

    `held_out` names the set of images that are read: the points themselves where they are test images.
    """

    rows: NDArray[np.intp]
    samples: Samples
    labels: LabelledSets | None
    held_out: str
    provenance: Provenance


@dataclass(frozen=True)
class WrittenSpace:
    """A space whose arrays are all written.

    `same_as_trained` are the layers whose activations are those of the trained network, as the input's always are;
    `projections`, of random projections, names the layer whose projection each layer shares.
    """

    space: str
    same_as_trained: frozenset[str] = frozenset()
    projections: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def scratch_spaces(beside: Path) -> Iterator[SpaceFiles]:
    """Context of an empty scratch folder beside a path, removed at the end; Git ignores its name."""
    folder = beside.with_name(f".{beside.name}.part")
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with removed_if_killed(folder):
        try:
            yield SpaceFiles(folder)
        finally:
            rmtree(folder, ignore_errors=True)


def copy_points(
    files: SpaceFiles, info: LayerInfo, batches: Iterable[Activations], rows: NDArray[np.intp], count: int
) -> None:
    """Copy the given ascending rows of a layer's `count` activations, which come in batches, into the scratch folder.

    Where they are not all, all are copied, too, as MAPPED.
    """
    target = files.create(TRAINED, POINTS, info.layer, (len(rows), info.units))
    mapped = files.create(TRAINED, MAPPED, info.layer, (count, info.units)) if len(rows) < count else None
    done = before = 0
    for batch in batches:
        if mapped is not None:
            mapped[before : before + len(batch.values)] = batch.values
        inside = rows[(rows >= before) & (rows < before + len(batch.sample_ids))] - before
        target[done : done + len(inside)] = batch.values[inside]
        done, before = done + len(inside), before + len(batch.sample_ids)
