"""Choose what is measured, and run the trained network and its untrained twin for what was not extracted."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import as_stored
from strata.artifacts.measured import PROJECTION, TRAINED, UNTRAINED
from strata.artifacts.run import RunArtifacts
from strata.core import streams
from strata.core.errors import StrataError
from strata.core.params import Dtype
from strata.dataset.description import load_images
from strata.measures.input_projection import Inputs, project_input
from strata.measures.inputs import Settings
from strata.measures.labels import LabelledSets
from strata.measures.params import NumberedMeasureParams
from strata.measures.space_files import HELD_OUT, POINTS, REFERENCE, Measured, SpaceFiles, WrittenSpace, copy_points
from strata.measures.stability import Embedders, check_stability_points
from strata.measures.subsets import chosen

if TYPE_CHECKING:
    from torch import nn

    from strata.network.extraction import Images, LayerBatch

FEWEST = 24  # points: an eighth of them still has two nearest neighbours


def prepare_points(files: SpaceFiles, run: RunArtifacts, settings: Settings) -> tuple[Measured, "dict[str, Images]"]:
    """Write the extracted activations of what is measured into the scratch folder; return it, and all sets of images.

    Raises StrataError where the artifacts do not belong together, or there are too few samples to measure.
    """
    count = len(run.samples)
    rows = chosen(count, settings.params.samples, streams.points(settings.seed))
    check_enough(len(rows), settings.params, settings.again)
    images, labels = _images_and_labels(run, settings, rows)
    for layer, info in run.layers.items():
        copy_points(files, info, run.activation_batches(layer), rows, count)
    held_out = HELD_OUT if HELD_OUT in images else POINTS
    return Measured(rows, run.samples, labels, held_out, run.provenance), images


def _images_and_labels(
    run: RunArtifacts, settings: Settings, rows: NDArray[np.intp]
) -> tuple["dict[str, Images]", LabelledSets | None]:
    """Return the images of each set, and the labels: the held-out images are the points where these are test images.

    Without labels, or training images, there is nothing to read from the layers: the points are the only set.
    """
    if run.samples.label is None:
        return {POINTS: run.images()[rows]}, None
    if not run.dataset.counts["train"]:
        nothing, known = np.empty(0, dtype=np.int16), run.samples.labels[rows]
        return {POINTS: run.images()[rows]}, LabelledSets(known, nothing, known, len(run.dataset.classes))
    limit, seed = settings.params.samples, settings.seed
    train, test = load_images(run.paths.raw, "train"), load_images(run.paths.raw, "test")
    reference = chosen(len(train.images), limit, streams.reference_images(seed))
    held_out = chosen(len(test.images), limit, streams.held_out_images(seed))
    images = {POINTS: run.images()[rows], REFERENCE: train.images[reference], HELD_OUT: test.images[held_out]}
    if run.provenance.split == "test":  # no need to run the same images twice
        del images[HELD_OUT]
        held_out = rows
    classes = len(run.dataset.classes)
    known, read = train.known_labels[reference].astype(np.int16), test.known_labels[held_out].astype(np.int16)
    return images, LabelledSets(run.samples.labels[rows], known, read, classes)


def write_spaces(
    files: SpaceFiles,
    run: RunArtifacts,
    settings: Settings,
    others: Mapping[str, Path],
    images: "Mapping[str, Images]",
) -> Iterator[WrittenSpace]:
    """Fill the scratch folder with what was not extracted, space by space; yield each as soon as it is whole.

    They are the trained network's, its other weights', name -> file, its untrained twin's, and that of random
    projections. Torch computes with as many threads as params.yaml says.
    """
    # Imported here: other jobs can run while this takes seconds.
    from strata.network.checkpoint import load_checkpoint
    from strata.network.device import prepare_torch
    from strata.network.extraction import stream_activations
    from strata.network.make import initialized_network, wanted_outputs
    from strata.network.preprocessing import preprocessing
    from strata.network.untrained import untrained_network

    description, weights = run.dataset, {TRAINED: run.paths.weights, **others}
    device = prepare_torch(settings.params.device, settings.params.threads, training=False)

    before = preprocessing(description, settings.network)
    to_input = before.on(device)
    # All spaces are rounded as the files are: else the twin would be a control of another precision.
    dtypes = {layer: info.dtype for layer, info in run.layers.items()}

    def written(network: "nn.Module", space: str) -> WrittenSpace:
        batch_size, outputs = settings.params.batch_size, settings.network.outputs
        for name in images:
            if (space, name) != (TRAINED, POINTS):  # extracted before
                batches = stream_activations(network, images[name], settings.layers, to_input, batch_size, outputs)
                write_batches(files, space, name, len(images[name]), batches, dtypes)
        same = () if space == TRAINED else settings.layers
        return WrittenSpace(space, frozenset(layer for layer in same if _is_trained(files, space, layer, images)))

    def inputs_of(chosen_images: "Images") -> Inputs:
        return lambda rows: before.flat(to_input(chosen_images[rows])).cpu().numpy()

    made = (settings.network, before.shape, wanted_outputs(description, settings.network), settings.seed)
    twin = untrained_network(*made).to(device)
    network = initialized_network(*made).to(device)
    for space, file in weights.items():
        load_checkpoint(network, file)
        yield written(network, space)
    yield written(twin, UNTRAINED)
    projections: dict[str, str] = {}
    for name in images:
        units = {layer: files.read(UNTRAINED, name, layer).shape[1] for layer in settings.layers}
        projections = project_input(files, name, len(images[name]), inputs_of(images[name]), units, settings.seed)
    yield WrittenSpace(PROJECTION, projections=projections)


def _is_trained(files: SpaceFiles, space: str, layer: str, sets: Iterable[str]) -> bool:
    return all(files.are_equal(space, TRAINED, name, layer) for name in sets)


def check_enough(count: int, params: NumberedMeasureParams, embedders: Embedders) -> None:
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


def write_batches(
    files: SpaceFiles, space: str, name: str, count: int, batches: "Iterable[LayerBatch]", dtypes: Mapping[str, Dtype]
) -> None:
    """Write the layers' activations of `count` images into the scratch folder, as files of `dtypes` hold them."""
    targets: dict[str, NDArray[np.float32]] = {}
    for batch in batches:
        for layer, values in batch.activations.items():
            flat = as_stored(values.reshape(len(values), -1), dtypes[layer], layer)
            if layer not in targets:
                targets[layer] = files.create(space, name, layer, (count, flat.shape[1]))
            targets[layer][batch.start : batch.start + len(flat)] = flat
