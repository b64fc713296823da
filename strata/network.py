"""The guided exercise's convolutional network, with a name of its own for every place where one can look.

input -> conv1 -> ReLU (h1) -> pool (h2) -> conv2 -> ReLU (h3) -> pool (h4) -> fc1 -> ReLU (h5) -> fc2 -> output (h6)
"""

from collections.abc import Sequence

import torch
from torch import nn

from strata.errors import StrataError
from strata.params.network import NetworkParams


class MnistCnn(nn.Module):
    """Two convolutions with ReLU and max pooling, then two linear layers; the output is log-softmax.

    Takes (n, channels, H, W) of the `image_shape` given, returns (n, classes). The weights' names are those of the
    exercise's `Net`: conv1, conv2, fc1, fc2.
    """

    def __init__(self, params: NetworkParams, image_shape: Sequence[int], classes: int) -> None:
        super().__init__()
        channels, *sides = image_shape
        for _ in range(2):
            sides = [(side - params.kernel_size + 1) // 2 for side in sides]
        if min(sides) < 1:
            raise StrataError(
                f"network.kernel_size {params.kernel_size} is too large for images of"
                f" {image_shape[1]} x {image_shape[2]}"
            )
        self.input = nn.Identity()
        self.conv1 = nn.Conv2d(channels, params.conv1_channels, params.kernel_size)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(params.conv1_channels, params.conv2_channels, params.kernel_size)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(params.conv2_channels * sides[0] * sides[1], params.fc1_units)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(params.fc1_units, classes)
        self.output = nn.LogSoftmax(dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.input(images)
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.fc1(self.flatten(x)))
        return self.output(self.fc2(x))


def initialized_network(params: NetworkParams, image_shape: Sequence[int], classes: int, seed: int) -> MnistCnn:
    """Return a network with PyTorch's default initialization drawn from `seed`, leaving the global generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MnistCnn(params, image_shape, classes)


def parameter_count(network: nn.Module) -> int:
    """Return the number of trainable and frozen parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
