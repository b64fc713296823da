"""A run's samples with their images, and each layer's description and map, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.activation_files import LayerInfo, read_info
from strata.datasets.description import DatasetDescription, read_description
from strata.datasets.images import load_images
from strata.embedding_files import LayerMap, read_map
from strata.provenance import Provenance, check_same_origin, check_same_samples
from strata.samples import Samples, read_samples


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
