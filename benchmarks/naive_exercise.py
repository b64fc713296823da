"""The guided exercise as it is commonly done, for comparison with Strata.

It uses a DataLoader over PIL images, keeps activations in memory, and runs scikit-learn's t-SNE on raw activations.

python -m benchmarks.naive_exercise --data data/raw --points 1000
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.manifold import TSNE
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from strata.core.layers import as_layers
from strata.dataset.description import load_images, read_description
from strata.network.capture import captured, named_layers
from strata.network.make import initialized_network
from strata.network.params import NetworkParams


class PilImages(Dataset):
    """Images as PIL images, transformed one by one, as in torchvision's own data sets."""

    def __init__(self, folder: Path, split: str, mean: float, std: float) -> None:
        loaded = load_images(folder, split)
        self.images, self.labels = loaded.images, loaded.labels
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--perplexity", type=float, default=30)
    parser.add_argument("--parts", nargs="+", default=["train", "extract", "embed"])
    parser.add_argument("--layers", nargs="+", default=["input", "h1", "h2", "h3", "h4", "h5", "h6"])
    options = parser.parse_args()
    description = read_description(options.data)
    normalization = description.mean, description.std
    torch.set_num_threads(2)
    torch.manual_seed(0)
    network = initialized_network(
        NetworkParams(target="networks.mnist_cnn:MnistCnn", arguments={}, outputs="log-probabilities"),
        description.image_shape,
        len(description.classes),
        0,
    )
    seconds = {}
    if "train" in options.parts:
        begin = time.perf_counter()
        loader = DataLoader(PilImages(options.data, "train", *normalization), batch_size=64, shuffle=True)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        network.train()
        for images, labels in loader:
            optimizer.zero_grad()
            F.nll_loss(network(images), labels).backward()
            optimizer.step()
        seconds["train"] = time.perf_counter() - begin
    begin = time.perf_counter()
    network.eval()
    kept: dict[str, list[np.ndarray]] = {layer: [] for layer in options.layers}
    loader = DataLoader(PilImages(options.data, "test", *normalization), batch_size=1000)
    modules = {layer: named_layers(network)[layer] for layer in options.layers}
    with captured(network, as_layers(modules)) as observed, torch.no_grad():
        for images, _ in loader:
            _, outputs = observed(images)
            for layer, values in kept.items():
                values.append(outputs[layer].flatten(1).numpy())
    activations = {layer: np.concatenate(values)[: options.points] for layer, values in kept.items()}
    seconds["extract"] = time.perf_counter() - begin
    if "embed" in options.parts:
        for layer, values in activations.items():
            begin = time.perf_counter()
            TSNE(perplexity=options.perplexity, random_state=0, n_jobs=-1).fit_transform(values)
            seconds[f"embed {layer}"] = time.perf_counter() - begin
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
