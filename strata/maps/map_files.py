"""Embed: a map of every layer, from one start or its own, each aligned to the map before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import count_samples, read_info
from strata.artifacts.maps import LayerMap, write_map
from strata.artifacts.proposed_layers import layers_of_run
from strata.artifacts.provenance import check_same_origin, check_same_samples
from strata.core import streams
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_json
from strata.core.params import Reproducible, Seed, load_section
from strata.core.paths import TRAINED, Paths
from strata.core.portable import check_portable
from strata.jobs.pool import started_pool
from strata.maps.alignment import aligned_chain
from strata.maps.embedder import Embedder, Embedding
from strata.maps.memory import process_bytes
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.start import OWN, MapStart, check_choice, common_start, own_start


@dataclass(frozen=True)
class ReduceJob:
    path: Path
    components: int
    embedder: Embedder
    seed: int


@dataclass(frozen=True)
class EmbedJob:
    values: NDArray[np.float32]
    start: NDArray[np.float64]
    embedder: Embedder
    seed: int


def draw_run_maps(params_path: Path, paths: Paths) -> None:
    """Draw and write a map of every layer of a run, as params.yaml says."""
    seed = load_section(params_path, "seed", Seed)
    named, proposed = layers_of_run(params_path, paths)
    layers = list(named)
    mode = load_section(params_path, "reproducible", Reproducible)
    params = load_section(params_path, "embed", EmbedParams)
    embedder = params.embedder(mode)
    check_choice(params.initialization_layer, layers, params_path)

    check_portable(mode)
    networks = [(time, layer) for time in (TRAINED, *paths.kept_times(paths.activations)) for layer in layers]
    files = [paths.layer(layer, time) for time, layer in networks]
    infos = [read_info(path) for path in files]
    origins = [info.provenance for info in infos]
    for index, (path, origin) in enumerate(zip(files, origins, strict=True)):
        network = index - index % len(layers)  # the first layer of the same network
        check_same_origin(origins[network], files[network], origin, path)
    if proposed is not None:
        check_same_origin(origins[0], files[0], proposed, paths.proposed_layers)
    count = count_samples(files[0])
    if count:
        embedder.check_count(count)  # before any layer is read
    with started_pool(len(files), process_bytes(embedder, count), [__name__, *embedder.modules]) as pool:
        jobs = [ReduceJob(path, params.pca_components, embedder, seed) for path in files]
        loaded = pool.run(load_reduced, jobs, "embed: principal components", [info.units for info in infos])
        for path, (ids, _) in zip(files, loaded, strict=True):
            check_same_samples(loaded[0][0], files[0], ids, path)
        values = [reduced_values for _, reduced_values in loaded]
        starts = map_starts(values, layers, params.initialization_layer, seed)
        embed_jobs = [
            EmbedJob(value, start.points, embedder, seed) for value, start in zip(values, starts, strict=True)
        ]
        embeddings = pool.run(run_embed, embed_jobs, f"embed: {embedder.title}")
    turned = aligned_over_training([embedding.points for embedding in embeddings], len(layers))
    for index, (points, embedding) in enumerate(zip(turned, embeddings, strict=True)):
        time, layer = networks[index]
        method = starts[index].described(embedder.described(params.method, embedding))
        layer_map = LayerMap(layer, loaded[index][0], points.astype(np.float32), method, origins[index])
        write_map(paths.map(layer, time), layer_map)
    write_json(paths.metrics("embedding"), {"samples": len(values[0]), **metrics(layers, embeddings)})
    say(f"embed: {len(embeddings)} maps of {len(values[0])} samples")


def map_starts(values: Sequence[NDArray[np.float32]], layers: Sequence[str], choice: str, seed: int) -> list[MapStart]:
    """Return the start of every map; values (n, k) are those of the trained network's layers, then of earlier times.

    A layer that all maps start from is the trained network's. Raises StrataError as `common_start` does.
    """
    if choice == OWN:
        return [own_start(value, seed) for value in values]
    return [common_start(values[layers.index(choice)], choice, seed)] * len(values)


def aligned_over_training(maps: Sequence[NDArray[np.float64]], layers: int) -> list[NDArray[np.float64]]:
    """Return the maps of the trained network, layer by layer, then those of earlier times, all aligned to one another.

    The trained network's maps form a chain from layer to layer. The earlier maps of a layer form a chain back in time.
    """
    trained = aligned_chain(list(maps[:layers]))
    chains = [aligned_chain([trained[layer], *maps[layers + layer :: layers][::-1]]) for layer in range(layers)]
    earlier = [chain[1:][::-1] for chain in chains]
    return trained + [points for same_time in zip(*earlier, strict=True) for points in same_time]


def metrics(layers: Sequence[str], embeddings: Sequence[Embedding]) -> dict[str, dict[str, float]]:
    """Return name -> layer -> rounded value of the metrics that the method reports for the trained network's maps.

    A layer is left out where the method reports nothing.
    """
    trained = dict(zip(layers, embeddings, strict=False))
    names = dict.fromkeys(name for embedding in trained.values() for name in embedding.metrics)
    return {
        name: {layer: round(each.metrics[name], 6) for layer, each in trained.items() if name in each.metrics}
        for name in names
    }


def load_reduced(job: ReduceJob) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    reduced = read_reduced(job.path, job.components, job.seed)
    job.embedder.check_points(len(reduced.values), reduced.constant, reduced.info.layer)
    return reduced.sample_ids, reduced.values


def run_embed(job: EmbedJob) -> Embedding:
    embedding = job.embedder.embed(job.values, job.start, streams.map_optimization(job.seed))
    if not np.isfinite(embedding.points).all():
        raise StrataError(f"{job.embedder.title} diverged; change its settings in section embed")
    return embedding
