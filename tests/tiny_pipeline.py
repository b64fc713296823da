"""A tiny data set, parameters for it, and the stages run on it: what the fixtures and the stages' tests share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages import embed, extract, measure, replicate, train
from strata.dataset.description import IMAGE_FILES, LABEL_FILES, describe, write_description
from strata.dataset.idx import write_idx
from strata.jobs import pool
from strata.sources.catalogue import CATALOGUE
from tests.jobs.pool_jobs import PoolHere

ROOT = Path(__file__).resolve().parent.parent
SIDE = 16
COUNTS = {"train": 60, "test": 40}

# For the export: class names that a format could mistake for its own signs.
ODD_CLASSES = ["zero", "one\tor\nace", '<b>"two"</b>', "three, or so", "fünf", "5", "six", "seven", "eight", "nine"]
MEASURED = 32  # of the 40 test images

# Small enough for seconds; each test changes what it is about.
TINY_PARAMS: dict[str, Any] = {
    "seed": 0,
    "reproducible": "machine",
    "dataset": {
        "name": "mnist-5k",
        "mirrors": [],
        "image_side": None,
        "colour": "grey",
        "test_share": 0.2,
        "shuffle_labels": False,
    },
    "network": {
        "target": "networks.mnist_cnn:MnistCnn",
        "arguments": {"conv1_channels": 3, "conv2_channels": 4, "kernel_size": 5, "fc1_units": 8},
        "outputs": "log-probabilities",
    },
    "layers": ["input", "h1", "h2", "h3", "h4", "h5", "h6"],
    "download": {"timeout_seconds": 2, "attempts": 2, "backoff_seconds": 0},
    "train": {
        "epochs": 2,
        "batch_size": 16,
        "test_batch_size": 32,
        "lr": 0.05,
        "momentum": 0.9,
        "log_interval": 2,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        "init_from": None,
        "freeze": [],
        "checkpoints": [],
    },
    "replicate": {"networks": 3},
    "extract": {"split": "test", "batch_size": 16, "device": "cpu", "threads": 1},
    "embed": {
        "method": "tsne",
        "engine": "sklearn",
        "perplexity": 5,
        "early_exaggeration": 12,
        "early_exaggeration_iterations": 150,
        "iterations": 100,
        "learning_rate": "auto",
        "pca_components": 10,
        "initialization_layer": "input",
    },
    "measure": {
        "samples": 5000,
        "neighbours": 5,
        "probe_validation": 0.2,
        "probe_penalties": [1, 0.1, 0.01],
        "probe_search_components": 10,
        "half_samples": 4,
        "correlation_samples": 20,
        "late_layers": 2,
        "stability_samples": 30,
        "stability_seeds": 2,
        "stability_perplexities": [3, 5],
        "stability_exaggeration_iterations": 150,
        "stability_iterations": 100,
        "batch_size": 16,
        "device": "cpu",
        "threads": 1,
    },
    "report": {"sample_id": 0, "misclassified": 6, "late_deciders": 6, "page_samples": 30, "dpi": 50},
}


def tiny_images(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ten classes of noisy 16 x 16 images: class c has a bright bar in row c + 3."""
    rng = np.random.default_rng(len(split))
    labels = np.arange(COUNTS[split], dtype=np.uint8) % 10
    images = rng.integers(0, 60, (COUNTS[split], SIDE, SIDE), dtype=np.uint8)
    images[np.arange(len(labels)), labels + 3] = 200
    return images, labels


def write_tiny_data(folder: Path, classes: Sequence[str] | None = None) -> Path:
    """Write the tiny data set like the download stage; `classes` are its names, digits if there are none."""
    for split in COUNTS:
        images, labels = tiny_images(split)
        write_idx(folder / IMAGE_FILES[split], images)
        write_idx(folder / LABEL_FILES[split], labels)
    description = describe(folder, CATALOGUE["mnist-5k"])
    write_description(folder, description.model_copy(update={"classes": classes or description.classes}))
    return folder


def run_tiny_project(folder: Path, classes: Sequence[str], **changes: Any) -> None:
    """Run the stages up to measure in a project's folder, quickly: params.yaml with changes, data/, reports/."""
    raw, data, params = write_tiny_data(folder / "data/raw", classes), folder / "data", folder / "params.yaml"
    measure = {**TINY_PARAMS["measure"], "samples": MEASURED, "half_samples": 2, "stability_perplexities": [3]}
    changed = {
        name: {**TINY_PARAMS[name], **change} if isinstance(change, dict) and name != "layers" else change
        for name, change in changes.items()
    }
    values = {**TINY_PARAMS, **changed, "measure": measure}
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", PoolHere)
        run_train(params, raw, data)
        run_replicate(params, raw, data)
        run_extract(params, raw, data)
        run_embed(params, data)
        run_measure(params, data)
    (data / "reports").rename(folder / "reports")


def run_train(params: Path, data: Path, out: Path) -> None:
    """Run the train stage on `data`, writing `out`/model and `out`/reports; and an empty `out`/replicates."""
    (out / "replicates").mkdir(parents=True, exist_ok=True)
    folders = ("--raw", str(data), "--out", str(out / "model"), "--reports", str(out / "reports"))
    train.main(["--params", str(params), *folders])


def run_replicate(params: Path, data: Path, out: Path) -> None:
    """Run the replicate stage on `data`, writing `out`/replicates and `out`/reports."""
    folders = ("--raw", str(data), "--out", str(out / "replicates"), "--reports", str(out / "reports"))
    replicate.main(["--params", str(params), *folders])


def run_extract(params: Path, data: Path, out: Path) -> None:
    """Run the extract stage with the model under `out`, writing `out`/activations."""
    folders = ("--raw", str(data), "--model", str(out / "model"), "--out", str(out / "activations"))
    extract.main(["--params", str(params), *folders])


def run_embed(params: Path, out: Path) -> None:
    """Run the embed stage on `out`/activations, writing `out`/embeddings and `out`/reports."""
    folders = ("--activations", str(out / "activations"), "--out", str(out / "embeddings"))
    embed.main(["--params", str(params), *folders, "--reports", str(out / "reports")])


def run_measure(params: Path, out: Path, data: Path | None = None) -> None:
    """Run the measure stage on what is under `out`, and on `data` if given; write `out`/measures and `out`/reports."""
    folders = ("--data", str(out), "--raw", str(data or out / "raw"), "--reports", str(out / "reports"))
    measure.main(["--params", str(params), *folders, "--out", str(out / "measures")])
