"""The MNIST network of pytorch/examples since 2019, with a module, and so a name, for every layer to look at.

layers: [input, relu1, relu2, pool, relu3, output], network.outputs: log-probabilities
Its `mnist_cnn.pt` has the same names of weights, so `train.init_from` can name it.
"""

from collections.abc import Sequence

from torch import nn


class PytorchExample(nn.Sequential):
    """Takes (n, C, H, W) of at least 6 x 6 pixels, returns (n, classes): 9,216 features of 28 x 28 pixels, then 128."""

    def __init__(self, *, image_shape: Sequence[int], classes: int) -> None:
        channels, *sides = image_shape
        height, width = ((side - 4) // 2 for side in sides)
        super().__init__()
        for name, module in {
            "input": nn.Identity(),
            "conv1": nn.Conv2d(channels, 32, 3),
            "relu1": nn.ReLU(),
            "conv2": nn.Conv2d(32, 64, 3),
            "relu2": nn.ReLU(),
            "pool": nn.MaxPool2d(2),
            "dropout1": nn.Dropout(0.25),
            "flatten": nn.Flatten(),
            "fc1": nn.Linear(64 * height * width, 128),
            "relu3": nn.ReLU(),
            "dropout2": nn.Dropout(0.5),
            "fc2": nn.Linear(128, classes),
            "output": nn.LogSoftmax(dim=1),
        }.items():
            self.add_module(name, module)
