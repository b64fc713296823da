"""Extract: every layer's activations, in one Parquet file each, and the network's prediction for each sample."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import ActivationWriter, LayerInfo, repeats_itself
from strata.artifacts.proposed_layers import write_proposed_layers
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import described_samples, write_samples
from strata.artifacts.shipped import ShippedNetwork, write_shipped
from strata.core.console import progress, say
from strata.core.errors import StrataError
from strata.core.layers import Layer, Layers
from strata.core.params import Reproducible, load_section
from strata.core.paths import TRAINED, Paths
from strata.core.portable import check_portable
from strata.dataset.description import DatasetDescription, LabelledImages, load_images, read_description
from strata.jobs.pool import on_cluster, started_pool
from strata.network.capture import resolved_layers
from strata.network.checkpoint import load_checkpoint
from strata.network.device import prepare_torch
from strata.network.extraction import Images, stream_activations
from strata.network.make import initialized_network, wanted_outputs
from strata.network.params import ExtractParams, NetworkParams
from strata.network.preprocessing import preprocessing
from strata.network.proposal import proposed_layers
from strata.network.shipping import shipped_network

WRITING_THREADS = 2  # compression takes as long as the network


@dataclass(frozen=True)
class ExtractJob:
    """Layers of one network to write, each to its own file, and their provenance.

    `time` is the epoch at which the weights were kept during training, as text; TRAINED for the trained network.
    """

    provenance: Provenance
    paths: Paths
    weights: Path
    time: str
    layers: Mapping[str, Layer]
    params: ExtractParams
    network: NetworkParams


def write_run_layers(params_path: Path, paths: Paths) -> None:
    """Write every layer of the run's network, and what it outputs for each sample, as params.yaml says."""
    params = load_section(params_path, "extract", ExtractParams)
    layers = load_section(params_path, "layers", Layers)
    proposed = not layers
    network_params = load_section(params_path, "network", NetworkParams)
    check_portable(load_section(params_path, "reproducible", Reproducible), params.device)

    if proposed:
        layers = layers_for(network_params, read_description(paths.raw))
        say(f"extract: layers proposed for the network: {', '.join(layers)}")

    def job(weights: Path, time: str) -> ExtractJob:
        provenance = Provenance.of(params.split, weights, paths.raw)
        return ExtractJob(provenance, paths, weights, time, layers, params, network_params)

    samples = load_images(paths.raw, params.split)
    write_extraction(job(paths.weights, TRAINED), samples)
    paths.proposed_layers.unlink(missing_ok=True)
    if proposed:
        write_proposed_layers(paths.proposed_layers, layers, job(paths.weights, TRAINED).provenance)
    ship_network(job(paths.weights, TRAINED))
    for time, weights in paths.kept_weights().items():
        say(f"extract: the network after {time} epochs")
        write_extraction(job(weights, time), samples)


def layers_for(network_params: NetworkParams, description: DatasetDescription) -> dict[str, Layer]:
    """Return the layers that `layers: auto` takes of a network. Raises StrataError as `proposal` does."""
    before = preprocessing(description, network_params)
    network = initialized_network(network_params, before.shape, wanted_outputs(description, network_params), seed=0)
    return proposed_layers(network, before.shape)


def write_extraction(job: ExtractJob, samples: LabelledImages) -> None:
    """Write all layers of one network, and its prediction for each sample."""
    output = write_on_cluster(job) if on_cluster() else write_layers(job, samples.images)
    classes = job.network.predicts_classes
    table = described_samples(
        samples.splits,
        samples.labels,
        log_probabilities=output if classes else None,
        targets=samples.targets,
        output=None if classes else output,
    )
    write_samples(job.paths.samples_of(job.time), table, job.provenance)
    say(f"extract: {len(job.layers)} layers of {len(table)} {job.params.split} images")


def write_on_cluster(job: ExtractJob) -> NDArray[np.float32] | None:
    """Write the layers on the cluster's workers, one job per layer; return what the network outputs, as `write_layers`.

    Each job runs the whole network, which takes less time than compressing a wide layer, and writes one file. Raises
    StrataError if the workers' outputs differ.
    """
    jobs = [replace(job, layers={layer: path}) for layer, path in job.layers.items()]
    with started_pool(len(jobs)) as pool:
        first, *others = pool.run(load_and_write_layers, jobs, "extract")
    if first is not None and any(other.tobytes() != first.tobytes() for other in others if other is not None):
        raise StrataError("extract: the cluster's workers compute different bits; use machines of the same kind")
    return first


def load_and_write_layers(job: ExtractJob) -> NDArray[np.float32] | None:
    """Do `write_layers` on a worker, which reads the images itself."""
    return write_layers(job, load_images(job.paths.raw, job.params.split).images)


def write_layers(job: ExtractJob, images: Images) -> NDArray[np.float32] | None:
    """Write the layers' activations, and return what the network says, such as log-probabilities (n, classes).

    None where its outputs are features.
    """
    params = job.params
    device = prepare_torch(params.device, params.threads, training=False)
    description = read_description(job.paths.raw)
    before = preprocessing(description, job.network)
    network = initialized_network(job.network, before.shape, wanted_outputs(description, job.network), seed=0)
    load_checkpoint(network, job.weights)
    network.to(device)

    batches = stream_activations(network, images, job.layers, before.on(device), params.batch_size, job.network.outputs)
    outputs: list[NDArray[np.float32]] = []
    # One batch is compressed and written while the next one goes through the network. The pool is left first, even
    # after an error, so that no write is in progress when the files are closed.
    with ExitStack() as stack, ThreadPoolExecutor(WRITING_THREADS) as pool:
        writers: dict[str, ActivationWriter] = {}
        pending: list[Future[None]] = []
        for batch in progress(batches, "extract", -(-len(images) // params.batch_size), unit="batch"):
            ids = np.arange(batch.start, batch.start + batch.count, dtype=np.int32)
            for layer, values in batch.activations.items():
                if layer not in writers:
                    info = LayerInfo(layer, values.shape[1:], job.provenance, job.layers[layer].taken, params.dtype)
                    writer = ActivationWriter(job.paths.layer(layer, job.time), info, repeats_itself(values))
                    writers[layer] = stack.enter_context(writer)
            wait_for(pending)
            pending = [pool.submit(writers[layer].write, ids, values) for layer, values in batch.activations.items()]
            outputs += [] if batch.output is None else [batch.output]
        wait_for(pending)
    return np.concatenate(outputs) if outputs else None


def ship_network(job: ExtractJob) -> None:
    """Write the network as plain steps, for the page."""
    description = read_description(job.paths.raw)
    mean, std = description.mean, description.std
    if description.inputs != "images":
        shipped = ShippedNetwork((), {}, 0, 1, "its inputs are no images")
    elif job.network.transforms is not None or not isinstance(mean, float) or not isinstance(std, float):
        shipped = ShippedNetwork((), {}, 0, 1, "its images are prepared in another way than by one mean and deviation")
    elif job.network.outputs != "log-probabilities":
        reason = f"it outputs {job.network.outputs}, and the page runs networks that output log-probabilities"
        shipped = ShippedNetwork((), {}, mean, std, reason)
    else:
        before = preprocessing(description, job.network)
        wanted = wanted_outputs(description, job.network)
        network = initialized_network(job.network, before.shape, wanted, seed=0)
        load_checkpoint(network, job.weights)
        shipped = shipped_network(network, resolved_layers(job.layers, network), mean, std)
    write_shipped(job.paths.shipped, shipped, job.provenance)


def wait_for(writes: Iterable[Future[None]]) -> None:
    """Wait for writes to end; raise the error of the first that failed."""
    for write in writes:
        write.result()
