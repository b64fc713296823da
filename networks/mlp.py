"""A multilayer perceptron: one hidden layer with ReLU per width in `hidden`; the outputs are logits.

layers: [input, relu1, relu2, fc3], network.outputs: logits
"""

import math
from collections.abc import Sequence

import torch
from torch import nn


class Mlp(nn.Module):
    """Takes images (n, C, H, W), returns (n, classes). Modules are named fc1, relu1, fc2, ..."""

    def __init__(self, *, image_shape: Sequence[int], classes: int, hidden: Sequence[int] = (300, 100)) -> None:
        super().__init__()
        widths = [math.prod(image_shape), *hidden]
        self.flatten = nn.Flatten()
        for number, (before, after) in enumerate(zip(widths, hidden, strict=False), start=1):
            self.add_module(f"fc{number}", nn.Linear(before, after))
            self.add_module(f"relu{number}", nn.ReLU())
        self.add_module(f"fc{len(widths)}", nn.Linear(widths[-1], classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images
        for module in self.children():
            x = module(x)
        return x
