"""One layer's points measured in its full space, and its map against it: the work of one process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED
from strata.measures.intrinsic_dimension import TwoNN, two_nn
from strata.measures.map_quality import PointTrust, distance_correlation, neighbour_ranks, point_trust
from strata.measures.neighbours import neighbour_blocks, neighbours_among_all, two_nearest_distances
from strata.measures.space_files import MAPPED, POINTS, SpaceFiles


@dataclass(frozen=True)
class GeometryJob:
    """A layer of a space (a network or a control); its map's points (n, 2), if it has one; subsets bool (n, s).

    The first `halves` of the subsets are all points, then half-samples of them. `scores` are functions of activations
    (n, D) and these subsets (n, halves), by measure. `correlated` are the rows whose distances are correlated with the
    map's.
    """

    files: SpaceFiles
    space: str
    layer: str
    neighbours: int
    subsets: NDArray[np.bool_]
    halves: int
    scores: Mapping[str, Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float64]]]
    map_points: NDArray[np.float32] | None
    correlated: NDArray[np.intp]


@dataclass(frozen=True)
class MappedNeighboursJob:
    """A layer whose points are all on its map, of which only some `rows` (m,) are measured."""

    files: SpaceFiles
    layer: str
    rows: NDArray[np.intp]
    neighbours: int


def mapped_neighbours(job: MappedNeighboursJob) -> NDArray[np.int32]:
    """Return the nearest neighbours (m, k) of the measured points among all mapped ones, as rows of these."""
    return neighbours_among_all(job.files.read(TRAINED, MAPPED, job.layer), job.rows, job.neighbours)


@dataclass(frozen=True)
class MapGeometry:
    """What a map keeps of its layer: each point's trust and its neighbours (n, k) on the map, and Spearman's rho."""

    trust: PointTrust
    neighbours: NDArray[np.int32]
    distance_correlation: float


@dataclass(frozen=True)
class Geometry:
    """A layer's exact neighbours int32 (n, k), TwoNN for each subset, and the scores of its activations by measure."""

    neighbours: NDArray[np.int32]
    dimensions: list[TwoNN]
    scores: dict[str, NDArray[np.float64]]
    map: MapGeometry | None


def measure_geometry(job: GeometryJob) -> Geometry:
    """Return what one layer's points tell without labels."""
    values = job.files.read(job.space, POINTS, job.layer)
    count, subsets = len(values), job.subsets
    neighbours, map_neighbours = [], []
    distances: list[list[NDArray[np.float64]]] = [[] for _ in range(subsets.shape[1])]
    ranks: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    map_blocks = None if job.map_points is None else neighbour_blocks(job.map_points, job.neighbours)
    for block in neighbour_blocks(values, job.neighbours):
        neighbours.append(block.nearest)
        here = subsets[block.start : block.start + len(block.squared)]
        for column, found in enumerate(distances):
            squared = block.squared[here[:, column]][:, subsets[:, column]]
            found.append(two_nearest_distances(squared))
        if map_blocks is not None:
            on_map = next(map_blocks)
            layer_ranks = neighbour_ranks(block.squared, block.nearest, on_map.nearest)
            ranks.append((layer_ranks, neighbour_ranks(on_map.squared, on_map.nearest, block.nearest)))
            map_neighbours.append(on_map.nearest)
    quality = None
    if job.map_points is not None:
        layer_ranks, map_ranks = (np.concatenate(parts) for parts in zip(*ranks, strict=True))
        rows = job.correlated
        quality = MapGeometry(
            point_trust(layer_ranks, map_ranks, count),
            np.concatenate(map_neighbours),
            distance_correlation(values[rows], job.map_points[rows]),
        )
    return Geometry(
        np.concatenate(neighbours),
        [two_nn(np.concatenate(found)) for found in distances],
        {measure: score(values, subsets[:, : job.halves]) for measure, score in job.scores.items()},
        quality,
    )
