"""Choose what is measured, and run the trained network and its untrained twin for what was not extracted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from strata.artifacts.activations import read_info
from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.artifacts.samples import Samples, read_samples
from strata.core.errors import StrataError
from strata.dataset.description import load_images, read_description
from strata.measures.labels import LabelledSets
from strata.measures.params import MeasureParams
from strata.measures.space_files import HELD_OUT, POINTS, REFERENCE, SpaceFiles, copy_points, project_input
from strata.measures.stability import Embedders, check_stability_points
from strata.network.checkpoint import load_checkpoint
from strata.network.device import prepare_torch
from strata.network.extraction import Images, stream_activations
from strata.network.io import normalized
from strata.network.make import initialized_network
from strata.network.params import NetworkParams, Outputs

FEWEST = 24  # points: an eighth of them still has two nearest neighbours


@dataclass(frozen=True)
class Measured:
    """What is measured: `rows` (n,) of the extracted samples, all samples, the labels of all sets, and the origin.

    `held_out` names the set of images that are read: the points themselves where they are test images. `projections`
    names the layer whose random projection each layer shares.
    """

    rows: NDArray[np.intp]
    samples: Samples
    labels: LabelledSets
    held_out: str
    projections: dict[str, str]
    provenance: Provenance


def prepare_spaces(
    files: SpaceFiles,
    layers: Mapping[str, str],
    params: MeasureParams,
    network_params: NetworkParams,
    seed: int,
    *,
    data: Path,
    model: Path,
    activations: Path,
    earlier: Mapping[str, Path],
    again: Embedders,
) -> Measured:
    """Fill the scratch folder with the activations of every space, set of images and layer.

    `earlier` are spaces of their own: name -> weights kept in training. `again` will draw maps of some of the points.

    Raises StrataError where the artifacts do not belong together, or there are too few samples to measure.
    """
    samples, origin = read_samples(activations / "samples.parquet")
    check_same_origin(origin, activations / "samples.parquet", Provenance.of(origin.split, model, data), model)
    rows = chosen(len(samples.label), params.samples, np.random.default_rng([seed, 0]))
    check_enough(len(rows), params, again)
    train, test = load_images(data, "train"), load_images(data, "test")
    reference = chosen(len(train.labels), params.samples, np.random.default_rng([seed, 1]))
    held_out = chosen(len(test.labels), params.samples, np.random.default_rng([seed, 2]))
    sets = {
        POINTS: load_images(data, origin.split).images[rows],
        REFERENCE: train.images[reference],
        HELD_OUT: test.images[held_out],
    }
    held_out_labels = test.labels[held_out]
    if origin.split == "test":  # no need to run the same images twice
        del sets[HELD_OUT]
        held_out_labels = test.labels[rows]

    for layer in layers:
        path = activations / f"{layer}.parquet"
        check_same_origin(origin, activations / "samples.parquet", read_info(path).provenance, path)
        ids = copy_points(files, path, layer, rows)
        check_same_samples(samples.sample_id, activations / "samples.parquet", ids, path)
    description = read_description(data)
    device = prepare_torch(params.device, params.threads, training=False)
    shape, classes = description.image_shape, len(description.classes)

    def to_input(images: Images) -> torch.Tensor:
        return normalized(images, description.mean, description.std).to(device)

    network, twin = (initialized_network(network_params, shape, classes, seed).to(device) for _ in range(2))
    outputs = network_params.outputs
    for space, weights in {TRAINED: model, **earlier}.items():
        load_checkpoint(network, weights)
        for name, images in sets.items():
            if (space, name) != (TRAINED, POINTS):  # extracted before
                run_into(files, space, name, network, layers, images, to_input, params.batch_size, outputs)
    projections: dict[str, str] = {}
    for name, images in sets.items():
        run_into(files, UNTRAINED, name, twin, layers, images, to_input, params.batch_size, outputs)
        units = {layer: files.read(UNTRAINED, name, layer).shape[1] for layer in layers}
        projections = project_input(files, name, to_input(images).flatten(1).cpu().numpy(), units, seed)
    return Measured(
        rows=rows,
        samples=samples,
        labels=LabelledSets(
            samples.label[rows], train.labels[reference].astype(np.int16), held_out_labels.astype(np.int16), classes
        ),
        held_out=HELD_OUT if HELD_OUT in sets else POINTS,
        projections=projections,
        provenance=origin,
    )


def chosen(count: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return all rows of `count`, or `most` of them at random, in ascending order."""
    return np.arange(count) if count <= most else np.sort(rng.choice(count, most, replace=False))


def check_enough(count: int, params: MeasureParams, embedders: Embedders) -> None:
    """Raise StrataError where there are too few points for the neighbours asked for, or for the stability runs."""
    if count < FEWEST:
        raise StrataError(f"{count} samples are too few to measure: extract {FEWEST} or more")
    again = min(count, params.stability_samples)
    if 2 * params.neighbours >= again:
        raise StrataError(
            f"measure.neighbours {params.neighbours} is too large for {again} points: less than half of them can be"
            " neighbours; extract more, or lower it"
        )
    check_stability_points(embedders, again)


def run_into(
    files: SpaceFiles,
    space: str,
    name: str,
    network: nn.Module,
    layers: Mapping[str, str],
    images: Images,
    to_input: Callable[[Images], torch.Tensor],
    batch_size: int,
    outputs: Outputs,
) -> None:
    """Write the layers' activations of all images into the scratch folder."""
    targets: dict[str, NDArray[np.float32]] = {}
    for batch in stream_activations(network, images, layers, to_input, batch_size, outputs):
        for layer, values in batch.activations.items():
            flat = values.reshape(len(values), -1)
            if layer not in targets:
                targets[layer] = files.create(space, name, layer, (len(images), flat.shape[1]))
            targets[layer][batch.start : batch.start + len(flat)] = flat
