"""Embed: a map of every layer, all from one start, each aligned to the map before it.

python -m stages.embed --activations data/activations --out data/embeddings --metrics reports/embedding.json
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.activations import read_info
from strata.artifacts.maps import LayerMap, write_map
from strata.artifacts.provenance import check_same_origin, check_same_samples
from strata.artifacts.run import CHECKPOINTS, kept_folders
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_json
from strata.core.params import Layers, Reproducible, Seed, load_section
from strata.core.portable import check_portable
from strata.core.stage import run_stage, stage_parser
from strata.jobs.pool import started_pool
from strata.maps.alignment import aligned_chain
from strata.maps.embedder import Embedder, Embedding, initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced

# What a process takes at most: a layer that is cached, or the affinities of 70,000 points.
BYTES_EACH = 1.5e9


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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--activations", type=Path, required=True, help="folder of the extract stage")
    parser.add_argument("--out", type=Path, required=True, help="folder for the maps")
    parser.add_argument("--metrics", type=Path, required=True)
    options = parser.parse_args(arguments)
    seed = load_section(options.params, "seed", Seed)
    layers = list(load_section(options.params, "layers", Layers))
    mode = load_section(options.params, "reproducible", Reproducible)
    params = load_section(options.params, "embed", EmbedParams)
    embedder = params.embedder(mode)
    if params.initialization_layer not in layers:
        raise StrataError(
            f"{options.params}: embed.initialization_layer '{params.initialization_layer}' is not among the layers"
            f" ({', '.join(layers)})"
        )

    check_portable(mode)
    folders = {"": options.activations, **kept_folders(options.activations)}
    paths = [folder / f"{layer}.parquet" for folder in folders.values() for layer in layers]
    infos = [read_info(path) for path in paths]
    origins = [info.provenance for info in infos]
    for place, (path, origin) in enumerate(zip(paths, origins, strict=True)):
        network = place - place % len(layers)  # the first layer of the same network
        check_same_origin(origins[network], paths[network], origin, path)
    with started_pool(len(paths), BYTES_EACH) as pool:
        jobs = [ReduceJob(path, params.pca_components, embedder, seed) for path in paths]
        loaded = pool.run(load_reduced, jobs, "embed: principal components", [info.units for info in infos])
        for path, (ids, _) in zip(paths, loaded, strict=True):
            check_same_samples(loaded[0][0], paths[0], ids, path)
        values = [reduced_values for _, reduced_values in loaded]
        start = initial_map(values[layers.index(params.initialization_layer)], seed)
        embed_jobs = [EmbedJob(value, start, embedder, seed) for value in values]
        embeddings = pool.run(run_embed, embed_jobs, f"embed: {embedder.title}")
    turned = aligned_over_training([embedding.points for embedding in embeddings], len(layers))
    for place, (points, embedding) in enumerate(zip(turned, embeddings, strict=True)):
        time, layer = list(folders)[place // len(layers)], layers[place % len(layers)]
        method = embedder.described(params.method, embedding)
        layer_map = LayerMap(layer, loaded[place][0], points.astype(np.float32), method, origins[place])
        folder = options.out / CHECKPOINTS / time if time else options.out
        write_map(folder / f"{layer}.parquet", layer_map)
    write_json(options.metrics, {"samples": len(start), **metrics(layers, embeddings)})
    say(f"embed: {len(embeddings)} maps of {len(start)} samples")


def aligned_over_training(maps: Sequence[NDArray[np.float64]], layers: int) -> list[NDArray[np.float64]]:
    """Return maps of the trained network, layer by layer, then of earlier times, all turned to lie on one another.

    The trained network's maps form a chain from layer to layer; the earlier ones of a layer a chain back from there.
    """
    trained = aligned_chain(list(maps[:layers]))
    chains = [aligned_chain([trained[layer], *maps[layers + layer :: layers][::-1]]) for layer in range(layers)]
    earlier = [chain[1:][::-1] for chain in chains]
    return trained + [points for of_one_time in zip(*earlier, strict=True) for points in of_one_time]


def metrics(layers: Sequence[str], embeddings: Sequence[Embedding]) -> dict[str, dict[str, float]]:
    """Return name -> layer -> rounded value of what the method itself reports of the trained network's maps."""
    trained = dict(zip(layers, embeddings, strict=False))
    names = dict.fromkeys(name for embedding in trained.values() for name in embedding.metrics)
    return {name: {layer: round(embedding.metrics[name], 6) for layer, embedding in trained.items()} for name in names}


def load_reduced(job: ReduceJob) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    found = read_reduced(job.path, job.components, job.seed)
    job.embedder.check_points(len(found.values), found.constant, found.info.layer)
    return found.sample_ids, found.values


def run_embed(job: EmbedJob) -> Embedding:
    embedding = job.embedder.embed(job.values, job.start, job.seed)
    if not np.isfinite(embedding.points).all():
        raise StrataError(f"{job.embedder.title} diverged; change its settings in section embed")
    return embedding


if __name__ == "__main__":
    run_stage(main)
