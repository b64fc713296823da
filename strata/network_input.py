"""Images as a network's input."""

import numpy as np
import torch
from numpy.typing import NDArray


def normalized(images: NDArray[np.uint8], mean: float, std: float) -> torch.Tensor:
    """Return images, uint8 (n, H, W), as a float32 tensor (n, 1, H, W) of zero mean and unit deviation."""
    return torch.from_numpy(images).unsqueeze(1).float().div_(255).sub_(mean).div_(std)
