"""What an export is written from: the artifacts of one run, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.activation_files import LayerInfo, read_info
from strata.datasets.description import DatasetDescription, read_description
from strata.datasets.images import load_images
from strata.embedding_files import LayerMap, read_map
from strata.errors import StrataError
from strata.measure_files import LayerPoints, SampleDecisions, read_decisions, read_points
from strata.provenance import Provenance, check_same_origin, check_same_samples
from strata.samples import Samples, read_samples


@dataclass(frozen=True)
class Measured:
    """Where the measured samples are decided, and their neighbours in each exported layer."""

    decisions: SampleDecisions
    points: dict[str, LayerPoints]


@dataclass(frozen=True)
class ExportInputs:
    """The samples with their images, uint8 (n, H, W[, 3]), and each exported layer's file, description and map.

    `order` are all layers of the run, which a commit layer counts; `measured` is None where nothing was measured.
    """

    dataset: DatasetDescription
    provenance: Provenance
    samples: Samples
    images: NDArray[np.uint8]
    order: tuple[str, ...]
    files: dict[str, Path]
    infos: dict[str, LayerInfo]
    maps: dict[str, LayerMap]
    measured: Measured | None


def load_export_inputs(data: Path, order: Sequence[str], chosen: Sequence[str]) -> ExportInputs:
    """Return what is exported of the chosen layers of the run under `data`.

    Raises StrataError where an artifact is missing, damaged, or of another model, data set, split or samples than the
    others.
    """
    path = data / "activations/samples.parquet"
    samples, origin = read_samples(path)
    check_same_origin(origin, path, Provenance.of(origin.split, data / "model/mnist_cnn.pt", data / "raw"), data)
    images = load_images(data / "raw", origin.split).images
    check_same_samples(samples.sample_id, path, np.arange(len(images), dtype=np.int32), data / "raw")
    files = {layer: data / "activations" / f"{layer}.parquet" for layer in chosen}
    infos = {layer: read_info(file) for layer, file in files.items()}
    maps = {layer: read_map(data / "embeddings" / f"{layer}.parquet") for layer in chosen}
    for layer in chosen:
        map_path = data / "embeddings" / f"{layer}.parquet"
        check_same_origin(origin, path, infos[layer].provenance, files[layer])
        check_same_origin(origin, path, maps[layer].provenance, map_path)
        check_same_samples(samples.sample_id, path, maps[layer].sample_ids, map_path)
    return ExportInputs(
        dataset=read_description(data / "raw"),
        provenance=origin,
        samples=samples,
        images=images,
        order=tuple(order),
        files=files,
        infos=infos,
        maps=maps,
        measured=_measured(data / "measures", origin, samples, order, chosen),
    )


def _measured(
    folder: Path, origin: Provenance, samples: Samples, order: Sequence[str], chosen: Sequence[str]
) -> Measured | None:
    if not folder.exists():
        return None
    path = folder / "samples.parquet"
    decisions, decided_from = read_decisions(path)
    check_same_origin(origin, folder.parent / "activations", decided_from, path)
    if not np.isin(decisions.sample_id, samples.sample_id).all():
        raise StrataError(f"{path} holds samples that were not extracted; run `dvc repro`")
    if len(decisions.commit_layer) and decisions.commit_layer.max() >= len(order):
        raise StrataError("the measures were taken with other layers than params.yaml names; run `dvc repro`")
    points = {}
    for layer in chosen:
        points_path = folder / "points" / f"{layer}.parquet"
        points[layer], found = read_points(points_path)
        check_same_origin(origin, folder.parent / "activations", found, points_path)
        check_same_samples(decisions.sample_id, path, points[layer].sample_id, points_path)
        if not np.isin(points[layer].neighbours, samples.sample_id).all():
            raise StrataError(f"{points_path} names neighbours that were not extracted; run `dvc repro`")
    return Measured(decisions, points)
