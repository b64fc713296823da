"""A tiny data set, parameters for it, and the stages run on it: what the fixtures and the stages' tests share."""

from pathlib import Path
from typing import Any

import numpy as np

from stages import extract, train

ROOT = Path(__file__).resolve().parent.parent
SIDE = 16
COUNTS = {"train": 60, "test": 40}

# Small enough for seconds; each test changes what it is about.
TINY_PARAMS: dict[str, Any] = {
    "seed": 0,
    "dataset": {"name": "mnist-5k", "mirrors": []},
    "network": {"conv1_channels": 3, "conv2_channels": 4, "kernel_size": 5, "fc1_units": 8},
    "layers": ["input", "h1", "h2", "h3", "h4", "h5", "h6"],
    "download": {"timeout_seconds": 2, "attempts": 2, "backoff_seconds": 0},
    "train": {
        "epochs": 2,
        "batch_size": 16,
        "test_batch_size": 32,
        "lr": 0.05,
        "momentum": 0.9,
        "log_interval": 2,
        "device": "cpu",
        "threads": 1,
    },
    "extract": {"split": "test", "batch_size": 16, "device": "cpu", "threads": 1},
    "embed": {
        "engine": "sklearn",
        "perplexity": 5,
        "early_exaggeration": 12,
        "early_exaggeration_iterations": 150,
        "iterations": 100,
        "learning_rate": "auto",
        "pca_components": 10,
        "initialization_layer": "input",
    },
    "report": {"sample_id": 0, "misclassified": 6, "dpi": 50},
}


def tiny_images(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ten classes of noisy 16 x 16 images: class c has a bright bar in row c + 3."""
    rng = np.random.default_rng(len(split))
    labels = np.arange(COUNTS[split], dtype=np.uint8) % 10
    images = rng.integers(0, 60, (COUNTS[split], SIDE, SIDE), dtype=np.uint8)
    images[np.arange(len(labels)), labels + 3] = 200
    return images, labels


def run_train(params: Path, data: Path, out: Path) -> None:
    """Run the train stage on `data`, writing model and reports under `out`."""
    train.main(
        [
            *("--params", str(params), "--data", str(data), "--model", str(out / "model/mnist_cnn.pt")),
            *("--metrics", str(out / "reports/training.json"), "--curve", str(out / "reports/learning_curve.csv")),
            *("--epochs", str(out / "reports/epochs.csv"), "--predictions", str(out / "reports/predictions.csv")),
            *("--summary", str(out / "reports/network.txt")),
        ]
    )


def run_extract(params: Path, data: Path, out: Path) -> None:
    """Run the extract stage with the model under `out`, writing `out`/activations."""
    model = str(out / "model/mnist_cnn.pt")
    extract.main(["--params", str(params), "--data", str(data), "--model", model, "--out", str(out / "activations")])
