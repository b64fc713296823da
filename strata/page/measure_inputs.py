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
    return MeasureInputs(
        table=read_csv(table),
        cka=read_csv(cka),
        dimension=read_csv(dimension),
        stability=read_csv(stability),
        pairs=read_csv(pairs),
        decisions=decisions,
        points=points,
        stability_maps=maps,
        rows=rows,
    )


def read_csv(path: Path) -> pd.DataFrame:
    """Return a table. Raises StrataError where it is missing or cannot be read. The text `none` is a text."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise StrataError(f"{path} is damaged: it is no table; run `dvc repro -f`") from None
