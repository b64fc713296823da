"""An engine's cost and quality on the same reduced activations, compared with scikit-learn by itself.

python -m benchmarks.embedding_quality --activations FOLDER --layer h3 --engine onedal
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE

from strata.core.params import load_section
from strata.maps.embedder import initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.start import OWN, own_start
from strata.maps.tsne import chosen_perplexity
from strata.measures.divergence import affinities, kl_divergence
from strata.measures.neighbours import neighbour_blocks
from strata.measures.similarity import neighbourhood_overlap

K = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--activations", type=Path, required=True)
    parser.add_argument("--layer", required=True)
    parser.add_argument(
        "--engine", required=True, help="strata, onedal, opentsne, sklearn, or 'peer': scikit-learn by itself"
    )
    options = parser.parse_args()
    params = load_section(options.params, "embed", EmbedParams)
    own = params.initialization_layer == OWN
    values, first = (
        read_reduced(options.activations / f"{layer}.parquet", params.pca_components, 0).values
        for layer in (options.layer, options.layer if own else params.initialization_layer)
    )
    start = own_start(first, 0).points if own else initial_map(first, 0)
    perplexity = chosen_perplexity(params.perplexity, len(values))
    begin = time.perf_counter()
    if options.engine == "peer":
        iterations = params.early_exaggeration_iterations + params.iterations
        points = TSNE(
            perplexity=perplexity, init=start.astype(np.float32), max_iter=iterations, random_state=0, n_jobs=-1
        ).fit_transform(values)
    else:
        points = params.tsne.model_copy(update={"engine": options.engine}).embed(values, start, 0).points
    seconds = time.perf_counter() - begin
    near, near_on_map = (
        np.concatenate([block.nearest for block in neighbour_blocks(space, K)]) for space in (values, points)
    )
    recall = float(neighbourhood_overlap(near, near_on_map).mean())
    divergence = kl_divergence(affinities(values, perplexity), points)
    print(json.dumps({"points": len(values), "seconds": seconds, "kl": divergence, "recall": recall}))


if __name__ == "__main__":
    main()
