"""All that is measured, as independent jobs of one pool: by layer and control, by rows, by map, by perplexity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import PROJECTION, TRAINED
from strata.jobs.pool import Jobs
from strata.maps.params import TSNE, EmbedParams
from strata.measures.divergence import DivergenceJob, measure_divergence
from strata.measures.geometry import GeometryJob, measure_geometry
from strata.measures.intervals import disjoint_parts, half_samples
from strata.measures.labels import LabelledSets
from strata.measures.neighbours import ROWS
from strata.measures.params import MeasureParams
from strata.measures.readout import ReadoutJob, measure_readout
from strata.measures.similarity import gram_sums
from strata.measures.space_files import POINTS, SPACES, SpaceFiles
from strata.measures.stability import Embedders, StabilityJob, measure_stability

# Intrinsic dimension against the number of points: from all points, halves, quarters and eighths (Facco et al. 2017).
PARTS = (2, 4, 8)
# Kind of job, then what it is about.
Key = tuple[str, *tuple[Any, ...]]


@dataclass(frozen=True)
class Plan:
    """What the jobs need: where the arrays are, the layers, parameters, labels by control, and the maps' points.

    `again` are the embedders of the stability runs; `earlier` the spaces of weights kept in training -> epochs.
    `rows` (n,) are the measured samples among all; `projections` names the layer whose random projection each shares.
    `subsets` bool (n, s) are all points, half-samples, then the parts of PARTS; `stability_rows` (m,) and `correlated`
    are rows of the measured samples.
    """

    files: SpaceFiles
    held_out: str
    layers: Sequence[str]
    params: MeasureParams
    embed: EmbedParams
    again: Embedders
    seed: int
    labels: Mapping[str, LabelledSets]
    rows: NDArray[np.intp]
    projections: Mapping[str, str]
    activations: Mapping[str, Path]
    maps: Mapping[str, NDArray[np.float32]]
    subsets: NDArray[np.bool_]
    stability_rows: NDArray[np.intp]
    correlated: NDArray[np.intp]
    earlier: Mapping[str, str] = field(default_factory=dict)


def point_subsets(count: int, repeats: int, seed: int) -> NDArray[np.bool_]:
    """Return subsets (n, 1 + repeats + 2 + 4 + 8) of n points: all, half-samples, and the disjoint parts of PARTS."""
    halves = half_samples(count, repeats, np.random.default_rng([seed, 4]))
    parts = [disjoint_parts(count, number, np.random.default_rng([seed, 5, number])) for number in PARTS]
    return np.hstack([halves, *parts])


def run_plan(plan: Plan, pool: Jobs) -> dict[Key, Any]:
    """Return every job's result by its key: readout, geometry, similarity, divergence and stability."""
    jobs = {**_readouts(plan), **_geometries(plan), **_similarities(plan), **_divergences(plan), **_stabilities(plan)}
    results = dict(zip(jobs, pool.run(perform, list(jobs.values()), "measure"), strict=True))
    for layer, same in plan.projections.items():
        for kind in ("readout", "geometry"):
            results[kind, PROJECTION, layer] = results[kind, PROJECTION, same]
    return results


def _spaces(plan: Plan) -> list[tuple[str, str]]:
    """Return every space and layer to measure; layers with the same random projection once."""
    return [
        (space, layer)
        for layer in plan.layers
        for space in (*SPACES, *plan.earlier)
        if space != PROJECTION or plan.projections[layer] == layer
    ]


def perform(job: Callable[[], Any]) -> Any:
    """Do a job, in a process of the pool."""
    return job()


def _readouts(plan: Plan) -> dict[Key, Callable[[], Any]]:
    params, true = plan.params, plan.labels[TRAINED]
    return {
        ("readout", space, layer): partial(
            measure_readout,
            ReadoutJob(
                plan.files,
                space,
                layer,
                plan.held_out,
                dict(plan.labels) if space == TRAINED else {space: true},
                params.neighbours,
                params.probe_components,
                params.probe_penalty,
                plan.seed,
            ),
        )
        for space, layer in _spaces(plan)
    }


def _geometries(plan: Plan) -> dict[Key, Callable[[], Any]]:
    return {
        ("geometry", space, layer): partial(
            measure_geometry,
            GeometryJob(
                plan.files,
                space,
                layer,
                plan.params.neighbours,
                plan.subsets,
                plan.maps[layer][plan.rows] if space == TRAINED else None,
                plan.correlated,
            ),
        )
        for space, layer in _spaces(plan)
    }


def _similarities(plan: Plan) -> dict[Key, Callable[[], Any]]:
    halves = plan.subsets[:, : 1 + plan.params.half_samples]
    names_in = {space: list(plan.layers) for space in SPACES}
    names_in[PROJECTION] = [plan.projections[layer] for layer in plan.layers]
    return {
        ("similarity", space, start): partial(_similarity, plan.files, space, names, halves, start)
        for space, names in names_in.items()
        for start in range(0, len(plan.rows), ROWS)
    }


def _similarity(files: SpaceFiles, space: str, layers: Sequence[str], subsets: NDArray[np.bool_], start: int) -> object:
    values = [files.read(space, POINTS, layer) for layer in layers]
    return gram_sums(values, subsets, slice(start, start + ROWS))


def _divergences(plan: Plan) -> dict[Key, Callable[[], Any]]:
    """Return a job for each map by t-SNE: no other method minimizes this divergence."""
    embed = plan.embed
    return {
        ("divergence", layer): partial(
            measure_divergence,
            DivergenceJob(plan.activations[layer], plan.maps[layer], embed.perplexity, embed.pca_components, plan.seed),
        )
        for layer in plan.layers
        if embed.method == TSNE
    }


def _stabilities(plan: Plan) -> dict[Key, Callable[[], Any]]:
    params, rows = plan.params, plan.stability_rows
    return {
        ("stability", layer, perplexity): partial(
            measure_stability,
            StabilityJob(
                plan.files,
                layer,
                rows,
                plan.maps[layer][plan.rows][rows].astype(np.float64),
                plan.again[perplexity],
                plan.embed.pca_components,
                params.neighbours,
                params.stability_seeds,
                plan.seed,
            ),
        )
        for perplexity in sorted(plan.again, key=lambda each: each or 0, reverse=True)  # the longest first
        for layer in plan.layers
    }
