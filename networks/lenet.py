"""A LeNet with tanh and average pooling, after LeCun et al. 1998; the outputs are logits.

layers: [input, tanh1, pool1, tanh2, pool2, tanh3, tanh4, fc3], network.outputs: logits
"""

from collections.abc import Sequence

from torch import nn


class TanhLeNet(nn.Sequential):
    """Takes (n, C, H, W) of at least 16 x 16 pixels, returns (n, classes)."""

    def __init__(self, *, image_shape: Sequence[int], classes: int) -> None:
        channels, *sides = image_shape
        height, width = (((side // 2) - 4) // 2 for side in sides)
        super().__init__()
        for name, module in {
            "conv1": nn.Conv2d(channels, 6, 5, padding=2),
            "tanh1": nn.Tanh(),
            "pool1": nn.AvgPool2d(2),
            "conv2": nn.Conv2d(6, 16, 5),
            "tanh2": nn.Tanh(),
            "pool2": nn.AvgPool2d(2),
            "flatten": nn.Flatten(),
            "fc1": nn.Linear(16 * height * width, 120),
            "tanh3": nn.Tanh(),
            "fc2": nn.Linear(120, 84),
            "tanh4": nn.Tanh(),
            "fc3": nn.Linear(84, classes),
        }.items():
            self.add_module(name, module)
