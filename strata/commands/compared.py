"""Two runs on one page: the second's maps turned to the first's, and the parameters that differ."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from strata.artifacts.tables import check_commit_layers
from strata.core.errors import StrataError
from strata.dataset.description import IMAGE_FILES, LABEL_FILES, PARTS
from strata.maps.alignment import aligned
from strata.report.page.inputs import ReportInputs


def check_comparable(first: ReportInputs, second: ReportInputs, names: tuple[str, str]) -> list[str]:
    """Return the layers that both runs have, in the first's order.

    Raises StrataError where the runs are of other images, or share no layer.
    """
    if first.provenance.data_sha256 != second.provenance.data_sha256 and _files_shown(first) != _files_shown(second):
        raise StrataError(
            f"{names[0]} and {names[1]} cannot be compared: their data sets differ ({first.dataset.name} and"
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
    """Return what tells the images and labels on the maps from others: other training labels do not matter there."""
    names = [table[part] for part in PARTS[inputs.provenance.split] for table in (IMAGE_FILES, LABEL_FILES)]
    return inputs.dataset.name, inputs.dataset.classes, [inputs.dataset.sha256.get(name) for name in names]


def only_layers(inputs: ReportInputs, layers: list[str]) -> ReportInputs:
    """Return a run's inputs with the maps and points of the given layers only.

    A commit layer stays what it is if all layers are kept; else it is counted among those that are.
    """
    before = list(inputs.maps)
    measures = inputs.measures
    check_commit_layers(measures.decisions, before)
    commit = measures.decisions.commit_layer
    # The first kept layer from the commit layer on; none after it: after the last that is kept.
    places = [
        next((layers.index(layer) for layer in before[place:] if layer in layers), len(layers))
        for place in range(len(before) + 1)
    ]
    moved = np.array(places, dtype=np.int16)[commit]
    return replace(
        inputs,
        maps={layer: inputs.maps[layer] for layer in layers},
        measures=replace(
            measures,
            points={layer: measures.points[layer] for layer in layers},
            decisions=replace(measures.decisions, commit_layer=moved),
        ),
    )


def turned_to(inputs: ReportInputs, reference: ReportInputs) -> ReportInputs:
    """Return a run's inputs with each map rotated or reflected to lie nearest to the reference's, never stretched."""
    maps = {}
    for layer, layer_map in inputs.maps.items():
        points = aligned(layer_map.points.astype(np.float64), reference.maps[layer].points.astype(np.float64))
        maps[layer] = replace(layer_map, points=points.astype(np.float32))
    return replace(inputs, maps=maps)


def different_params(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (dotted name, first's value, second's value) of all parameters that differ, in the order of the first."""
    left, right = flat(first), flat(second)
    names = [*left, *(name for name in right if name not in left)]
    return [(name, left.get(name, "–"), right.get(name, "–")) for name in names if left.get(name) != right.get(name)]


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested parameters as dotted name -> value as text."""
    found: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = str(value)
    return found
