"""What the measure stage is given: its settings and the maps; and the plan of all jobs, made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from strata.artifacts.maps import read_map
from strata.artifacts.measured import SHUFFLED, TRAINED
from strata.artifacts.provenance import check_same_origin, check_same_samples
from strata.core.errors import StrataError
from strata.maps.params import EmbedParams
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan
from strata.measures.space_files import Measured, SpaceFiles
from strata.measures.subsets import chosen, point_subsets
from strata.network.params import NetworkParams


@dataclass(frozen=True)
class Settings:
    """What params.yaml says of this stage; `again` are embed's parameters for the stability runs."""

    layers: dict[str, str]
    seed: int
    params: MeasureParams
    embed: EmbedParams
    again: EmbedParams
    network: NetworkParams


def stability_params(params: MeasureParams, embed: EmbedParams) -> EmbedParams:
    """Return embed's parameters with the iterations of the stability runs. Raises StrataError where they do not fit."""
    exaggerated, plain = params.stability_exaggeration_iterations, params.stability_iterations
    changes = {"early_exaggeration_iterations": exaggerated, "iterations": plain}
    try:
        return EmbedParams.model_validate({**embed.model_dump(), **changes})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StrataError(
            f"measure.stability_exaggeration_iterations {exaggerated}, measure.stability_iterations {plain}: {reason}"
        ) from None


def read_maps(
    embeddings: Path, activations: Path, layers: Sequence[str], measured: Measured
) -> dict[str, NDArray[np.float32]]:
    """Return each layer's map, points (n, 2) of all samples.

    Raises StrataError where one is of another run or layer.
    """
    maps = {}
    for layer in layers:
        path = embeddings / f"{layer}.parquet"
        layer_map = read_map(path)
        if layer_map.layer != layer:
            raise StrataError(
                f"{path} is the map of layer '{layer_map.layer}', not '{layer}'; run `dvc repro -f embed`"
            )
        check_same_origin(measured.provenance, activations, layer_map.provenance, path)
        check_same_samples(measured.samples.sample_id, activations, layer_map.sample_ids, path)
        maps[layer] = layer_map.points
    return maps


def make_plan(
    settings: Settings,
    measured: Measured,
    files: SpaceFiles,
    activations: Path,
    maps: Mapping[str, NDArray[np.float32]],
    earlier: Mapping[str, str],
) -> Plan:
    """Return what the jobs need; `earlier` are the spaces of weights kept in training -> epochs."""
    params, seed, count = settings.params, settings.seed, len(measured.rows)
    return Plan(
        files=files,
        held_out=measured.held_out,
        layers=list(settings.layers),
        params=params,
        embed=settings.embed,
        again=settings.again,
        seed=seed,
        labels={TRAINED: measured.labels, SHUFFLED: measured.labels.shuffled(np.random.default_rng([seed, 3]))},
        rows=measured.rows,
        projections=measured.projections,
        activations={layer: activations / f"{layer}.parquet" for layer in settings.layers},
        maps=maps,
        subsets=point_subsets(count, params.half_samples, seed),
        stability_rows=chosen(count, params.stability_samples, np.random.default_rng([seed, 6])),
        correlated=chosen(count, params.correlation_samples, np.random.default_rng([seed, 7])),
        earlier=earlier,
    )
