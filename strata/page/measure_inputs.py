"""What the measure stage found, read for the report and checked to belong to the samples shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.errors import StrataError
from strata.measure_files import (
    LayerPoints,
    SampleDecisions,
    StabilityMap,
    read_decisions,
    read_points,
    read_stability_maps,
)
from strata.provenance import Provenance, check_same_origin, check_same_samples


@dataclass(frozen=True)
class MeasureInputs:
    """Tables as the measure stage wrote them; `rows` (m,) are the measured among the n samples of the report."""

    table: pd.DataFrame
    cka: pd.DataFrame
    dimension: pd.DataFrame
    stability: pd.DataFrame
    pairs: pd.DataFrame
    decisions: SampleDecisions
    points: dict[str, LayerPoints]
    stability_maps: list[StabilityMap]
    rows: NDArray[np.intp]


def load_measures(
    layers: Sequence[str],
    sample_ids: NDArray[np.int32],
    origin: Provenance,
    *,
    measures: Path,
    table: Path,
    cka: Path,
    dimension: Path,
    stability: Path,
    pairs: Path,
) -> MeasureInputs:
    """Return everything measured.

    Raises StrataError where a file is missing or damaged, of another model, data set or split, or of other samples.
    """
    decisions, decided_from = read_decisions(measures / "samples.parquet")
    check_same_origin(origin, Path("data/activations"), decided_from, measures / "samples.parquet")
    rows = np.searchsorted(sample_ids, decisions.sample_id)
    if not np.array_equal(sample_ids[np.minimum(rows, len(sample_ids) - 1)], decisions.sample_id):
        raise StrataError(f"{measures / 'samples.parquet'} holds samples that were not extracted; run `dvc repro`")
    points = {}
    for layer in layers:
        path = measures / "points" / f"{layer}.parquet"
        points[layer], found = read_points(path)
        check_same_origin(origin, Path("data/activations"), found, path)
        check_same_samples(decisions.sample_id, measures / "samples.parquet", points[layer].sample_id, path)
    maps, found = read_stability_maps(measures / "stability_maps.parquet")
    check_same_origin(origin, Path("data/activations"), found, measures / "stability_maps.parquet")
    for stability_map in maps:
        if not np.isin(stability_map.sample_id, decisions.sample_id).all():
            raise StrataError(
                f"{measures / 'stability_maps.parquet'} holds samples that were not measured;"
                " run `dvc repro -f measure`"
            )
    return MeasureInputs(
        table=read_csv(table, ("layer", "measure", "value", "low", "high", "control")),
        cka=read_csv(cka, ("layer", "other_layer", "value", "low", "high", "control")),
        dimension=read_csv(dimension, ("layer", "estimator", "points", "value", "low", "high", "control")),
        stability=read_csv(stability, ("layer", "perplexity", "points", "runs", "knn_overlap")),
        pairs=read_csv(pairs, ("layer", "class", "other_class", "separability")),
        decisions=decisions,
        points=points,
        stability_maps=maps,
        rows=rows,
    )


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table that has the given columns. The text `none` is a text.

    Raises StrataError where it is missing, cannot be read, or lacks a column.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise StrataError(f"{path} is damaged: it is no table; run `dvc repro -f`") from None
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise StrataError(f"{path} is damaged: it has no column '{lacking[0]}'; run `dvc repro -f`")
    return table
