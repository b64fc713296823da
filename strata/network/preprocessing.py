"""What happens to images before the network: normalization, or the transforms that pretrained weights come with."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import DatasetDescription, Normalization
from strata.network.input_form import IDS, MASK, TokenShape
from strata.network.params import NetworkParams

AT_ONCE = 256  # images that are transformed together


@dataclass(frozen=True)
class Preprocessing:
    """A function from images, uint8 (n, H, W) or (n, H, W, 3), to the network's input float32 (n, *shape), and text.

    Or from numbers float32 (n, ...), or from token ids to ids int64. `flat` returns the network's input as numbers (n,
    D), for controls: of tokens it is how often each occurs.
    """

    shape: tuple[int, ...]
    prepared: Callable[[NDArray[Any]], torch.Tensor]
    text: str

    def flat(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return a network's input as numbers, float32 (n, D)."""
        return token_counts(inputs, self.shape) if isinstance(self.shape, TokenShape) else inputs.flatten(1)

    @property
    def numbers(self) -> int:
        """How many numbers `flat` returns for a sample."""
        return self.shape.vocabulary if isinstance(self.shape, TokenShape) else math.prod(self.shape)

    def on(self, device: torch.device) -> Callable[[NDArray[Any]], torch.Tensor]:
        """Return a function from images to the network's input on a device."""
        return lambda images: self.prepared(images).to(device)


def preprocessing(description: DatasetDescription, network: NetworkParams) -> Preprocessing:
    """Return what happens to a data set's images before a network.

    Raises StrataError if torchvision has no weights of the name in `network.transforms`, they name no transforms, or
    the data set's own mean and deviation were chosen, too.
    """
    if description.inputs != "images":
        return _of_other_inputs(description, network)
    if network.mask is not None:
        raise StrataError("network.mask: only token ids have a mask: leave it out")
    if network.transforms is None:
        mean, std = description.mean, description.std
        text = f"pixels in [0, 1], less {_listed(mean)}, divided by {_listed(std)}"
        return Preprocessing(tuple(description.image_shape), lambda images: normalized(images, mean, std), text)
    if description.own_normalization:
        raise StrataError(
            f"network.transforms: {network.transforms} has a mean and a deviation of its own; set dataset.mean and"
            " dataset.std to null"
        )
    transforms = _transforms_of(network.transforms)

    def prepared(images: NDArray[np.uint8]) -> torch.Tensor:
        parts = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
        return torch.cat([transforms(in_three_channels(part)) for part in parts])

    channels, height, width = description.image_shape
    blank = np.zeros((1, height, width) if channels == 1 else (1, height, width, channels), dtype=np.uint8)
    return Preprocessing(tuple(prepared(blank).shape[1:]), prepared, " ".join(repr(transforms).split()))


def _of_other_inputs(description: DatasetDescription, network: NetworkParams) -> Preprocessing:
    """Return what happens to numbers, or to token ids."""
    if network.transforms is not None:
        raise StrataError(f"network.transforms: {network.transforms} are for images: leave it out")
    if network.mask is not None and not description.masked:
        raise StrataError("network.mask: the data has no mask: leave it out")
    if description.inputs == "tokens":
        vocabulary = description.vocabulary or 0
        shape = TokenShape.of(description.image_shape[0], vocabulary, description.masked)
        text = f"ids of tokens, int64, from 0 to {vocabulary - 1}"
        if description.masked:
            text += f", and a mask as {network.mask}" if network.mask else ", and a mask that the network does not get"
        return Preprocessing(shape, lambda ids: torch.from_numpy(ids).long(), text)
    mean, std = (torch.tensor(numbers, dtype=torch.float32) for numbers in (description.mean, description.std))
    text = "numbers as they are"
    if description.own_normalization:
        text = f"numbers, less {_listed(description.mean)}, divided by {_listed(description.std)}"
    return Preprocessing(tuple(description.image_shape), lambda each: (torch.from_numpy(each) - mean) / std, text)


def token_counts(inputs: torch.Tensor, shape: TokenShape) -> torch.Tensor:
    """Return how often each token occurs in each sample, float32 (n, vocabulary); masked ones do not count."""
    ids = inputs[:, IDS] if shape.masked else inputs
    count = inputs[:, MASK].float() if shape.masked else torch.ones_like(ids, dtype=torch.float32)
    return torch.zeros(len(ids), shape.vocabulary, device=ids.device).scatter_add_(1, ids, count)


def normalized(images: NDArray[np.uint8], mean: Normalization, std: Normalization) -> torch.Tensor:
    """Return images, uint8 (n, H, W) or (n, H, W, 3), as float32 (n, 1 or 3, H, W).

    Pixels in [0, 1], less `mean` and divided by `std`, one number or one for each channel.
    """
    pixels = channels_first(images).float().div_(255)
    return pixels.sub_(_by_channel(mean)).div_(_by_channel(std))


def channels_first(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return images, uint8 (n, H, W) or (n, H, W, 3), as uint8 (n, 1 or 3, H, W)."""
    pixels = torch.from_numpy(images)
    return pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()


def in_three_channels(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return images as uint8 (n, 3, H, W): grey ones three times the same."""
    pixels = channels_first(images)
    return pixels.expand(-1, 3, -1, -1) if pixels.shape[1] == 1 else pixels


def _by_channel(numbers: Normalization) -> torch.Tensor | float:
    return torch.tensor(numbers).view(-1, 1, 1) if isinstance(numbers, Sequence) else numbers


def _listed(numbers: Normalization) -> str:
    return ", ".join(f"{number:g}" for number in (numbers if isinstance(numbers, Sequence) else [numbers]))


def _transforms_of(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    from torchvision.models import get_weight

    try:
        weights = get_weight(name)
    except (KeyError, ValueError):
        raise StrataError(
            f"network.transforms: torchvision has no weights {name}; write a name such as ResNet18_Weights.DEFAULT"
        ) from None
    made: Callable[[torch.Tensor], torch.Tensor] = weights.transforms()
    return made
