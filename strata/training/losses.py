"""What training lowers, and how often the network is right, by the kind of its outputs; and what cannot be trained."""

import math

import torch
import torch.nn.functional as F

from strata.core.errors import StrataError
from strata.dataset.description import DatasetDescription
from strata.network.io import in_columns, log_probabilities
from strata.network.params import NetworkParams, Outputs
from strata.training.params import TrainParams

LOSSES = {"values": "mean squared error", "multi-label": "binary cross entropy"}
CLASS_LOSS = "negative log-likelihood"


def check_trainable(description: DatasetDescription, network: NetworkParams, train: TrainParams) -> None:
    """Raise StrataError if there is something to train, but nothing to train it on, or no output to train."""
    if train.epochs == 0:
        return
    why = None
    if description.targets == "none":
        why = "the data has no labels"
    elif network.outputs == "features":
        why = "network.outputs is `features`: there is no output to train"
    elif network.predicts_classes and description.targets != "classes":
        why = f"the data has no classes: set network.outputs: {description.targets}"
    if why is not None:
        raise StrataError(f"train.epochs {train.epochs}: {why}; to train nothing, set train.epochs: 0")


def has_answers(description: DatasetDescription, network: NetworkParams) -> bool:
    """Return whether the data says what the network should output."""
    if network.predicts_classes:
        return description.targets == "classes"
    return description.targets == network.outputs


def raw_output(output: torch.Tensor, form: Outputs) -> torch.Tensor:
    """Return outputs (n, k) as the loss takes them, float32: log-probabilities of classes, values, or logits of labels.

    Raises StrataError as `log_probabilities` does.
    """
    values = output.float()
    return in_columns(values) if form in LOSSES else log_probabilities(values, form, output.dtype)


def mean_loss(raw: torch.Tensor, answers: torch.Tensor, form: Outputs) -> torch.Tensor:
    """Return the mean loss over samples of outputs (n, k) against labels (n,) or targets (n, k).

    The negative log-likelihood of the labels, in nats; the mean squared error over all values; or the mean binary cross
    entropy over all labels, in nats.
    """
    if form == "values":
        return F.mse_loss(raw, answers.to(raw.dtype))
    if form == "multi-label":
        return F.binary_cross_entropy_with_logits(raw, answers.to(raw.dtype))
    return F.nll_loss(raw, answers)


def right(output: torch.Tensor, answers: torch.Tensor, form: Outputs) -> torch.Tensor:
    """Return for each sample (n,), float64, whether its largest output is the label's; NaN for values.

    Of several labels, the share that is right: a probability above 1/2 where the label applies, and only there.
    """
    if form == "values":
        return torch.full((len(output),), math.nan, dtype=torch.float64)
    if form == "multi-label":
        return ((in_columns(output) > 0) == (answers > 0)).double().mean(dim=1)
    return (output.argmax(dim=1) == answers).double()
