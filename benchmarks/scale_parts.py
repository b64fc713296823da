"""One part of the work on many samples, on synthetic activations: its seconds, and the memory that it took.

python -m benchmarks.scale_parts neighbours --points 40000
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from strata.artifacts.activations import ActivationWriter, LayerInfo
from strata.artifacts.provenance import Provenance
from strata.core.params import load_section
from strata.maps.embedder import initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.tsne import NEIGHBOURS_PER_PERPLEXITY, chosen_perplexity
from strata.measures.divergence import kl_divergence
from strata.measures.neighbours import neighbours_among_all

UNITS, COMPONENTS, CLASSES = 800, 50, 10  # h4's units; what maps are drawn from
GROUP = 500
BLOCK, BLOCKS = 512, 4  # rows whose neighbours are looked up at once; some of these blocks stand for all
PARAMS = Path("params.yaml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--points", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(PARTS[options.part](options.points)))


def activations(points: int, units: int) -> NDArray[np.float32]:
    """Return what a ReLU layer says about samples of ten classes (points, units): about half of the values are zero."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, units)).astype(np.float32)
    values = rng.standard_normal((points, units), dtype=np.float32)
    values += centres[rng.integers(CLASSES, size=points)]
    return np.maximum(values, 0, out=values)


def components(points: int) -> NDArray[np.float32]:
    """Return samples as maps are drawn from them (points, 50): ten classes, variances that fall as of components."""
    rng = np.random.default_rng(1)
    deviations = (np.arange(1, COMPONENTS + 1) ** -0.5).astype(np.float32)
    values = rng.standard_normal((points, COMPONENTS), dtype=np.float32) * deviations
    values[:, :5] += 3 * rng.standard_normal((CLASSES, 5), dtype=np.float32)[rng.integers(CLASSES, size=points)]
    return values


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Return the seconds that the work took, and by how many bytes the process's peak memory grew."""
    before, begin = peak(), time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - begin, "bytes": peak() - before}


def peak() -> float:
    """Return the most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def write_layer(points: int) -> dict[str, float]:
    """Write a layer of 800 units to Parquet, batch by batch."""
    with tempfile.TemporaryDirectory() as folder:
        path, values = Path(folder) / "layer.parquet", activations(GROUP, UNITS)

        def write() -> None:
            with ActivationWriter(path, LayerInfo("layer", (UNITS,), Provenance("test", "", ""))) as writer:
                for start in range(0, points, GROUP):
                    writer.write(np.arange(start, start + GROUP, dtype=np.int32), values)

        return timed(write)


def reduce_layer(points: int) -> dict[str, float]:
    """Read a layer of 800 units from Parquet, and reduce it to its principal components."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.parquet"
        with ActivationWriter(path, LayerInfo("layer", (UNITS,), Provenance("test", "", ""))) as writer:
            for start in range(0, points, GROUP):
                ids = np.arange(start, start + GROUP, dtype=np.int32)
                writer.write(ids, activations(GROUP, UNITS) + np.float32(start / points))
        return timed(lambda: read_reduced(path, COMPONENTS, 0))


def find_neighbours(points: int) -> dict[str, float]:
    """Find the neighbours among all points of some blocks of rows: the time of all blocks is a multiple of theirs."""
    values, reach = components(points), neighbours_of_a_map(points)
    starts = np.linspace(0, max(0, points - BLOCK), BLOCKS).astype(int)

    def find() -> None:
        for start in starts:
            neighbours_among_all(values, np.arange(start, min(start + BLOCK, points)), reach)

    cost = timed(find)
    return {"seconds": cost["seconds"] / BLOCKS * points / BLOCK, "bytes": cost["bytes"] + values.nbytes}


def draw_map(points: int) -> dict[str, float]:
    """Draw a map of all points with the settings of params.yaml."""
    tsne, values = load_section(PARAMS, "embed", EmbedParams).tsne, components(points)
    start = initial_map(values, 0)
    return timed(lambda: tsne.embed(values, start, 0))


def sum_divergence(points: int) -> dict[str, float]:
    """Compute the exact KL divergence of a map: the sum over all pairs."""
    rng, reach = np.random.default_rng(2), neighbours_of_a_map(points)
    near = rng.integers(points, size=(points, reach), dtype=np.int32)
    shares = np.full(near.size, 1 / near.size)
    joint = csr_matrix((shares, near.ravel(), np.arange(points + 1) * reach), shape=(points, points))
    flat = rng.standard_normal((points, 2)) * 30
    return timed(lambda: kl_divergence(joint, flat))


def neighbours_of_a_map(points: int) -> int:
    """Return to how many neighbours a point has affinities, with the perplexity that suits so many points."""
    chosen = chosen_perplexity(load_section(PARAMS, "embed", EmbedParams).perplexity, points)
    return int(NEIGHBOURS_PER_PERPLEXITY * chosen)


PARTS = {
    "write": write_layer,
    "reduce": reduce_layer,
    "neighbours": find_neighbours,
    "map": draw_map,
    "divergence": sum_divergence,
}

if __name__ == "__main__":
    main()
