"""What the measure stage is given: its settings; and the plan of all jobs, made from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.artifacts.measured import SHUFFLED, TRAINED
from strata.artifacts.run import RunArtifacts
from strata.core import streams
from strata.maps.params import EmbedParams
from strata.measures.labels import is_output
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan
from strata.measures.space_files import POINTS, Measured, SpaceFiles
from strata.measures.stability import Embedders
from strata.measures.subsets import chosen, point_subsets
from strata.network.params import NetworkParams


@dataclass(frozen=True)
class Settings:
    """What params.yaml says of this stage; `again` are the embedders of the stability runs."""

    layers: dict[str, str]
    seed: int
    params: MeasureParams
    embed: EmbedParams
    again: Embedders
    network: NetworkParams


def make_plan(
    settings: Settings, measured: Measured, files: SpaceFiles, run: RunArtifacts, earlier: Mapping[str, str]
) -> Plan:
    """Return what the jobs need; `earlier` are the spaces of weights kept during training -> epochs.

    Raises StrataError where a layer's map is of another run.
    """
    params, seed, count = settings.params, settings.seed, len(measured.rows)
    last, predicted = list(settings.layers)[-1], measured.samples.predicted[measured.rows]
    at_end = is_output(files.read(TRAINED, POINTS, last), predicted, measured.labels.classes)
    return Plan(
        files=files,
        held_out=measured.held_out,
        layers=list(settings.layers),
        params=params,
        embed=settings.embed,
        again=settings.again,
        seed=seed,
        labels={TRAINED: measured.labels, SHUFFLED: measured.labels.shuffled(streams.shuffled_labels(seed))},
        rows=measured.rows,
        predicted=predicted,
        output=last if at_end else None,
        projections=measured.projections,
        activations={layer: run.paths.layer(layer) for layer in settings.layers},
        maps={layer: run.map(layer).points for layer in settings.layers},
        subsets=point_subsets(count, params.half_samples, seed),
        stability_rows=chosen(count, params.stability_samples, streams.stability_points(seed)),
        correlated=chosen(count, params.correlation_samples, streams.correlated_points(seed)),
        earlier=earlier,
    )
