"""Two runs on one page: the second run's maps turned to match the first's, and the parameters that differ."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import SampleDecisions
from strata.artifacts.tables import check_commit_layers
from strata.core.errors import StrataError
from strata.dataset.description import PARTS, files_of
from strata.maps.alignment import aligned
from strata.report.page.inputs import ReportInputs


def check_comparable(first: ReportInputs, second: ReportInputs, names: tuple[str, str]) -> list[str]:
    """Return the layers that both runs have, in the first run's order.

    Raises StrataError if the runs have different images, or share no layer.
    """
    if first.provenance.data_sha256 != second.provenance.data_sha256 and _files_shown(first) != _files_shown(second):
        raise StrataError(
            f"{names[0]} and {names[1]} cannot be compared: they have different data sets ({first.dataset.name} and"
            f" {second.dataset.name})"
        )
    if first.provenance.split != second.provenance.split:
        raise StrataError(
            f"{names[0]} and {names[1]} cannot be compared: extract.split is {first.provenance.split} in one and"
            f" {second.provenance.split} in the other"
        )
    shared = [layer for layer in first.maps if layer in second.maps]
    if not shared:
        raise StrataError(f"{names[0]} and {names[1]} cannot be compared: they have no layer in common")
    return shared


def _files_shown(inputs: ReportInputs) -> tuple[str, list[str], list[str | None]]:
    """Return what identifies the images and labels on the maps; training labels do not matter if they are not shown."""
    names = [name for part in PARTS[inputs.provenance.split] for name in files_of(part, inputs.dataset)]
    meanings = [*inputs.dataset.classes, *inputs.dataset.target_names]
    return inputs.dataset.name, meanings, [inputs.dataset.sha256.get(name) for name in names]


def only_layers(inputs: ReportInputs, layers: list[str]) -> ReportInputs:
    """Return a run's inputs with the maps and points of the given layers only.

    A commit layer that is dropped becomes the next layer that is kept, or never.
    """
    all_layers = list(inputs.maps)
    measures = inputs.measures
    check_commit_layers(measures.decisions, all_layers)
    kept = replace(measures, points={layer: measures.points[layer] for layer in layers})
    if isinstance(measures.decisions, SampleDecisions):
        moved = _moved(measures.decisions, all_layers, layers)
        kept = replace(kept, decisions=replace(measures.decisions, commit_layer=moved))
    return replace(inputs, maps={layer: inputs.maps[layer] for layer in layers}, measures=kept)


def _moved(decisions: SampleDecisions, all_layers: list[str], layers: list[str]) -> NDArray[np.int16]:
    # The first kept layer from the commit layer on; none after it: after the last that is kept.
    places = [
        next((layers.index(layer) for layer in all_layers[place:] if layer in layers), len(layers))
        for place in range(len(all_layers) + 1)
    ]
    return np.array(places, dtype=np.int16)[decisions.commit_layer]


def turned_to(inputs: ReportInputs, reference: ReportInputs) -> ReportInputs:
    """Return a run's inputs with each map rotated or reflected, but not stretched, to match the reference's map."""
    maps = {}
    for layer, layer_map in inputs.maps.items():
        points = aligned(layer_map.points.astype(np.float64), reference.maps[layer].points.astype(np.float64))
        maps[layer] = replace(layer_map, points=points.astype(np.float32))
    return replace(inputs, maps=maps)


def different_params(*runs: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return (dotted name, value in the first run, in the second ...) of each that differs, in their order."""
    params = [flat(run) for run in runs]
    names = dict.fromkeys(name for each in params for name in each)
    rows = [(name, *(each.get(name, "–") for each in params)) for name in names]
    return [row for row in rows if len({each.get(row[0]) for each in params}) > 1]


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested parameters as dotted name -> value as text."""
    texts: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            texts |= flat(value, f"{prefix}{name}.")
        else:
            texts[f"{prefix}{name}"] = str(value)
    return texts
