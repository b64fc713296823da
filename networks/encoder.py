"""A small convolutional encoder without a head: it outputs features, and no classes.

layers: [input, relu1, relu2, project], network.outputs: features, train.epochs: 0
Load the weights of an encoder that was trained elsewhere with train.init_from.
"""

from collections.abc import Sequence

from torch import nn


class Encoder(nn.Sequential):
    """Takes images (n, C, H, W), returns features (n, width)."""

    def __init__(self, *, image_shape: Sequence[int], width: int = 64) -> None:
        super().__init__()
        for name, module in {
            "conv1": nn.Conv2d(image_shape[0], width, 3, stride=2, padding=1),
            "relu1": nn.ReLU(),
            "conv2": nn.Conv2d(width, width, 3, stride=2, padding=1),
            "relu2": nn.ReLU(),
            "pool": nn.AdaptiveAvgPool2d(1),
            "flatten": nn.Flatten(),
            "project": nn.Linear(width, width),
        }.items():
            self.add_module(name, module)
