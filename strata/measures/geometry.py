"""One layer's points measured in its full space, and its map against it: the work of one process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED
from strata.measures.class_dimension import class_dimensions, two_nearest_of_class
from strata.measures.influence import Influences
from strata.measures.intrinsic_dimension import TwoNN, two_nn
from strata.measures.map_quality import (
    FalseNeighbours,
    PointTrust,
    all_ranks,
    distance_correlation,
    false_neighbours,
    joined,
    point_trust,
)
from strata.measures.neighbour_means import trust_influences
from strata.measures.neighbours import (
    NeighbourBlock,
    finite_sums,
    neighbour_blocks,
    neighbours_among_all,
    reach,
    two_nearest_in_subsets,
)
from strata.measures.space_files import MAPPED, POINTS, SpaceFiles
from strata.measures.spectrum import eigenvalues, eigenvalues_by_distances

RANKED_ROWS = 128  # at a time


@dataclass(frozen=True)
class GeometryJob:
    """A layer of a space (a network or a control); its map's points (n, 2), if it has one; subsets bool (n, s).

    The first `halves` of the subsets are all points, then half-samples of them. `scores` are functions of activations
    (n, D) and these subsets (n, halves), by measure. `correlated` are the rows whose distances are correlated with the
    map's; `labels` (n,), by control, those of the classes that are measured each on its own. All distances may be kept
    for later jobs.
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
    labels: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)
    keeps_distances: bool = False


@dataclass(frozen=True)
class MappedNeighboursJob:
    """A layer whose points are all on its map, of which only some `rows` (m,) are measured, and a `part` of these."""

    files: SpaceFiles
    layer: str
    rows: NDArray[np.intp]
    neighbours: int
    part: slice


def mapped_neighbours(job: MappedNeighboursJob) -> NDArray[np.int32]:
    """Return the nearest neighbours (b, k) of a part of the measured points among all mapped ones, as rows of these.

    Where the distances of the measured points are kept, only those to the others are computed.
    """
    kept = job.files.distances(TRAINED, job.layer)
    values, known = job.files.read(TRAINED, MAPPED, job.layer), None if kept is None else kept.squared
    return neighbours_among_all(values, job.rows, job.neighbours, known=known, part=job.part)


@dataclass(frozen=True)
class _Compared:
    """Some points' nearest on the map (b, reach), how false they are, and how far the layer's nearest are torn away."""

    near: NDArray[np.int32]
    false: FalseNeighbours
    torn: FalseNeighbours


@dataclass(frozen=True)
class MapGeometry:
    """What a map keeps of its layer: each point's trust, what counts for its means, and Spearman's rho.

    `near` (n, reach) are each point's nearest others on the map.
    """

    near: NDArray[np.int32]
    trust: PointTrust
    trustworthiness: Influences
    continuity: Influences
    distance_correlation: float


@dataclass(frozen=True)
class Geometry:
    """A layer's exact neighbours, TwoNN for each subset, the scores of its activations by measure, and its spectrum.

    `near` int32 (n, reach) are each point's nearest others, of which the first `k` are called its neighbours;
    `spectrum` (r,) the eigenvalues of its covariance, the largest first; `class_dimensions` (C, halves), by control,
    the dimension of each class with points, among all points and in the half-samples.
    """

    near: NDArray[np.int32]
    k: int
    dimensions: list[TwoNN]
    scores: dict[str, NDArray[np.float64]]
    map: MapGeometry | None
    spectrum: NDArray[np.float64]
    class_dimensions: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def neighbours(self) -> NDArray[np.int32]:
        """Each point's k nearest others (n, k)."""
        return self.near[:, : self.k]


def measure_geometry(job: GeometryJob) -> Geometry:
    """Return what one layer's points tell without labels."""
    values = job.files.read(job.space, POINTS, job.layer)
    near: list[NDArray[np.int32]] = []
    distances: list[list[NDArray[np.float64]]] = [[] for _ in range(job.subsets.shape[1])]
    comparisons: list[_Compared] = []
    halves = job.subsets[:, : job.halves]
    in_classes: dict[str, list[NDArray[np.float64]]] = {control: [] for control in job.labels}
    map_blocks = None if job.map_points is None else neighbour_blocks(job.map_points, reach(job.neighbours))
    kept = job.files.create_distances(job.space, job.layer, len(values)) if job.keeps_distances else None
    for block in neighbour_blocks(values, reach(job.neighbours), None if kept is None else kept.squared):
        if kept is not None:
            kept.sums[block.start : block.start + len(block.squared)] = finite_sums(block.squared)
        near.append(block.nearest)
        here = job.subsets[block.start : block.start + len(block.squared)]
        for found, nearest in zip(distances, two_nearest_in_subsets(block.squared, job.subsets, here), strict=True):
            found.append(nearest)
        for control, labels in job.labels.items():
            in_classes[control].append(two_nearest_of_class(block, labels, halves))
        if map_blocks is not None:
            comparisons += _compared(block, next(map_blocks), job.neighbours)
    return Geometry(
        np.concatenate(near),
        job.neighbours,
        [two_nn(np.concatenate(found)) for found in distances],
        {measure: score(values, halves) for measure, score in job.scores.items()},
        None
        if job.map_points is None
        else _map_geometry(job, values, job.map_points, np.concatenate(near), comparisons),
        eigenvalues(values) if kept is None else eigenvalues_by_distances(kept.squared, values.shape[1]),
        {
            control: class_dimensions(np.concatenate(found), job.labels[control])
            for control, found in in_classes.items()
        },
    )


def _compared(block: NeighbourBlock, on_map: NeighbourBlock, k: int) -> Iterator[_Compared]:
    """Yield a block of points compared with their block on the map, few rows at a time: their ranks take memory."""
    for start in range(0, len(block.nearest), RANKED_ROWS):
        rows = slice(start, start + RANKED_ROWS)
        layer_ranks, map_ranks = (all_ranks(each.squared[rows], each.nearest[rows]) for each in (block, on_map))
        near = on_map.nearest[rows]
        yield _Compared(
            near, false_neighbours(layer_ranks, near, k), false_neighbours(map_ranks, block.nearest[rows], k)
        )


def _map_geometry(
    job: GeometryJob,
    values: NDArray[np.float32],
    map_points: NDArray[np.float32],
    near: NDArray[np.int32],
    comparisons: Sequence[_Compared],
) -> MapGeometry:
    k, map_near = job.neighbours, np.concatenate([each.near for each in comparisons])
    false, torn = joined([each.false for each in comparisons]), joined([each.torn for each in comparisons])
    trust = point_trust(false.ranks, torn.ranks, len(values))
    return MapGeometry(
        map_near,
        trust,
        trust_influences(trust.trustworthiness, map_near[:, :k], false),
        trust_influences(trust.continuity, near[:, :k], torn),
        distance_correlation(values[job.correlated], map_points[job.correlated]),
    )
