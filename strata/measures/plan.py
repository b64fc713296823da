"""All that is measured, as independent jobs of one pool: by layer and control, by rows, by map, by perplexity."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import PROJECTION, TRAINED
from strata.jobs.pool import Jobs
from strata.maps.params import TSNE, EmbedParams
from strata.measures.divergence import DivergenceJob, measure_divergence
from strata.measures.geometry import Geometry, GeometryJob, MappedNeighboursJob, mapped_neighbours, measure_geometry
from strata.measures.gram import GramSums, gram_sums, joined
from strata.measures.imbalance import NEAREST, imbalances
from strata.measures.influence import Influences
from strata.measures.labels import LabelledSets
from strata.measures.measure import OfActivations, scores_of_activations
from strata.measures.neighbours import ROWS
from strata.measures.params import MeasureParams
from strata.measures.probe import ProbeSettings
from strata.measures.readout import Readout, ReadoutJob, measure_readout
from strata.measures.registry import MEASURES
from strata.measures.results import Results
from strata.measures.space_files import POINTS, SPACES, SpaceFiles
from strata.measures.stability import Embedders, StabilityJob, StabilityRuns, measure_stability

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """What the jobs need: where the arrays are, the layers, parameters, labels by control, and the maps' points.

    `again` are the embedders of the stability runs; `earlier` the spaces of weights kept in training -> epochs.
    `rows` (n,) are the measured samples among all, `predicted` (n,) what the network predicts for them; `output` is the
    last layer, where that is the network's output. `projections` names the layer whose random projection each shares.
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
    predicted: NDArray[np.int16]
    output: str | None
    projections: Mapping[str, str]
    activations: Mapping[str, Path]
    maps: Mapping[str, NDArray[np.float32]]
    subsets: NDArray[np.bool_]
    stability_rows: NDArray[np.intp]
    correlated: NDArray[np.intp]
    earlier: Mapping[str, str] = field(default_factory=dict)

    @property
    def halves(self) -> NDArray[np.bool_]:
        """The subsets (n, 1 + r) that are all points, or half-samples of them."""
        return self.subsets[:, : 1 + self.params.half_samples]

    def same_projection(self, space: str, first: str, second: str) -> bool:
        """Return whether two layers are one and the same random projection in a space: comparing them says nothing."""
        return space == PROJECTION and self.projections[first] == self.projections[second]

    @property
    def compared(self) -> dict[tuple[str, str, str], tuple[str, str, str]]:
        """Every space, layer and next layer that are compared -> the same by the names of the arrays."""
        stored = {space: {layer: layer for layer in self.layers} for space in SPACES}
        stored[PROJECTION] = dict(self.projections)
        return {
            (space, first, second): (space, stored[space][first], stored[space][second])
            for space in SPACES
            for first, second in pairwise(self.layers)
            if not self.same_projection(space, first, second)
        }

    def labels_in(self, space: str) -> dict[str, LabelledSets]:
        """Return the labels by control that a space is measured with: only the trained network's are shuffled, too."""
        return dict(self.labels) if space == TRAINED else {space: self.labels[TRAINED]}


def run_plan(plan: Plan, pool: Jobs) -> Results:
    """Return every job's result."""
    readouts, geometries, grams = _readouts(plan), _geometries(plan), _gram_sums(plan)
    divergences, stabilities, mapped = _divergences(plan), _stabilities(plan), _mapped_neighbours(plan)
    jobs: list[Callable[[], Any]] = [*readouts.values(), *geometries.values(), *grams.values()]
    jobs += [*divergences.values(), *stabilities.values(), *mapped.values()]
    done = iter(pool.run(perform, jobs, "measure"))
    read = _with_shared_projections(plan, _results_of(readouts, done))
    measured = _with_shared_projections(plan, _results_of(geometries, done))
    return Results(
        readouts=read,
        geometries=measured,
        gram_sums=_joined_by_space(_results_of(grams, done)),
        divergences=_results_of(divergences, done),
        stabilities=_results_of(stabilities, done),
        mapped_neighbours=_results_of(mapped, done),
        imbalances=_imbalances(plan, measured, pool),
    )


def _imbalances(
    plan: Plan, geometries: Mapping[tuple[str, str], Geometry], pool: Jobs
) -> dict[tuple[str, str, str], Influences]:
    """Return the imbalance of each layer and the next, both ways: a second round of jobs, as it needs neighbours."""
    nearest = {key: geometry.near[:, :NEAREST] for key, geometry in geometries.items() if key[0] in SPACES}
    found = imbalances(plan.files, plan.compared.values(), nearest, pool)
    both = [(key, stored) for key, stored in plan.compared.items()]
    both += [((space, to, by), (space, second, first)) for (space, by, to), (_, first, second) in both]
    return {key: found[stored] for key, stored in both}


def perform(job: Callable[[], Any]) -> Any:
    """Do a job, in a process of the pool."""
    return job()


def _results_of(jobs: Mapping[Key, Callable[[], Result]], done: Iterator[Any]) -> dict[Key, Result]:
    return {key: next(done) for key in jobs}


def _with_shared_projections(plan: Plan, results: dict[tuple[str, str], Result]) -> dict[tuple[str, str], Result]:
    return results | {(PROJECTION, layer): results[PROJECTION, same] for layer, same in plan.projections.items()}


def _joined_by_space(parts: Mapping[tuple[str, int], GramSums]) -> dict[str, GramSums]:
    return {space: joined([part for (other, _), part in parts.items() if other == space]) for space in SPACES}


def _spaces(plan: Plan) -> Iterable[tuple[str, str]]:
    """Return every space and layer to measure; layers with the same random projection once."""
    return [
        (space, layer)
        for layer in plan.layers
        for space in (*SPACES, *plan.earlier)
        if space != PROJECTION or plan.projections[layer] == layer
    ]


def _readouts(plan: Plan) -> dict[tuple[str, str], Callable[[], dict[str, Readout]]]:
    params = plan.params
    probe = ProbeSettings(params.probe_penalties, params.probe_validation, params.probe_search_components, plan.seed)
    return {
        (space, layer): partial(
            measure_readout,
            ReadoutJob(
                plan.files,
                space,
                layer,
                plan.held_out,
                plan.labels_in(space),
                params.neighbours,
                probe,
            ),
        )
        for space, layer in _spaces(plan)
    }


def _geometries(plan: Plan) -> dict[tuple[str, str], Callable[[], Geometry]]:
    scores = {
        measure.key: partial(scores_of_activations, measure.score.score, measure.interval)
        for measure in MEASURES
        if isinstance(measure.score, OfActivations)
    }
    return {
        (space, layer): partial(
            measure_geometry,
            GeometryJob(
                plan.files,
                space,
                layer,
                plan.params.neighbours,
                plan.subsets,
                plan.halves.shape[1],
                scores,
                plan.maps[layer][plan.rows] if space == TRAINED else None,
                plan.correlated,
                {control: labels.points for control, labels in plan.labels_in(space).items()},
            ),
        )
        for space, layer in _spaces(plan)
    }


def _mapped_neighbours(plan: Plan) -> dict[str, Callable[[], NDArray[np.int32]]]:
    """Return a job for each layer; none where all mapped points are measured, as neighbours are known then."""
    if len(plan.rows) == len(next(iter(plan.maps.values()))):
        return {}
    return {
        layer: partial(mapped_neighbours, MappedNeighboursJob(plan.files, layer, plan.rows, plan.params.neighbours))
        for layer in plan.layers
    }


def _gram_sums(plan: Plan) -> dict[tuple[str, int], Callable[[], GramSums]]:
    names_in = {space: list(plan.layers) for space in SPACES}
    names_in[PROJECTION] = [plan.projections[layer] for layer in plan.layers]
    return {
        (space, start): partial(sum_gram_rows, plan.files, space, names, start)
        for space, names in names_in.items()
        for start in range(0, len(plan.rows), ROWS)
    }


def sum_gram_rows(files: SpaceFiles, space: str, layers: Sequence[str], start: int) -> GramSums:
    """Return the sums over ROWS rows, from `start` on, of the Gram matrices of a space's layers."""
    return gram_sums([files.read(space, POINTS, layer) for layer in layers], slice(start, start + ROWS))


def _divergences(plan: Plan) -> dict[str, Callable[[], float]]:
    """Return a job for each map by t-SNE: no other method minimizes this divergence."""
    embed = plan.embed
    return {
        layer: partial(
            measure_divergence,
            DivergenceJob(plan.activations[layer], plan.maps[layer], embed.perplexity, embed.pca_components, plan.seed),
        )
        for layer in plan.layers
        if embed.method == TSNE
    }


def _stabilities(plan: Plan) -> dict[tuple[str, float | None], Callable[[], StabilityRuns]]:
    params, rows = plan.params, plan.stability_rows
    return {
        (layer, perplexity): partial(
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
