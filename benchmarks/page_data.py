"""Write the page of a made-up run with any number of samples, for `benchmarks/page.py`.

python benchmarks/page_data.py 10000 page.html
"""

import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import LayerInfo
from strata.artifacts.maps import LayerMap, MapMethod
from strata.artifacts.measured import CONTROLS, LayerPoints, SampleDecisions
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import Samples
from strata.artifacts.tables import Measures
from strata.dataset.description import DatasetDescription
from strata.measures.registry import MEASURES, REGISTRY
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.inputs import ReportInputs
from strata.report.page.payload import run_payload

LAYERS = {"input": (1, 28, 28), "h1": (20, 24, 24), "h2": (20, 12, 12), "h3": (50, 8, 8), "h4": (50, 4, 4)}
LAYERS |= {"h5": (500,), "h6": (10,)}
K, CLASSES = 15, 10
# Written out, as the script also writes the page of earlier versions.
PAIR_COLUMNS = [
    "layer",
    "class",
    "other_class",
    "separability",
    "low",
    "high",
    "rise",
    "rise_low",
    "rise_high",
    "control",
]
ORIGIN = Provenance("test", "a" * 64, "b" * 64)
METHOD = MapMethod("tsne", "t-SNE", "t-SNE", "Made up.", (), {})


def clusters(labels: NDArray[np.int16], apart: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return points (n, 2) about the middle of their class; `apart` is the distance of the middles in its spread."""
    middles = rng.uniform(-apart, apart, (CLASSES, 2)) * 10
    return (middles[labels] + rng.normal(0, 10, (len(labels), 2))).astype(np.float32)


def digits(labels: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return images (n, 28, 28) that compress about as MNIST's do: a ring of strokes on black."""
    y, x = np.mgrid[:28, :28]
    sizes, widths = rng.uniform(4, 10, len(labels)), rng.uniform(1, 2, len(labels))
    distance = np.hypot(x - 13.5, (y - 13.5) * (1 + labels[:, None, None] / 10))
    return (255 * np.exp(-(((distance - sizes[:, None, None]) / widths[:, None, None]) ** 2))).astype(np.uint8)


def points_of(ids: NDArray[np.int32], labels: NDArray[np.int16], rng: np.random.Generator) -> LayerPoints:
    """Return what is measured of each sample in a layer; its neighbours are mostly of its class."""
    order = np.argsort(labels, kind="stable")
    at = np.empty(len(ids), dtype=np.intp)
    at[order] = np.arange(len(ids))
    steps = rng.integers(1, len(ids) // CLASSES // 2, (len(ids), K))
    near = ids[order[(at[:, None] + steps) % len(ids)]]
    shares = [(rng.integers(0, K + 1, len(ids)) / K).astype(np.float32) for _ in range(8)]
    return LayerPoints(ids, labels, *shares, near)


def inputs_of(count: int, rng: np.random.Generator) -> ReportInputs:
    """Return the inputs of a page with `count` samples, all of them measured."""
    ids, labels = np.arange(count, dtype=np.int32), rng.integers(0, CLASSES, count).astype(np.int16)
    predicted = np.where(rng.random(count) < 0.03, rng.integers(0, CLASSES, count), labels).astype(np.int16)
    sure = rng.uniform(0.5, 1, count).astype(np.float32)
    commit = rng.integers(0, 7, count).astype(np.int16)
    decisions = SampleDecisions(ids, commit, rng.integers(0, 4, count).astype(np.int16), *([commit > 4] * 3))
    rows = [
        (layer, measure.key, 0.5, 0.4, 0.6, control) for measure in MEASURES for layer in LAYERS for control in CONTROLS
    ]
    pairs = [
        (layer, a, b, 0.7 + 0.04 * p, 0.68 + 0.04 * p, 0.72 + 0.04 * p, 0.04, 0.01, 0.07, control)
        for control in ("none", "untrained")
        for p, layer in enumerate(LAYERS)
        for a in range(10)
        for b in range(a, 10)
    ]
    table = pd.DataFrame(rows, columns=["layer", "measure", "value", "low", "high", "control"])
    alike = [(a, b, 0.5, 0.4, 0.6, "none") for a in LAYERS for b in LAYERS]
    stability = pd.DataFrame({"layer": list(LAYERS), "perplexity": 30.0, "points": 320, "runs": 3, "knn_overlap": 0.5})
    networks = table[table["control"] == "none"].drop(columns="control").assign(network=1)
    measures = Measures(
        table=table,
        cka=pd.DataFrame(alike, columns=["layer", "other_layer", "value", "low", "high", "control"]),
        dimension=pd.DataFrame(),
        stability=stability,
        pairs=pd.DataFrame(pairs, columns=PAIR_COLUMNS),
        decisions=decisions,
        points={layer: points_of(ids, labels, rng) for layer in LAYERS},
        stability_maps=[],
        rows=np.arange(count),
        registry=REGISTRY,
        networks=networks,
        between=pd.DataFrame(),
    )
    described = {"name": "made up", "source": "nowhere", "citation": "none", "licence": "CC0", "sha256": {}}
    shape = {"counts": {"train": 1, "test": count}, "image_shape": [1, 28, 28], "mean": 0.1, "std": 0.3}
    return ReportInputs(
        dataset=DatasetDescription(**described, **shape, classes=list(map(str, range(CLASSES)))),
        provenance=ORIGIN,
        samples=Samples(ids, np.full(count, "test"), labels, predicted, np.log(sure), sure),
        images=digits(labels, rng),
        maps={
            layer: LayerMap(layer, ids, clusters(labels, 1 + place, rng), METHOD, ORIGIN)
            for place, layer in enumerate(LAYERS)
        },
        infos={layer: LayerInfo(layer, size, ORIGIN) for layer, size in LAYERS.items()},
        shown=None,
        shown_activations={},
        batches=pd.DataFrame({"epoch": [0.5, 1.0], "train_loss": [1.0, 0.5], "train_accuracy": [0.5, 0.9]}),
        epochs=pd.DataFrame({"epoch": [1], "test_loss": [0.4], "test_accuracy": [0.9]}),
        measures=measures,
    )


def with_network(inputs: ReportInputs) -> ReportInputs:
    """Return the inputs with the default network, untrained, where the page of this version can hold one."""
    if "network" not in {field.name for field in fields(ReportInputs)}:
        return inputs
    import torch

    from networks.mnist_cnn import MnistCnn
    from strata.core.layers import as_layers
    from strata.network.shipping import shipped_network

    torch.manual_seed(0)
    modules = {"h1": "relu1", "h2": "pool1", "h3": "relu2", "h4": "pool2", "h5": "relu3", "h6": "output"}
    network = MnistCnn(image_shape=(1, 28, 28), classes=CLASSES)
    return replace(inputs, network=shipped_network(network, as_layers({"input": "input"} | modules), 0.1, 0.3))


def write_page(count: int, path: Path) -> None:
    """Write the page of `count` samples."""
    inputs = with_network(inputs_of(count, np.random.default_rng(0)))
    run = run_payload(inputs, np.arange(count), {}, "")
    payload = page_payload(inputs.dataset.classes, inputs.samples.label, inputs.images, {"this run": run})
    path.write_text(render_explorer("Strata: made up", payload, [], None, []), encoding="utf-8")


if __name__ == "__main__":
    write_page(int(sys.argv[1]), Path(sys.argv[2]))
