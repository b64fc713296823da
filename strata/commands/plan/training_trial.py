"""What training keeps of a sample: measured on two, as what is kept grows with their number."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from strata.core.errors import StrataError
from strata.network.input_form import blank_inputs
from strata.network.make import error_line

SAMPLES = 2


def bytes_kept(network: nn.Module, shape: Sequence[int]) -> float:
    """Return the bytes per sample that a forward pass keeps for the gradients, other than weights.

    Raises StrataError if the network cannot be trained on so few samples.
    """
    known = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    before = {name: value.clone() for name, value in network.named_buffers()}
    network.train()
    try:
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output = network(blank_inputs(shape, SAMPLES))
    except Exception as error:
        raise StrataError(f"train: the network cannot be trained on {SAMPLES} samples: {error_line(error)}") from error
    finally:
        network.eval()
        for name, value in network.named_buffers():
            value.copy_(before[name])
    del output
    return sum(kept.values()) / SAMPLES


def bytes_passing(network: nn.Module, shape: Sequence[int]) -> float:
    """Return the most bytes per sample that a module of the network reads and outputs, without gradients."""
    most = [0]

    def look(_module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        sizes = [each.nbytes for each in (*given, output) if isinstance(each, torch.Tensor)]
        most[0] = max(most[0], sum(sizes))

    modules = [module for module in network.modules() if not any(module.children())]
    handles = [module.register_forward_hook(look) for module in modules]
    try:
        with torch.inference_mode():
            network.eval()(blank_inputs(shape, SAMPLES))
    finally:
        for handle in handles:
            handle.remove()
    return most[0] / SAMPLES
