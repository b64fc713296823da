"""One batch through the network, and one small map: what they take is measured, in processes like the stages' own."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strata.artifacts.activations import ActivationWriter, LayerInfo, repeats_itself
from strata.artifacts.provenance import Provenance
from strata.commands.plan.memory_watch import own_memory, watched
from strata.commands.plan.needs import amount
from strata.core import streams
from strata.core.errors import StrataError
from strata.core.layers import Layer
from strata.core.limits import free_memory
from strata.maps.embedder import INITIAL_DEVIATION, Embedder
from strata.network.params import ExtractParams, NetworkParams
from strata.training.params import TrainParams

MOST_POINTS = 600  # of the small map
COPIES = 2  # of a batch's activations at least: the network's output, and what is written


@dataclass(frozen=True)
class TrialJob:
    """The data, the network and its layers, none if they are to be proposed, and an empty folder to write into."""

    raw: Path
    folder: Path
    seed: int
    layers: dict[str, Layer]
    network: NetworkParams
    train: TrainParams
    extract: ExtractParams


@dataclass(frozen=True)
class LayerTrial:
    """A layer of one batch: its shape, bytes per sample in its file, and what is taken."""

    name: str
    shape: tuple[int, ...]
    file_bytes: float
    chosen: Layer

    @property
    def units(self) -> int:
        """The number of units D of the layer."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class NetworkTrial:
    """What one batch of `batch` samples took, in bytes: the process before it, and then at most.

    `inputs` is how many numbers the network gets for an image, `weights` the bytes of its parameters and buffers.
    Of a sample in training, `given` are the bytes that the network gets, `kept` those for the gradients, and `passing`
    those that the widest module reads and outputs; 0 where nothing is trained, or tested.
    """

    layers: list[LayerTrial]
    batch: int
    inputs: int
    weights: int
    imported: int
    before: int
    peak: int
    given: float
    kept: float
    passing: float


def try_network(job: TrialJob) -> NetworkTrial:
    """Run one batch through the untrained network and write it, as stage extract does.

    Raises StrataError as the stages train, extract and measure do for the network and its layers, and if a batch cannot
    fit into memory.
    """
    # Imported here: what a process takes is measured, too.
    from strata.commands.plan.training_trial import bytes_kept, bytes_passing
    from strata.dataset.description import load_images, read_description
    from strata.measures import preparation  # noqa: F401
    from strata.network.device import prepare_torch
    from strata.network.extraction import stream_activations
    from strata.network.make import wanted_outputs
    from strata.network.preprocessing import preprocessing
    from strata.network.proposal import proposed_layers
    from strata.network.untrained import untrained_network
    from strata.training.losses import check_trainable, has_answers
    from strata.training.networks import network_to_train

    params, outputs = job.extract, job.network.outputs
    device = prepare_torch(params.device, params.threads, training=False)
    imported = own_memory()
    description = read_description(job.raw)
    images = load_images(job.raw, params.split).images
    before = preprocessing(description, job.network)
    check_trainable(description, job.network, job.train)
    wanted = wanted_outputs(description, job.network)
    network = network_to_train(job.network, job.train, before.shape, wanted, job.seed, device)
    untrained_network(job.network, before.shape, wanted, job.seed)  # it fails for some networks; measure needs it
    chosen = job.layers or proposed_layers(network, before.shape)
    to_input, found = before.on(device), own_memory()
    first = next(stream_activations(network, images[:3], chosen, to_input, 3, outputs))
    batch = min(params.batch_size, len(images))
    _check_batch(batch, sum(values[0].nbytes for values in first.activations.values()))
    layers = []
    with watched() as peak:
        whole = next(stream_activations(network, images[:batch], chosen, to_input, batch, outputs))
        for layer, values in whole.activations.items():
            path = job.folder / f"{layer}.parquet"
            origin, taken = Provenance(params.split, "", ""), chosen[layer].taken
            info = LayerInfo(layer, values.shape[1:], origin, taken, params.dtype)
            with ActivationWriter(path, info, repeats_itself(values)) as writer:
                writer.write(np.arange(batch, dtype=np.int32), values)
            layers.append(LayerTrial(layer, values.shape[1:], path.stat().st_size / batch, chosen[layer]))
            path.unlink()
    weights = sum(tensor.nbytes for tensor in network.state_dict().values())
    given = kept = passing = 0.0
    if has_answers(description, job.network):
        given = before.prepared(images[:1]).nbytes
        kept = bytes_kept(network.cpu(), before.shape) if job.train.epochs else 0.0
        passing = bytes_passing(network.cpu(), before.shape)
    return NetworkTrial(layers, batch, before.numbers, weights, imported, found, peak.bytes, given, kept, passing)


def _check_batch(batch: int, bytes_each: int) -> None:
    """Raise StrataError if the activations of a batch alone do not fit, before they take the machine's memory."""
    available = free_memory()
    if COPIES * batch * bytes_each > available:
        largest = max(1, available // (2 * COPIES * bytes_each))
        raise StrataError(
            f"extract.batch_size {batch}: the layers of a batch take {amount(COPIES * batch * bytes_each)},"
            f" {amount(available)} are free: lower it to {largest}, or give wide layers a pool or project"
        )


@dataclass(frozen=True)
class WorkerTrial:
    """Bytes of a process of stage embed that has imported what it needs, that has drawn a map, and one of measure."""

    imported: int
    embedding: int
    measuring: int


def try_worker(job: tuple[Embedder, int]) -> WorkerTrial:
    """Draw a map of a few random points with an embedder, of a count that it allows."""
    embedder, count = job
    imported, points = own_memory(), min(count, MOST_POINTS)
    rng = streams.trial_points(seed=0)
    values = rng.standard_normal((points, 10), dtype=np.float32)
    try:
        embedder.check_count(points)
        embedder.embed(values, rng.standard_normal((points, 2)) * INITIAL_DEVIATION, 0)
    except StrataError:  # `auto`, or a perplexity for more points: the engine is loaded all the same
        pass
    embedding = own_memory()
    from strata.measures import plan_jobs  # noqa: F401

    return WorkerTrial(imported, embedding, own_memory())
