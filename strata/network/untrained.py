"""The network untrained: the control that a trained network is measured against.

A class may load weights in its constructor, or draw them from a seed of its own. Training starts from them, but a twin
that has them would be no control.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import nn

from strata.core import streams
from strata.core.errors import StrataError, listed
from strata.network.make import error_line, initialized_network
from strata.network.own_object import TARGET
from strata.network.params import NetworkParams

RESETS = ("reset_parameters", "_reset_parameters")  # the second is that of torch's attention and transformers
OF_OBJECTS = " pass make=, a function that makes it with new weights"


def untrained_network(params: NetworkParams, image_shape: Sequence[int], classes: int | None, seed: int) -> nn.Module:
    """Return the network with weights drawn from `seed`, in evaluation mode; the global generator is left alone.

    It is that of `initialized_network` if the constructor draws the weights. Weights that are the same under two seeds,
    and are not one number repeated (the ones of a norm are), are drawn again by `reset_parameters` of the module that
    has them, or of one around it. Raises StrataError as `initialized_network` does, if a reset fails, and if weights
    stay the same even so.
    """
    seeds = (seed, seed + 1)
    twin, other = (initialized_network(params, image_shape, classes, each) for each in seeds)
    seedless = _seedless_tensors(twin, other)
    for network, each in zip((twin, other), seeds, strict=True):
        _draw_anew(network, seedless, each, params.target)
    if same := _seedless_tensors(twin, other):
        raise StrataError(
            f"network.target {params.target}: no seed changes {listed(same, 40)}, so there is no untrained network;"
            + (
                OF_OBJECTS
                if params.target == TARGET
                else " make it without loaded weights, or give it a reset_parameters"
            )
        )
    return twin


def _seedless_tensors(one: nn.Module, other: nn.Module) -> list[str]:
    """Return the names of weights and running statistics that are equal in both, and not one number repeated."""
    others = dict(_learned_tensors(other))
    return [
        name
        for name, tensor in _learned_tensors(one)
        if name in others and torch.equal(tensor, others[name]) and not _repeats_one_number(tensor)
    ]


def _learned_tensors(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield what training changes. Other buffers, such as a table of positions, belong to the architecture."""
    yield from network.named_parameters()
    for path, module in network.named_modules():
        if hasattr(module, "reset_running_stats"):
            yield from module.named_buffers(path, recurse=False)


def _repeats_one_number(tensor: torch.Tensor) -> bool:
    return tensor.numel() == 0 or bool((tensor == tensor.flatten()[0]).all())


def _draw_anew(network: nn.Module, names: Iterable[str], seed: int, target: str) -> None:
    """Reset the modules that own the named tensors, each once; what has no reset stays as it is."""
    modules = dict(network.named_modules())
    owners = dict.fromkeys(path for name in names if (path := _resettable(modules, name)) is not None)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(streams.untrained_weights(seed))
        for path in owners:
            reset = next(getattr(modules[path], name) for name in RESETS if hasattr(modules[path], name))
            try:
                reset()
            except Exception as error:  # whatever someone's class raises
                where = f"'{path}'" if path else "the network"
                raise StrataError(
                    f"network.target {target}: reset_parameters of {where}: {error_line(error)}"
                ) from error


def _resettable(modules: dict[str, nn.Module], name: str) -> str | None:
    """Return the path of the innermost module around a tensor that has a reset, if any."""
    path = name
    while path:
        path = path.rpartition(".")[0]
        if any(hasattr(modules[path], reset) for reset in RESETS):
            return path
    return None
