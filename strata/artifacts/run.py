"""A run's artifacts, checked to belong together: samples with their images, maps, and what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import LayerInfo, read_info
from strata.artifacts.maps import LayerMap, read_map
from strata.artifacts.measure_registry import FILE, MeasureRegistry, read_registry
from strata.artifacts.measured import (
    LayerPoints,
    SampleDecisions,
    StabilityMap,
    read_decisions,
    read_points,
    read_stability_maps,
)
from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.artifacts.samples import Samples, read_samples
from strata.core.errors import StrataError
from strata.dataset.description import DatasetDescription, load_images, read_description


@dataclass(frozen=True)
class RunArtifacts:
    """The samples of a run with their images, uint8 (n, H, W) or (n, H, W, 3); each layer's map and description."""

    dataset: DatasetDescription
    provenance: Provenance
    samples: Samples
    images: NDArray[np.uint8]
    maps: dict[str, LayerMap]
    infos: dict[str, LayerInfo]


def load_run_artifacts(
    layers: Sequence[str], *, data: Path, model: Path, activations: Path, embeddings: Path
) -> RunArtifacts:
    """Return what the stages before measure wrote of these layers.

    Raises StrataError where an artifact is missing, damaged, or of another model, data set, split or samples than the
    others.
    """
    samples_path = activations / "samples.parquet"
    samples, origin = read_samples(samples_path)
    check_same_origin(origin, samples_path, Provenance.of(origin.split, model, data), model)
    images = load_images(data, origin.split).images
    check_same_samples(samples.sample_id, samples_path, np.arange(len(images), dtype=np.int32), data)
    maps, infos = {}, {}
    for layer in layers:
        map_path, activation_path = embeddings / f"{layer}.parquet", activations / f"{layer}.parquet"
        maps[layer], infos[layer] = read_map(map_path), read_info(activation_path)
        check_same_origin(origin, samples_path, maps[layer].provenance, map_path)
        check_same_origin(origin, samples_path, infos[layer].provenance, activation_path)
        check_same_samples(samples.sample_id, samples_path, maps[layer].sample_ids, map_path)
    return RunArtifacts(read_description(data), origin, samples, images, maps, infos)


CHECKPOINTS = "checkpoints"


def kept_weights(folder: Path) -> dict[str, Path]:
    """Return time in epochs -> file of weights, in order, of the train stage's folder of checkpoints."""
    return _in_order({path.stem if path.suffix == ".pt" else path.name: path for path in _visible(folder)}, folder)


def kept_folders(folder: Path) -> dict[str, Path]:
    """Return time in epochs -> its folder below a stage's folder, in order; empty where no weights were kept."""
    inside = folder / CHECKPOINTS
    return _in_order({path.name: path for path in _visible(inside)}, inside) if inside.exists() else {}


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _in_order(found: dict[str, Path], folder: Path) -> dict[str, Path]:
    for name in found:
        try:
            known = 0 <= float(name) < math.inf
        except ValueError:
            known = False
        if not known:
            raise StrataError(f"{folder}: '{name}' is no time in epochs; run `dvc repro -f train`")
    return dict(sorted(found.items(), key=lambda entry: float(entry[0])))


@dataclass(frozen=True)
class MeasureInputs:
    """Tables as the measure stage wrote them, and what it says of its measures.

    `rows` (m,) are the measured among the n samples of the report.
    """

    table: pd.DataFrame
    cka: pd.DataFrame
    dimension: pd.DataFrame
    stability: pd.DataFrame
    pairs: pd.DataFrame
    decisions: SampleDecisions
    points: dict[str, LayerPoints]
    stability_maps: list[StabilityMap]
    rows: NDArray[np.intp]
    registry: MeasureRegistry


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
        registry=read_registry(measures / FILE),
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
