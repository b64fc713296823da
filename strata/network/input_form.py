"""What a network's input is: images and other numbers, or token ids, perhaps with a mask that says which count."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

IDS, MASK = 0, 1  # the two rows of token ids with their mask, (n, 2, T)


class TokenShape(tuple[int, ...]):
    """The shape (T,) of a sample's token ids; they are below `vocabulary`, and `masked` if a mask goes with them."""

    vocabulary: int
    masked: bool

    @classmethod
    def of(cls, length: int, vocabulary: int, masked: bool) -> "TokenShape":
        """Return the shape of ids of one length."""
        shape = cls((length,))
        shape.vocabulary, shape.masked = vocabulary, masked
        return shape


def blank_inputs(shape: Sequence[int], count: int, device: torch.device | None = None) -> torch.Tensor:
    """Return inputs of one content, to try a network on: zeros float32 (count, *shape), or ids of token 0, int64."""
    if not isinstance(shape, TokenShape):
        return torch.zeros(count, *shape, device=device)
    return _with_mask(torch.zeros(count, *shape, dtype=torch.int64, device=device), shape)


def random_inputs(shape: Sequence[int], count: int, generator: torch.Generator) -> torch.Tensor:
    """Return inputs of different contents: normal noise, as images are normalized, or random token ids."""
    if not isinstance(shape, TokenShape):
        return torch.randn(count, *shape, generator=generator)
    return _with_mask(torch.randint(shape.vocabulary, (count, *shape), generator=generator), shape)


def _with_mask(ids: torch.Tensor, shape: TokenShape) -> torch.Tensor:
    return torch.stack([ids, torch.ones_like(ids)], dim=1) if shape.masked else ids


class MaskPassed:
    """A hook before a network that is called with ids and mask (n, 2, T): it gets the ids, and the mask by its name."""

    def __init__(self, argument: str | None) -> None:
        self._argument = argument

    def __call__(self, _network: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        (inputs,) = given
        extra = {} if self._argument is None else {self._argument: inputs[:, MASK]}
        return (inputs[:, IDS],), {**named, **extra}


def pass_mask(network: nn.Module, argument: str | None) -> None:
    """Let a network be called with ids and mask in one tensor (n, 2, T); without an argument it gets the ids only."""
    network.register_forward_pre_hook(MaskPassed(argument), with_kwargs=True)


def takes_mask(network: nn.Module) -> bool:
    """Return whether a network is called with ids and mask in one tensor."""
    return any(isinstance(hook, MaskPassed) for hook in network._forward_pre_hooks.values())


def mask_in(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor | None:
    """Return the mask (n, T) in a network's input; None where there is none."""
    return inputs[:, MASK] if takes_mask(network) else None


def seen_by(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Return the input (n, ...) without the mask."""
    return inputs[:, IDS] if takes_mask(network) else inputs
