"""How much of a map is chance: t-SNE runs that differ only in their random start."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import procrustes

from strata.artifacts.measured import TRAINED
from strata.core import streams
from strata.maps.alignment import aligned
from strata.maps.engines import INITIAL_DEVIATION, check_points, embed
from strata.maps.params import EmbedParams
from strata.maps.pca import reduced
from strata.measures.neighbours import neighbour_blocks
from strata.measures.similarity import neighbourhood_overlap
from strata.measures.space_files import POINTS, SpaceFiles


@dataclass(frozen=True)
class Stability:
    """Agreement of runs: per pair of runs the overlap of neighbours and the Procrustes disparity; per point its share.

    `overlaps` and `disparities` (pairs,), `points` (n,) the share of a point's map neighbours that two runs share.
    """

    overlaps: NDArray[np.float64]
    disparities: NDArray[np.float64]
    points: NDArray[np.float64]


def compare_runs(maps: Sequence[NDArray[np.floating]], k: int) -> Stability:
    """Return how far maps (n, 2) of the same points agree: shared neighbours, and disparity after Procrustes.

    The disparity is the squared difference left after shift, scale and rotation, of maps of unit norm: 0 to 1 (Gower
    1975).
    """
    neighbours = [np.concatenate([block.nearest for block in neighbour_blocks(points, k)]) for points in maps]
    overlaps = np.stack([neighbourhood_overlap(first, second) for first, second in combinations(neighbours, 2)])
    disparities = [procrustes(first, second)[2] for first, second in combinations(maps, 2)]
    return Stability(overlaps.mean(axis=1), np.array(disparities), overlaps.mean(axis=0))


@dataclass(frozen=True)
class StabilityJob:
    """t-SNE of some points (rows) of a layer under `params`, once for each of `starts` random starts.

    `map_points` (m, 2) are the same points on the layer's map, to which the first run is turned.
    """

    files: SpaceFiles
    layer: str
    rows: NDArray[np.intp]
    map_points: NDArray[np.float64]
    params: EmbedParams
    neighbours: int
    starts: int
    seed: int


@dataclass(frozen=True)
class StabilityRuns:
    """How far the runs agree, and the first run's map (m, 2)."""

    stability: Stability
    points: NDArray[np.float64]


def measure_stability(job: StabilityJob) -> StabilityRuns:
    """Return the agreement of runs that start at random: Gaussian maps of deviation 1e-4, as t-SNE was published."""
    values = np.array(job.files.read(TRAINED, POINTS, job.layer)[job.rows])
    check_points(len(values), bool((values == values[0]).all()), job.layer, job.params)
    low = reduced(values, job.params.pca_components, job.seed)
    maps = []
    for start in range(job.starts):
        rng = streams.stability_start(job.seed, start)
        initial = rng.standard_normal((len(low), 2)) * INITIAL_DEVIATION
        maps.append(embed(low, initial, job.params, streams.map_optimization(job.seed, start)).points)
    return StabilityRuns(compare_runs(maps, job.neighbours), aligned(maps[0], job.map_points))
