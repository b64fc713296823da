"""A small transformer encoder (Vaswani et al. 2017) for token ids with a mask; the outputs are logits.

layers: {input: input, embedding: {module: embedding, take: mean}, block1: {module: blocks.0, take: mean}, head: head},
network.outputs: logits, network.mask: mask
"""

from collections.abc import Sequence

import torch
from torch import nn


class Text(nn.Module):
    """Takes ids, int64 (n, T), and a mask of 0 and 1 (n, T); returns (n, classes), from the mean over the mask."""

    def __init__(
        self,
        *,
        input_shape: Sequence[int],
        vocabulary: int,
        classes: int,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.randn(input_shape[0], width) / width**0.5)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True) for _ in range(depth)
        )
        self.head = nn.Linear(width, classes)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.embedding(ids) + self.places
        for block in self.blocks:
            x = block(x, src_key_padding_mask=mask == 0)
        counts = mask.to(x.dtype).unsqueeze(2)
        return self.head((x * counts).sum(dim=1) / counts.sum(dim=1))
