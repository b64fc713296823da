"""The form of a model's output, as section `network` of params.yaml names it, from a few samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from strata.core.errors import StrataError, in_short
from strata.dataset.batches import Collected, input_kind
from strata.network.device import device_of
from strata.network.io import are_probabilities
from strata.network.taking import part_of

TRIAL = 8  # samples whose outputs tell their form


@dataclass(frozen=True)
class OutputForm:
    """What `network.outputs` and `network.part` are for a model, and how many classes it tells apart, if any."""

    outputs: str
    part: int | str | None
    classes: int | None


def output_form(model: nn.Module, given: Collected, outputs: str | None, part: int | str | None) -> OutputForm:
    """Return the form of a model's output: as `outputs` and `part` say, or as a few samples tell.

    Outputs (n, k) that are no probabilities are logits; outputs of other shapes are features. Of several outputs with
    names, `logits` is taken. Raises StrataError if the model does not take the samples, or its output is not what is
    said.
    """
    found = _outputs_of(model, given)
    if part is None and isinstance(found, Mapping) and "logits" in found:
        part = "logits"
    if part is not None:
        found = part_of(found, part, "part: the model outputs")
    shape = tuple(getattr(found, "shape", ()))
    is_flat = len(shape) == 2 and shape[1] > 1
    if outputs == "features" or (outputs is None and not is_flat):
        return OutputForm("features", None, None)
    if not is_flat:
        told = " x ".join(map(str, shape)) or type(found).__name__
        raise StrataError(f"outputs: {outputs} are samples x classes, and the model's output is {told}")
    return OutputForm(outputs or _probable_form(found), part, int(shape[1]))


def _outputs_of(model: nn.Module, given: Collected) -> Any:
    """Return what a model outputs for the first samples, in evaluation mode; its own mode is left as it was."""
    place, mode = device_of(model), model.training
    named = {}
    if given.mask is not None and given.mask_name is not None:
        named[given.mask_name] = torch.from_numpy(given.mask[:TRIAL]).to(place)
    model.eval()
    try:
        with torch.inference_mode():
            return model(_tensor(given.inputs[:TRIAL]).to(place), **named)
    except Exception as error:  # whatever a user's class raises
        size = " x ".join(map(str, given.inputs.shape[1:]))
        raise StrataError(f"the model does not take inputs of {size}: {in_short(error)}") from error
    finally:
        model.train(mode)


def _tensor(inputs: NDArray[Any]) -> torch.Tensor:
    if input_kind(inputs) == "tokens":
        return torch.from_numpy(np.array(inputs, dtype=np.int64))
    return torch.from_numpy(np.array(inputs, dtype=np.float32))


def _probable_form(output: torch.Tensor) -> str:
    if are_probabilities(output):
        return "probabilities"
    return "log-probabilities" if are_probabilities(output.float().exp()) else "logits"
