"""Reads and checks everything that the measure stage wrote, and the tables of the reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measure_registry import MeasureRegistry, read_registry
from strata.artifacts.measured import (
    LayerPoints,
    MeasuredSamples,
    SampleDecisions,
    StabilityMap,
    read_decisions,
    read_points,
    read_stability_maps,
)
from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.artifacts.samples import rows_of
from strata.core.cells import unescaped, with_cells
from strata.core.errors import StrataError
from strata.core.paths import Paths

MEASURE_COLUMNS = ("layer", "measure", "value", "low", "high", "control")
CKA_COLUMNS = ("layer", "other_layer", "value", "low", "high", "control")
NETWORK_COLUMNS = ("network", "layer", "measure", "value", "low", "high")
BETWEEN_COLUMNS = ("measure", "network", "layer", "other_network", "other_layer", "value", "low", "high")
DIMENSION_COLUMNS = ("layer", "estimator", "points", "value", "low", "high", "control")
STABILITY_COLUMNS = ("layer", "perplexity", "points", "runs", "knn_overlap")
PAIR_COLUMNS = (
    *("layer", "class", "other_class", "separability", "low", "high"),
    *("rise", "rise_low", "rise_high", "control"),
)
OVER_TRAINING_COLUMNS = ("epochs", "layer", "measure", "value", "low", "high")
BATCH_COLUMNS = ("epoch", "train_loss", "train_accuracy")
EPOCH_COLUMNS = ("epoch", "test_loss", "test_accuracy")
# Columns that are text whatever they look like: a layer may be named 1, as in nn.Sequential.
TEXTS = dict.fromkeys(("layer", "other_layer", "measure", "control", "estimator"), "str")


@dataclass(frozen=True)
class Measures:
    """The measurements of a run: tables as the measure stage wrote them, and measurements of single samples.

    `table` has one row per layer, measure and control, with `value` and its interval `low` to `high`. `rows` (m,) are
    the rows of the measured samples among the run's n samples, `decisions` their ids, and SampleDecisions in a run with
    labels and predictions. `registry` describes each measure. `networks`
    has the same measures of every network that was trained, and `between` how alike their layers are, if there are
    several.
    """

    table: pd.DataFrame
    cka: pd.DataFrame
    dimension: pd.DataFrame
    stability: pd.DataFrame
    pairs: pd.DataFrame
    decisions: MeasuredSamples
    points: dict[str, LayerPoints]
    stability_maps: list[StabilityMap]
    rows: NDArray[np.intp]
    registry: MeasureRegistry
    networks: pd.DataFrame
    between: pd.DataFrame

    @property
    def decided(self) -> SampleDecisions:
        """Where along the layers each measured sample is decided; ValueError without labels or predictions."""
        if not isinstance(self.decisions, SampleDecisions):
            raise ValueError("these samples are not decided: there are no labels, or no predictions")
        return self.decisions


def read_measures(paths: Paths, layers: Sequence[str], sample_ids: NDArray[np.int32], origin: Provenance) -> Measures:
    """Return everything measured of a run with these samples and this origin.

    Raises StrataError if a file is missing or damaged, or has another model, data set or split, or other samples.
    """
    decisions, rows = read_measured_samples(paths, sample_ids, origin)
    points = {layer: read_layer_points(paths, layer, decisions, sample_ids, origin) for layer in layers}
    maps, maps_origin = read_stability_maps(paths.stability_maps)
    check_same_origin(origin, paths.samples, maps_origin, paths.stability_maps)
    for stability_map in maps:
        rows_of(stability_map.sample_id, decisions.sample_id, f"{paths.stability_maps} holds samples", "measured")
    return Measures(
        table=read_csv(paths.table("measures"), MEASURE_COLUMNS),
        cka=read_csv(paths.table("cka"), CKA_COLUMNS),
        dimension=read_csv(paths.table("intrinsic_dimension"), DIMENSION_COLUMNS),
        stability=read_csv(paths.table("stability"), STABILITY_COLUMNS),
        pairs=read_csv(paths.table("class_pairs"), PAIR_COLUMNS),
        decisions=decisions,
        points=points,
        stability_maps=maps,
        rows=rows,
        registry=read_registry(paths.registry),
        networks=read_csv(paths.table("networks"), NETWORK_COLUMNS),
        between=read_csv(paths.table("between_networks"), BETWEEN_COLUMNS),
    )


def read_measured_samples(
    paths: Paths, sample_ids: NDArray[np.int32], origin: Provenance
) -> tuple[MeasuredSamples, NDArray[np.intp]]:
    """Return the measured samples, with the layer at which each is decided, if it is, and their rows (m,) among all.

    Raises StrataError as `read_measures` does.
    """
    decisions, decisions_origin = read_decisions(paths.decisions)
    check_same_origin(origin, paths.samples, decisions_origin, paths.decisions)
    rows = rows_of(decisions.sample_id, sample_ids, f"{paths.decisions} holds samples", "extracted")
    return decisions, rows


def check_commit_layers(decisions: MeasuredSamples, layers: Sequence[str]) -> None:
    """Raise StrataError where a sample commits neither at a layer of the run nor after the last.

    In files of earlier versions -1 stood for samples that never commit.
    """
    if not isinstance(decisions, SampleDecisions):
        return
    commit = decisions.commit_layer
    if len(commit) and commit.min() < 0:
        raise StrataError("the measures are of an earlier version, where some samples never commit; run `dvc repro`")
    if len(commit) and commit.max() > len(layers):
        raise StrataError("the measures were taken with other layers than params.yaml names; run `dvc repro`")


def read_layer_points(
    paths: Paths, layer: str, decisions: MeasuredSamples, sample_ids: NDArray[np.int32], origin: Provenance
) -> LayerPoints:
    """Return the measurements of each sample in one layer. Raises StrataError as `read_measures` does."""
    path = paths.points(layer)
    points, points_origin = read_points(path)
    check_same_origin(origin, paths.samples, points_origin, path)
    check_same_samples(decisions.sample_id, paths.decisions, points.sample_id, path)
    rows_of(points.neighbours.ravel(), sample_ids, f"{path} names neighbours", "extracted")
    return points


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table that has the given columns. The text `none` stays text, and texts are as before `write_csv`.

    Raises StrataError if the file is missing, cannot be read, or lacks a column.
    """
    try:
        table = with_cells(pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=TEXTS), unescaped)
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise StrataError(f"{path} is damaged: it is not a table; run `dvc repro -f`") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise StrataError(f"{path} is damaged: it has no column '{missing[0]}'; run `dvc repro -f`")
    return table
