"""The exercise's own class: everything between its modules is a function, and can still be named as a layer.

layers: {input: input, h1: relu, h2: max_pool2d, h3: relu_1, h4: max_pool2d_1, h5: relu_2, h6: log_softmax}
"""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """Two 5 x 5 convolutions and two linear layers, for images (n, 1, 28, 28) and ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 50, 5, 1)
        self.fc1 = nn.Linear(4 * 4 * 50, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
        x = F.relu(self.fc1(x.view(-1, 4 * 4 * 50)))
        return F.log_softmax(self.fc2(x), dim=1)
