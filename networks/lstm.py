"""An LSTM (Hochreiter & Schmidhuber 1997) that reads an image row by row.

Its layer `lstm` outputs several parts: part 0 is what it outputs at each row (n, H, width), part 1.0 the last states
(n, depth, width): `layers: {input: input, rows: {module: lstm, part: 0, take: mean}, last: {module: lstm, part: "1.0",
take: last}, head: head}`.
"""

from collections.abc import Sequence

import torch
from torch import nn


class Lstm(nn.Module):
    """Reads images (n, C, H, W) as H steps of C x W pixels; outputs logits (n, classes)."""

    def __init__(self, image_shape: Sequence[int], classes: int, width: int = 128, depth: int = 2) -> None:
        super().__init__()
        channels, _, columns = image_shape
        self.lstm = nn.LSTM(channels * columns, width, depth, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        steps, _ = self.lstm(images.transpose(1, 2).flatten(2))
        return self.head(steps[:, -1])
