"""A network that somebody has as an object: `network.target` names `own_network`, which makes others like it."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import nn

from strata.core.errors import StrataError, in_short

TARGET = f"{__name__}:own_network"
_make: ContextVar[Callable[[], nn.Module] | None] = ContextVar("_make", default=None)


def own_network() -> nn.Module:
    """Return a network like the one of `made_by`.

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


def copied(network: nn.Module) -> nn.Module:
    """Return a copy of a network on the CPU. Raises StrataError if it cannot be copied.

    It has the network's weights: `untrained_network` draws again what no seed changes, and so all of them.
    """
    try:
        return copy.deepcopy(network).cpu()
    except Exception as error:  # whatever a user's class raises
        raise StrataError(
            f"the network cannot be copied; pass make=, a function that makes it: {in_short(error)}"
        ) from error
