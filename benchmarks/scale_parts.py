"""One part of the work on many samples, on synthetic activations: its seconds, and the memory that it took.

python -m benchmarks.scale_parts affinities --points 40000
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
from strata.maps.barnes_hut.affinities import affinities
from strata.maps.barnes_hut.compiled import divided
from strata.maps.barnes_hut.descent import THETA, Phase, descend, divergence
from strata.maps.embedder import initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.tsne import NEIGHBOURS_PER_PERPLEXITY, chosen_perplexity
from strata.measures.neighbours import neighbours_among_all
from strata.measures.params import MeasureParams

UNITS, COMPONENTS, CLASSES = 800, 50, 10  # h4's units; what maps are drawn from
GROUP = 500
MEASURED_NEIGHBOURS = 15
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


def find_affinities(points: int) -> dict[str, float]:
    """Find the neighbours of all points, and their affinities, as a map needs them."""
    values, perplexity = components(points), usual_perplexity(points)
    with divided(1) as run:
        return timed(lambda: affinities(values, perplexity, run))


def draw_map(points: int) -> dict[str, float]:
    """Draw a map of all points from their affinities, with the settings of params.yaml."""
    values, tsne, before = components(points), load_section(PARAMS, "embed", EmbedParams).tsne, peak()
    rate, steps = tsne.rate(points), tsne.early_exaggeration_iterations
    phases = (Phase(steps, tsne.early_exaggeration, 0.5, rate), Phase(tsne.iterations, 1, 0.8, rate))
    start = initial_map(values, 0).T.astype(np.float32)
    with divided(1) as run:
        joint = affinities(values, usual_perplexity(points), run)
        cost = timed(lambda: descend(joint, start, phases, THETA, run))
    return {**cost, "bytes": peak() - before}  # it follows the affinities in one process


def sum_divergence(points: int) -> dict[str, float]:
    """Compute the exact KL divergence of a map: the sum over all pairs."""
    rng, reach = np.random.default_rng(2), int(NEIGHBOURS_PER_PERPLEXITY * usual_perplexity(points))
    near = rng.integers(points, size=(points, reach), dtype=np.int32)
    shares = np.full(near.size, 1 / near.size)
    joint = csr_matrix((shares, near.ravel(), np.arange(points + 1, dtype=np.int32) * reach), shape=(points, points))
    flat = rng.standard_normal((2, points)).astype(np.float32) * 30
    with divided(1) as run:
        return timed(lambda: divergence(joint, flat, run))


def find_measured(points: int) -> dict[str, float]:
    """Find the neighbours of the measured points among all points of a map."""
    values, params = components(points), load_section(PARAMS, "measure", MeasureParams)
    rows = np.linspace(0, points - 1, min(points, params.samples)).astype(np.intp)
    return timed(lambda: neighbours_among_all(values, rows, MEASURED_NEIGHBOURS))


def usual_perplexity(points: int) -> float:
    """Return the perplexity of params.yaml for so many points."""
    return chosen_perplexity(load_section(PARAMS, "embed", EmbedParams).perplexity, points)


PARTS = {
    "write": write_layer,
    "reduce": reduce_layer,
    "affinities": find_affinities,
    "map": draw_map,
    "divergence": sum_divergence,
    "measured": find_measured,
}

if __name__ == "__main__":
    main()
