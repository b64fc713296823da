"""The guided exercise's functional network, written from its specification: what MnistCnn must agree with."""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """Two 5 x 5 convolutions and two linear layers; everything between them is a function, not a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 50, 5, 1)
        self.fc1 = nn.Linear(800, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activations(x)["h6"]

    def activations(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return h1 to h6 for images (n, 1, 28, 28)."""
        h = {}
        h["h1"] = F.relu(self.conv1(x))
        h["h2"] = F.max_pool2d(h["h1"], 2, 2)
        h["h3"] = F.relu(self.conv2(h["h2"]))
        h["h4"] = F.max_pool2d(h["h3"], 2, 2)
        h["h5"] = F.relu(self.fc1(h["h4"].view(-1, 800)))
        h["h6"] = F.log_softmax(self.fc2(h["h5"]), dim=1)
        return h
