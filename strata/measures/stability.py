"""How much of a map is chance: runs of the method that differ only in their random start and seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.spatial import procrustes

from strata.artifacts.measured import TRAINED
from strata.core import streams
from strata.core.errors import StrataError
from strata.maps.alignment import aligned
from strata.maps.embedder import INITIAL_DEVIATION, Embedder
from strata.maps.pca import reduced
from strata.maps.tsne import Tsne, largest_perplexity
from strata.measures.neighbours import neighbour_blocks
from strata.measures.params import NumberedMeasureParams
from strata.measures.similarity import neighbourhood_overlap
from strata.measures.space_files import POINTS, SpaceFiles

# Perplexity -> the embedder of the stability runs; None where the method has no perplexity.
Embedders = Mapping[float | None, Embedder]


def stability_embedders(params: NumberedMeasureParams, embedder: Embedder) -> Embedders:
    """Return the embedders that draw maps again: t-SNE at every perplexity, briefly; another method as it is set.

    Raises StrataError where the numbers of iterations are too few for t-SNE's engine.
    """
    if not isinstance(embedder, Tsne):
        return {None: embedder}
    exaggerated, plain = params.stability_exaggeration_iterations, params.stability_iterations
    changes = {"early_exaggeration_iterations": exaggerated, "iterations": plain}
    try:
        return {
            perplexity: Tsne.model_validate({**embedder.model_dump(), **changes, "perplexity": perplexity})
            for perplexity in params.stability_perplexities
        }
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StrataError(
            f"measure.stability_exaggeration_iterations {exaggerated}, measure.stability_iterations {plain}: {reason}"
        ) from None


def check_stability_points(embedders: Embedders, count: int) -> None:
    """Raise StrataError where so many points are too few for a perplexity, or for the settings of another method."""
    perplexities = [perplexity for perplexity in embedders if perplexity is not None]
    largest = largest_perplexity(count)
    if perplexities and max(perplexities) > largest:
        raise StrataError(
            f"measure.stability_perplexities: {max(perplexities):g} is too large for {count} points:"
            f" at most {largest:g}; raise measure.stability_samples, extract more, or lower it"
        )
    try:
        for perplexity, embedder in embedders.items():
            if perplexity is None:
                embedder.check_count(count)
    except StrataError as error:
        raise StrataError(f"measure.stability_samples: {error}, or raise it") from None


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
    """Maps of some points (rows) of a layer, reduced to `components`, one for each of `starts` random starts.

    `map_points` (m, 2) are the same points on the layer's map, to which the first run is turned.
    """

    files: SpaceFiles
    layer: str
    rows: NDArray[np.intp]
    map_points: NDArray[np.float64]
    embedder: Embedder
    components: int
    neighbours: int
    starts: int
    seed: int


@dataclass(frozen=True)
class StabilityRuns:
    """How far the runs agree, and the first run's map (m, 2)."""

    stability: Stability
    points: NDArray[np.float64]


def measure_stability(job: StabilityJob) -> StabilityRuns:
    """Return the agreement of runs that start at random: Gaussian maps of deviation 1e-4, as t-SNE was published.

    A method may scale them as it likes; each run has a seed of its own, too.
    """
    values = np.array(job.files.read(TRAINED, POINTS, job.layer)[job.rows])
    job.embedder.check_points(len(values), bool((values == values[0]).all()), job.layer)
    low = reduced(values, job.components, job.seed)
    maps = []
    for start in range(job.starts):
        rng = streams.stability_start(job.seed, start)
        initial = rng.standard_normal((len(low), 2)) * INITIAL_DEVIATION
        own_seed = streams.map_optimization(job.seed, start)
        maps.append(job.embedder.embed(low, initial, own_seed).points)
    return StabilityRuns(compare_runs(maps, job.neighbours), aligned(maps[0], job.map_points))
