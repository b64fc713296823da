"""A network that somebody has as an object: `network.target` names `own_network`, which makes others like it."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import nn

from strata.core.errors import StrataError, in_short

TARGET = f"{__name__}:own_network"
RESETS = ("reset_parameters", "_reset_parameters")  # the second is that of torch's attention and transformers
_make: ContextVar[Callable[[], nn.Module] | None] = ContextVar("_make", default=None)


def own_network() -> nn.Module:
    """Return a network like the one of `made_by`, with weights that torch's generator draws.

    Raises StrataError outside of it: a run's folder has the weights of such a network, and not its code.
    """
    make = _make.get()
    if make is None:
        raise StrataError("the run's network was an object of another program: call strata.observe there again")
    return make()


@contextmanager
def made_by(make: Callable[[], nn.Module]) -> Iterator[None]:
    """Context in which `own_network` returns what `make` makes."""
    token = _make.set(make)
    try:
        yield
    finally:
        _make.reset(token)


def redrawn(network: nn.Module) -> nn.Module:
    """Return a copy of a network on the CPU, with new weights wherever a module can draw them.

    Raises StrataError if the network cannot be copied.
    """
    try:
        copied = copy.deepcopy(network).cpu()
    except Exception as error:  # whatever a user's class raises
        raise StrataError(
            f"the network cannot be copied; pass make=, a function that makes it: {in_short(error)}"
        ) from error
    with torch.no_grad():
        for module in copied.modules():
            for reset in RESETS:
                if callable(getattr(module, reset, None)):
                    getattr(module, reset)()
                    break
    return copied
