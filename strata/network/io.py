"""Images as a network's input, and its outputs as log-probabilities."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.network.params import Outputs


def normalized(images: NDArray[np.uint8], mean: float, std: float) -> torch.Tensor:
    """Return images, uint8 (n, H, W) or (n, H, W, 3), as float32 (n, 1 or 3, H, W) of zero mean and unit deviation."""
    pixels = torch.from_numpy(images)
    channels_first = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    return channels_first.float().div_(255).sub_(mean).div_(std)


TOLERANCE = 0.01  # for a sum of probabilities; an untrained network's logits are far off


def log_probabilities(output: torch.Tensor, form: Outputs) -> torch.Tensor:
    """Return a network's outputs as log-probabilities (n, classes): unchanged, or the log-softmax of logits.

    Raises StrataError if outputs that should be log-probabilities do not sum to 1.
    """
    if form == "logits":
        return F.log_softmax(output, dim=1)
    with torch.no_grad():
        wrong = (output.detach().float().exp().sum(dim=1) - 1).abs().max().item() if len(output) else 0.0
    if wrong > TOLERANCE:
        raise StrataError("network.outputs: the outputs are not log-probabilities; perhaps they are `logits`")
    return output
