"""Images as a network's input."""

import numpy as np
import torch
from numpy.typing import NDArray


def normalized(images: NDArray[np.uint8], mean: float, std: float) -> torch.Tensor:
    """Return images, uint8 (n, H, W) or (n, H, W, 3), as float32 (n, 1 or 3, H, W) of zero mean and unit deviation."""
    pixels = torch.from_numpy(images)
    channels_first = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    return channels_first.float().div_(255).sub_(mean).div_(std)
