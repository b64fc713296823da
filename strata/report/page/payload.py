"""One run as data for the page's script: maps, samples, measures and curves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measure_registry import MeasureRegistry
from strata.artifacts.measured import LayerPoints, MeasuredSamples, SampleDecisions
from strata.artifacts.samples import places_of
from strata.report.figures.measures import network_ranges
from strata.report.figures.over_training import charts_over_training
from strata.report.page.findings import measured_set, recall_sentence, stability_meaning
from strata.report.page.headlines import headlines
from strata.report.page.inputs import ReportInputs
from strata.report.page.layer_notes import layer_notes
from strata.report.page.packing import packed, packed_positions, packed_rows
from strata.report.page.try_it import network_for_page

# Fields of points/<layer>.parquet that the page shows.
POINT_FIELDS = ("vote", "trustworthiness", "false_neighbours", "missing_neighbours", "drift", "stability")
MAX_PAIRED = 40  # the page shows pairs of the first 40 classes: the number of pairs grows with the square
PAIR_FIELDS = ["layer", "class", "other_class", "separability", "low", "high", "control"]
UNKNOWN = -9  # value of an integer field for samples that were not measured


def run_payload(inputs: ReportInputs, rows: NDArray[np.intp], facts: Mapping[str, str], params: str) -> dict[str, Any]:
    """Return what the page shows of a run, for the chosen rows of its samples, as values for JSON.

    What the run lacks, such as predictions, is None. Neighbours are indices into the chosen rows, -1 for samples that
    are not shown. `facts` say where the run came from;
    `params` are its parameters as YAML.
    """
    samples, measures = inputs.samples, inputs.measures
    ids = samples.sample_id[rows]
    decisions = measures.decisions
    rows_measured = places_of(ids, decisions.sample_id)
    notes = layer_notes(inputs.infos, inputs.network_summary)
    return {
        "measured": len(measures.rows),
        "mapped": len(samples),
        "findings": {"recall": recall_sentence(inputs), "measured": measured_set(inputs)},
        "stability_meaning": stability_meaning(inputs),
        "method": {"title": inputs.method.title, "caveats": list(inputs.method.caveats), "start": inputs.method.start},
        "ids": packed(ids),
        "predicted": None if samples.predicted is None else packed(samples.predicted[rows]),
        "confidence": None if samples.confidence is None else packed(samples.confidence[rows]),
        **_decided(decisions, rows_measured),
        "targets": _targets(inputs, rows),
        "layers": {
            layer: {
                "shape": " × ".join(map(str, inputs.infos[layer].shape)),
                "settings": dict(layer_map.settings),
                "about": notes[layer],
                "x": packed_positions(layer_map.points[rows, 0]),
                "y": packed_positions(layer_map.points[rows, 1]),
                **_layer_points(measures.points[layer], rows_measured, ids),
            }
            for layer, layer_map in inputs.maps.items()
        },
        **{name: data(inputs) for name, data in PANEL_DATA.items()},
        "earlier": {
            time: {
                layer: {"x": packed_positions(each.points[rows, 0]), "y": packed_positions(each.points[rows, 1])}
                for layer, each in maps.items()
            }
            for time, maps in inputs.earlier.items()
        },
        "facts": dict(facts),
        "params": params,
    }


def _targets(inputs: ReportInputs, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Return the numbers to predict, or which labels apply, by their names; empty where there are none."""
    targets = inputs.samples.targets
    if targets is None:
        return {}
    return {name: packed(column) for name, column in zip(inputs.dataset.target_names, targets[rows].T, strict=True)}


def _decided(decisions: MeasuredSamples, rows_measured: NDArray[np.intp]) -> dict[str, Any]:
    """Return where samples are decided; None for each, where there are no labels, or no predictions."""
    if not isinstance(decisions, SampleDecisions):
        return dict.fromkeys(("commit", "flips", "late"))
    found = {"commit": decisions.commit_layer, "flips": decisions.flips, "late": decisions.late.astype(np.int16)}
    return {name: packed(spread(values, rows_measured)) for name, values in found.items()}


def panels(registry: MeasureRegistry) -> list[dict[str, Any]]:
    """Return the charts of measures by depth: one line per control, or one line per measure."""
    fields = {"key", "title", "legend", "meaning"}
    return [
        panel.model_dump(include={"title", "axis", "end", "lines"})
        | {"measures": [measure.model_dump(include=fields) for measure in registry.shown_in(panel)]}
        for panel in registry.panels
    ]


def _over_training_charts(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Return the charts of measures over training; empty if no weights were kept."""
    if not inputs.earlier:
        return []
    return [
        {"title": title, "axis": panel.axis, "end": panel.end, "measure": measure.key}
        for title, panel, measure in charts_over_training(inputs.registry, inputs.measures_over_training)
    ]


# Name, as used by the scripts in script/panels/ -> the data of a panel below the maps, as values for JSON.
PANEL_DATA: dict[str, Callable[[ReportInputs], Any]] = {
    "headlines": headlines,
    "panels": lambda inputs: panels(inputs.registry),
    "measures": lambda inputs: records(inputs.measures.table),
    "network_ranges": lambda inputs: records(network_ranges(inputs.measures.networks)),
    "cka": lambda inputs: records(inputs.measures.cka[["layer", "other_layer", "value", "control"]]),
    "pairs": lambda inputs: records(
        inputs.measures.pairs[inputs.measures.pairs["other_class"] < MAX_PAIRED][PAIR_FIELDS]
    ),
    "epochs": lambda inputs: records(inputs.epochs),
    "batches": lambda inputs: records(inputs.batches),
    "over_training": lambda inputs: records(inputs.measures_over_training) if inputs.earlier else {},
    "network": network_for_page,
    "over_training_charts": _over_training_charts,
}


def shown_rows(count: int, limit: int, measured: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return which rows of `count` the page shows, ascending: all, or `limit` of them, because a large page is slow.

    The measured rows (m,) are chosen first, because the page says most about them; random others fill the rest. If
    there are too many measured rows, a random part of them is shown.
    """
    if count <= limit:
        return np.arange(count)
    if len(measured) >= limit:
        return np.sort(rng.choice(measured, limit, replace=False))
    others = np.setdiff1d(np.arange(count), measured)
    return np.sort(np.concatenate([measured, rng.choice(others, limit - len(measured), replace=False)]))


def _layer_points(points: LayerPoints, rows_measured: NDArray[np.intp], ids: NDArray[np.int32]) -> dict[str, Any]:
    found = {name: getattr(points, name) for name in POINT_FIELDS}
    fields = {name: None if values is None else packed(spread(values, rows_measured)) for name, values in found.items()}
    neighbours = places_of(points.neighbours, ids).astype(np.int32)
    shown = np.full((len(ids), points.neighbours.shape[1]), -1, dtype=np.int32)
    shown[rows_measured >= 0] = neighbours[rows_measured[rows_measured >= 0]]
    return fields | {"neighbours": packed_rows(shown, len(ids))}


def spread(values: NDArray[Any], rows_measured: NDArray[np.intp]) -> NDArray[Any]:
    """Return values (m,) at the given rows (n,); for row -1, NaN, or UNKNOWN in an integer field."""
    missing = np.nan if values.dtype.kind == "f" else UNKNOWN
    return np.where(rows_measured >= 0, values[rows_measured], missing).astype(values.dtype)


def records(table: pd.DataFrame) -> dict[str, Sequence[Any]]:
    """Return a table as column -> values; NaN becomes None, because JSON has no NaN."""
    return {
        str(name): [None if isinstance(value, float) and not np.isfinite(value) else value for value in column.tolist()]
        for name, column in table.items()
    }
