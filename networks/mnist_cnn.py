"""The guided exercise's convolutional network, with a module, and so a name, for every layer to look at.

input -> conv1 -> ReLU (h1) -> pool (h2) -> conv2 -> ReLU (h3) -> pool (h4) -> fc1 -> ReLU (h5) -> fc2 -> output (h6)
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn


class MnistCnn(nn.Module):
    """Two convolutions with ReLU and max pooling, then two linear layers; the output is log-softmax.

    Takes (n, channels, H, W) with the given `image_shape`, returns (n, classes). The weights have the names of the
    exercise's `Net`: conv1, conv2, fc1, fc2. Raises ValueError if the images are too small.
    """

    # The exercise's names for the layers -> the module whose output each is.
    layer_paths: ClassVar[dict[str, str]] = {
        "h1": "relu1",
        "h2": "pool1",
        "h3": "relu2",
        "h4": "pool2",
        "h5": "relu3",
        "h6": "output",
    }

    def __init__(
        self,
        *,
        image_shape: Sequence[int],
        classes: int,
        conv1_channels: int = 20,
        conv2_channels: int = 50,
        kernel_size: int = 5,
        fc1_units: int = 500,
    ) -> None:
        super().__init__()
        for name, number in (
            ("conv1_channels", conv1_channels),
            ("conv2_channels", conv2_channels),
            ("kernel_size", kernel_size),
            ("fc1_units", fc1_units),
        ):
            if not isinstance(number, int) or not 1 <= number <= 4096:
                raise ValueError(f"{name} must be a whole number from 1 to 4096, not {number!r}")
        channels, *sides = image_shape
        for _ in range(2):
            sides = [(side - kernel_size + 1) // 2 for side in sides]
        if min(sides) < 1:
            raise ValueError(
                f"kernel_size {kernel_size} is too large for images of {image_shape[1]} x {image_shape[2]}"
            )
        self.input = nn.Identity()
        self.conv1 = nn.Conv2d(channels, conv1_channels, kernel_size)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(conv1_channels, conv2_channels, kernel_size)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(conv2_channels * sides[0] * sides[1], fc1_units)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(fc1_units, classes)
        self.output = nn.LogSoftmax(dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.input(images)
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.fc1(self.flatten(x)))
        return self.output(self.fc2(x))
