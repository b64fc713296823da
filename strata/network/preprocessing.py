"""What happens to images before the network: normalization, or the transforms that pretrained weights come with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.description import DatasetDescription, Normalization
from strata.network.params import NetworkParams

AT_ONCE = 256  # images that are transformed together


@dataclass(frozen=True)
class Preprocessing:
    """A function from images, uint8 (n, H, W) or (n, H, W, 3), to the network's input float32 (n, *shape), and text."""

    shape: tuple[int, ...]
    prepared: Callable[[NDArray[np.uint8]], torch.Tensor]
    text: str

    def on(self, device: torch.device) -> Callable[[NDArray[np.uint8]], torch.Tensor]:
        """Return a function from images to the network's input on a device."""
        return lambda images: self.prepared(images).to(device)


def preprocessing(description: DatasetDescription, network: NetworkParams) -> Preprocessing:
    """Return what happens to a data set's images before a network.

    Raises StrataError if torchvision has no weights of the name in `network.transforms`, they name no transforms, or
    the data set's own mean and deviation were chosen, too.
    """
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
