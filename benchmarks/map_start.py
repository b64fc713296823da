"""What the start of the maps costs: all layers from one layer's principal components, and each from its own.

python -m benchmarks.map_start --data data     # a folder with activations/; prints a CSV of one row per layer and start
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import procrustes

from strata.artifacts.activations import read_activations
from strata.artifacts.samples import read_samples
from strata.core import streams
from strata.core.layers import Layers
from strata.core.params import Seed, load_section
from strata.maps.alignment import aligned_chain
from strata.maps.embedder import initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.tsne import chosen_perplexity
from strata.measures.divergence import affinities, kl_divergence
from strata.measures.map_quality import all_ranks, distance_correlation, point_trust
from strata.measures.neighbours import neighbour_blocks
from strata.measures.subsets import chosen

K, CORRELATED = 15, 500
Points = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--seed", type=int, help="by default that of params.yaml")
    parser.add_argument("--common", default="input", help="the layer that all maps start from in the first of the runs")
    parser.add_argument("--method", default=None, help="tsne, umap or pacmap; by default that of params.yaml")
    options = parser.parse_args()
    seed = load_section(options.params, "seed", Seed) if options.seed is None else options.seed
    layers = list(load_section(options.params, "layers", Layers))
    params = load_section(options.params, "embed", EmbedParams)
    embedder = params.model_copy(update={"method": options.method or params.method}).embedder()
    folder = options.data / "activations"
    labels = read_samples(folder / "samples.parquet")[0].label
    low = {layer: read_reduced(folder / f"{layer}.parquet", params.pca_components, seed).values for layer in layers}
    rows = chosen(len(labels), CORRELATED, streams.correlated_points(seed))
    whole = {layer: read_activations(folder / f"{layer}.parquet").values for layer in layers}
    tables = []
    for start in (options.common, "own"):
        starts = {layer: initial_map(low[layer if start == "own" else start], seed) for layer in layers}
        own_seed = streams.map_optimization(seed)
        unaligned = [embedder.embed(low[layer], starts[layer], own_seed).points for layer in layers]
        maps = aligned_chain(unaligned)
        for layer, points in zip(layers, maps, strict=True):
            kl = kl_divergence(affinities(low[layer], chosen_perplexity(params.perplexity, len(labels))), points)
            tables.append({"start": start, "layer": layer, "kl": kl, **quality(whole[layer], points, labels, rows)})
        for row, (before, after) in zip(tables[-len(layers) + 1 :], pairwise(maps), strict=True):
            row |= change(before, after, labels)
            row["between_maps"] = distance_correlation(before[rows], after[rows])
        for row, (before, after) in zip(tables[-len(layers) + 1 :], pairwise(layers), strict=True):
            row["between_layers"] = distance_correlation(*(whole[layer][rows] for layer in (before, after)))
    table = pd.DataFrame(tables)
    table.insert(0, "seed", seed)
    table.round(4).to_csv(sys.stdout, index=False)


def quality(
    values: NDArray[np.float32], points: Points, labels: NDArray[np.integer], rows: NDArray[np.intp]
) -> dict[str, float]:
    """Return what a map (n, 2) keeps of its layer (n, D): neighbours, and distances, of `rows` and of classes."""
    found: list[list[NDArray[np.int32]]] = [[], []]
    for blocks in zip(neighbour_blocks(values, K), neighbour_blocks(points, K), strict=True):
        ranks = [all_ranks(block.squared, block.nearest) for block in blocks]
        for place, (rank, near) in enumerate(zip(ranks, blocks[::-1], strict=True)):
            found[place].append(np.take_along_axis(rank, near.nearest, axis=1))
    trust = point_trust(np.concatenate(found[0]), np.concatenate(found[1]), len(points))
    return {
        "recall": float(trust.recall.mean()),
        "trustworthiness": float(trust.trustworthiness.mean()),
        "spearman": distance_correlation(values[rows], points[rows]),
        "spearman_of_classes": distance_correlation(*(centroids(space, labels) for space in (values, points))),
    }


def centroids(space: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean (classes, D) of each class's points (n, D)."""
    return np.stack([space[labels == label].mean(axis=0, dtype=np.float64) for label in np.unique(labels)])


def change(before: Points, after: Points, labels: NDArray[np.integer]) -> dict[str, float]:
    """Return how an aligned map differs from the one before it, both (n, 2) and centred.

    `mirrored` is the share of samples in classes whose best linear fit, from one map to the next, has a negative
    determinant. `moved` is a sample's mean distance from its place before, in root mean squared distances of the maps'
    points from their centres. `residual` is what Procrustes leaves, of 1.
    """
    mirrored = 0.0
    for label in np.unique(labels):
        own = labels == label
        first, second = (points[own] - points[own].mean(axis=0) for points in (before, after))
        mirrored += own.mean() * (np.linalg.det(np.linalg.lstsq(first, second, rcond=None)[0]) < 0)
    radius = np.sqrt((before**2 + after**2).sum(axis=1).mean() / 2)
    moved = np.linalg.norm(after - before, axis=1).mean() / radius
    return {"mirrored": float(mirrored), "moved": float(moved), "residual": float(procrustes(before, after)[2])}


if __name__ == "__main__":
    main()
