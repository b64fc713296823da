"""A run's artifacts, read when they are asked for and checked to belong together."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import (
    Activations,
    LayerInfo,
    iterate_activations,
    read_activations,
    read_info,
    read_one_activation,
)
from strata.artifacts.maps import LayerMap, read_map
from strata.artifacts.needs import Need, lacking
from strata.artifacts.proposed_layers import layers_of_run
from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.artifacts.samples import Samples, read_samples
from strata.artifacts.shipped import ShippedNetwork, read_shipped
from strata.artifacts.tables import (
    BATCH_COLUMNS,
    EPOCH_COLUMNS,
    OVER_TRAINING_COLUMNS,
    Measures,
    check_commit_layers,
    read_csv,
    read_measures,
)
from strata.core.errors import StrataError
from strata.core.layers import AUTO, Layer
from strata.core.params import read_params
from strata.core.paths import TRAINED, Paths
from strata.dataset.description import PARTS, DatasetDescription, load_images, read_description, read_pictures


def _already_there(_: Path) -> None:
    """Fetch nothing: the files are in the workspace."""


class RunArtifacts:
    """The artifacts of a run, each read when it is asked for, and kept.

    Everything raises StrataError, with one line, if an artifact is missing, damaged, or does not match the model, data
    set, split or samples of the run's other artifacts. `fetch` brings a file or folder to its path before it is read.
    """

    def __init__(self, paths: Paths, params: Path, fetch: Callable[[Path], None] = _already_there) -> None:
        self.paths, self._params_path, self._fetch = paths, params, fetch

    @property
    def params_path(self) -> Path:
        """The path of params.yaml."""
        return self._at(self._params_path)

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """The sections of params.yaml, as plain values."""
        return read_params(self.params_path)

    @cached_property
    def chosen_layers(self) -> dict[str, Layer]:
        """Each layer's name -> its module or step in the network, and what is taken, in order: the proposed, if any."""
        if self.proposed:
            self._at(self.paths.proposed_layers)
        layers, origin = layers_of_run(self.params_path, self.paths)
        if origin is not None:
            check_same_origin(self.provenance, self.paths.samples, origin, self.paths.proposed_layers)
        return layers

    @property
    def proposed(self) -> bool:
        """Whether the layers were proposed for the network: params.yaml says `layers: auto`."""
        return bool(self.params.get("layers") == AUTO)

    @cached_property
    def params_in_full(self) -> Mapping[str, Any]:
        """The sections of params.yaml, with the proposed layers in place of `auto`."""
        if not self.proposed:
            return self.params
        layers = {layer: chosen.model_dump(exclude_none=True) for layer, chosen in self.chosen_layers.items()}
        return {**self.params, "layers": layers}

    @cached_property
    def layers(self) -> dict[str, LayerInfo]:
        """Each layer's name -> its shape and number of units, in the same order."""
        return {layer: self._info(layer) for layer in self.chosen_layers}

    @cached_property
    def dataset(self) -> DatasetDescription:
        """The data set: its name, classes, counts, image shape, source and licence."""
        self._at(self.paths.raw)
        return read_description(self.paths.raw)

    @cached_property
    def lacks(self) -> dict[Need, str]:
        """What the run lacks in every layer, such as labels -> why; what needs it is left out."""
        return lacking(self.dataset, self.samples.predicted is not None)

    @cached_property
    def provenance(self) -> Provenance:
        """The split, and the hashes of the model and the data from which every artifact of the run was made."""
        return self._samples[1]

    @cached_property
    def samples(self) -> Samples:
        """The n samples: id and split of each, and its label, prediction and confidence where there are such."""
        return self._samples[0]

    @cached_property
    def _samples(self) -> tuple[Samples, Provenance]:
        raw, weights = self._at(self.paths.raw), self._at(self.paths.weights)
        samples, origin = read_samples(self._at(self.paths.samples))
        model = Provenance.of(origin.split, weights, raw)
        check_same_origin(origin, self.paths.samples, model, self.paths.weights)
        count = sum(self.dataset.counts[part] for part in PARTS[origin.split])
        check_same_samples(samples.sample_id, self.paths.samples, np.arange(count, dtype=np.int32), self.paths.raw)
        known = {"classes": samples.label, "none": True}.get(self.dataset.targets, samples.targets)
        if known is None:
            raise StrataError(
                f"{self.paths.samples} lacks the labels or targets of the data; run `dvc repro -f extract`"
            )
        return samples, origin

    def images(self) -> NDArray[Any]:
        """Return the samples' images, uint8 (n, H, W) or (n, H, W, 3); or their numbers, or token ids."""
        return self._images

    @cached_property
    def _images(self) -> NDArray[Any]:
        self._at(self.paths.raw)
        images = load_images(self.paths.raw, self.provenance.split).images
        ids = np.arange(len(images), dtype=np.int32)
        check_same_samples(self.samples.sample_id, self.paths.samples, ids, self.paths.raw)
        return images

    def pictures(self) -> NDArray[Any]:
        """Return what shows the samples: images as `images()` does, or pictures of them, or numbers, or token ids."""
        if not self.dataset.pictures or self.provenance.split != "test":
            return self.images()
        images, pictures = self.images(), read_pictures(self.paths.raw)
        if len(pictures) != len(images):
            raise StrataError(
                f"{self.paths.raw}: {len(pictures)} pictures of {len(images)} samples; call observe again"
            )
        return pictures

    def activations(self, layer: str) -> Activations:
        """Return a layer's activations: `values` float32 (n, D), and `sample_ids` int32 (n,)."""
        self._info(layer)
        activations = read_activations(self.paths.layer(layer))
        check_same_samples(self.samples.sample_id, self.paths.samples, activations.sample_ids, self.paths.layer(layer))
        return activations

    def activation_batches(self, layer: str) -> Iterator[Activations]:
        """Yield a layer's activations in batches, for layers that do not fit in memory; `values` float32 (b, D)."""
        self._info(layer)
        ids = [np.empty(0, dtype=np.int32)]
        for batch in iterate_activations(self.paths.layer(layer)):
            ids.append(batch.sample_ids)
            yield batch
        check_same_samples(self.samples.sample_id, self.paths.samples, np.concatenate(ids), self.paths.layer(layer))

    def activation(self, layer: str, sample_id: int) -> NDArray[np.float32]:
        """Return one sample's activation in the layer's own shape, such as (C, H, W)."""
        self._info(layer)
        return read_one_activation(self.paths.layer(layer), sample_id)

    def map(self, layer: str, time: str = TRAINED) -> LayerMap:
        """Return a layer's map: `points` float32 (n, 2), and `sample_ids` int32 (n,).

        `time` is an epoch at which weights were kept during training (`times`), as text.
        """
        self._check_layer(layer)
        path = self._at(self.paths.map(layer, time))
        layer_map = read_map(path)
        if layer_map.layer != layer:
            raise StrataError(
                f"{path} is the map of layer '{layer_map.layer}', not '{layer}'; run `dvc repro -f embed`"
            )
        if time == TRAINED:  # earlier weights are another model
            check_same_origin(self.provenance, self.paths.samples, layer_map.provenance, path)
        check_same_samples(self.samples.sample_id, self.paths.samples, layer_map.sample_ids, path)
        return layer_map

    @cached_property
    def shipped(self) -> ShippedNetwork:
        """The trained network as plain steps, for the page."""
        path = self._at(self.paths.shipped)
        network, origin = read_shipped(path)
        check_same_origin(self.provenance, self.paths.samples, origin, path)
        return network

    @cached_property
    def times(self) -> list[str]:
        """The epochs at which weights were kept during training, as text, in order."""
        self._at(self.paths.embeddings)
        return self.paths.kept_times(self.paths.embeddings)

    @cached_property
    def measures(self) -> Measures:
        """Everything measured: tables by layer and control, and measurements of single samples."""
        tables = ("measures", "cka", "networks", "between_networks", "intrinsic_dimension", "stability", "class_pairs")
        for path in (self.paths.measures, *map(self.paths.table, tables)):
            self._at(path)
        measures = read_measures(self.paths, list(self.chosen_layers), self.samples.sample_id, self.provenance)
        check_commit_layers(measures.decisions, list(self.chosen_layers))
        return measures

    @cached_property
    def batches(self) -> pd.DataFrame:
        """The learning curve: loss and accuracy of the training batches."""
        return read_csv(self._at(self.paths.table("learning_curve")), BATCH_COLUMNS)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """Loss and accuracy on the test images after each epoch."""
        return read_csv(self._at(self.paths.table("epochs")), EPOCH_COLUMNS)

    @cached_property
    def over_training(self) -> pd.DataFrame:
        """The measures of the weights kept during training, one row per time, layer and measure."""
        return read_csv(self._at(self.paths.table("measures_over_training")), OVER_TRAINING_COLUMNS)

    @cached_property
    def training(self) -> dict[str, float]:
        """The metrics of training: `parameters`, and `test_accuracy` and others where there are labels."""
        path = self._at(self.paths.metrics("training"))
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
            return {name: float(value) for name, value in metrics.items()}
        except (OSError, ValueError, AttributeError, TypeError, OverflowError):
            raise StrataError(f"{path} is missing or damaged; run `dvc repro -f train`") from None

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment that computed the run: Python, packages, the processor's instruction sets."""
        path = self._at(self.paths.environment)
        try:
            return {name: str(text) for name, text in json.loads(path.read_text(encoding="utf-8")).items()}
        except (OSError, ValueError, AttributeError):
            raise StrataError(f"{path} is missing or damaged; run `dvc repro -f report`") from None

    def _at(self, path: Path) -> Path:
        self._fetch(path)
        return path

    def _check_layer(self, layer: str) -> None:
        if layer not in self.chosen_layers:
            raise StrataError(f"the run has no layer '{layer}'; it has {', '.join(self.chosen_layers)}")

    def _info(self, layer: str) -> LayerInfo:
        self._check_layer(layer)
        path = self._at(self.paths.layer(layer))
        info = read_info(path)
        if info.layer != layer:
            raise StrataError(f"{path} holds layer '{info.layer}', not '{layer}'; run `dvc repro -f extract`")
        if info.taken != (chosen := self.chosen_layers[layer]).taken:
            raise StrataError(f"{path} holds '{info.taken}', not '{chosen}'; run `dvc repro extract`")
        check_same_origin(self.provenance, self.paths.samples, info.provenance, path)
        return info
