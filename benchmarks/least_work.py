"""The least work that a stage's result needs, however it is computed: arithmetic of network and t-SNE, and bytes."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from strata.artifacts.activations import read_info
from strata.core.layers import Layers
from strata.core.params import load_section
from strata.dataset.description import load_images, read_description
from strata.maps.params import EmbedParams
from strata.network.make import initialized_network
from strata.network.params import NetworkParams
from strata.training.params import TrainParams


def least_work(folder: Path, points: int) -> dict[str, dict[str, float]]:
    """Return GFLOP of arithmetic and GB of results, for the stages of a run in `folder`.

    train: forward and backward for each image and epoch. extract: forward for each image, and the activations as
    float32. embed: the distances of all pairs of points in each layer, once, reduced as in params.yaml.
    """
    params = folder / "params.yaml"
    description = read_description(folder / "data/raw")
    network_params = load_section(params, "network", NetworkParams)
    network = initialized_network(network_params, description.image_shape, len(description.classes), seed=0)
    images = torch.zeros(1, *description.image_shape)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        network(images)
    with FlopCounterMode(display=False) as both:
        F.nll_loss(network(images), torch.zeros(1, dtype=torch.int64)).backward()
    epochs = load_section(params, "train", TrainParams).epochs
    trained = len(load_images(folder / "data/raw", "train").labels) * epochs
    layers = list(load_section(params, "layers", Layers))
    units = [read_info(folder / f"data/activations/{layer}.parquet").units for layer in layers]
    reduced = np.minimum(units, load_section(params, "embed", EmbedParams).pca_components)
    return {
        "train": {"gflop": both.get_total_flops() * trained / 1e9, "gigabytes": 0.0},
        "extract": {
            "gflop": forward.get_total_flops() * points / 1e9,
            "gigabytes": 4.0 * points * sum(units) / 1e9,
        },
        "embed": {"gflop": float(points**2 * reduced.sum()) / 1e9, "gigabytes": 0.0},  # 2 per pair, each pair once
    }
