"""A network's outputs as log-probabilities, or as predictions of the targets."""

import math

import torch
import torch.nn.functional as F

from strata.core.errors import StrataError
from strata.network.params import Outputs

TOLERANCE = 0.01  # for a sum of probabilities; an untrained network's logits are far off


def log_probabilities(output: torch.Tensor, form: Outputs, computed_in: torch.dtype | None = None) -> torch.Tensor:
    """Return a network's outputs as log-probabilities (n, classes).

    They are the outputs themselves, the log-softmax of logits, or the logarithm of probabilities, clamped at the least
    normal float32. Raises StrataError if outputs that should be log-probabilities or probabilities do not sum to 1: to
    0.01, and to what rounding may add if the network computed in fewer digits than `output` has, such as bfloat16.
    """
    if form == "logits":
        return F.log_softmax(output, dim=1)
    if form == "probabilities":
        if not are_probabilities(output.detach()):
            raise StrataError(
                "network.outputs: the outputs are not probabilities; perhaps they are `logits` or `log-probabilities`"
            )
        return output.float().clamp_min(torch.finfo(torch.float32).tiny).log()
    if not are_probabilities(output.detach().float().exp(), _rounded(output, computed_in or output.dtype)):
        form_found = "probabilities" if are_probabilities(output.detach()) else "logits"
        raise StrataError(f"network.outputs: the outputs are not log-probabilities; perhaps they are `{form_found}`")
    return output


def read_output(output: torch.Tensor, form: Outputs) -> torch.Tensor | None:
    """Return what a network's output (n, ...) says, float (n, k): log-probabilities of classes, values, probabilities.

    The last are those of several labels, from their logits. Features, of any shape, say nothing: None.
    """
    if form == "features":
        return None
    if form == "values":
        return in_columns(output)
    return torch.sigmoid(in_columns(output)) if form == "multi-label" else log_probabilities(output, form)


def in_columns(output: torch.Tensor) -> torch.Tensor:
    """Return one number per sample (n,) as one column (n, 1); other outputs as they are."""
    return output.unsqueeze(1) if output.ndim == 1 else output


def are_probabilities(output: torch.Tensor, rounding: float = 0.0) -> bool:
    """Return whether no value of (n, classes) is below 0 and every row sums to 1, to 0.01 and `rounding`; NaN passes.

    Training that has diverged is another error, told by its loss.
    """
    values = output.float()
    return not (bool((values < 0).any()) or bool(((values.sum(dim=1) - 1).abs() > TOLERANCE + rounding).any()))


def _rounded(output: torch.Tensor, kind: torch.dtype) -> float:
    """Return by how much log-probabilities (n, classes), rounded to a kind of number, may sum to another number than 1.

    A relative error e of each adds at most e times the entropy, which is at most the logarithm of the classes.
    """
    return torch.finfo(kind).eps * math.log(max(2, output.shape[1]))
