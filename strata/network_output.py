"""What a network says of each class, as log-probabilities, whichever of the two usual forms its outputs have."""

import torch
import torch.nn.functional as F

from strata.errors import StrataError
from strata.params.network import Outputs

TOLERANCE = 0.01  # of a sum of probabilities; an untrained network's logits are far off


def log_probabilities(output: torch.Tensor, form: Outputs) -> torch.Tensor:
    """Return log-probabilities (n, classes) of a network's outputs: themselves, or the log-softmax of logits.

    Raises StrataError where outputs that should be log-probabilities do not sum to 1.
    """
    if form == "logits":
        return F.log_softmax(output, dim=1)
    with torch.no_grad():
        wrong = (output.detach().float().exp().sum(dim=1) - 1).abs().max().item() if len(output) else 0.0
    if wrong > TOLERANCE:
        raise StrataError("network.outputs: the network's outputs are no log-probabilities; is it `logits`?")
    return output
