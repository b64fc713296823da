"""Pictures that show samples on the page, where what the network gets is numbers: small, uint8."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from strata.core.errors import StrataError, in_short
from strata.dataset.description import Normalization

MOST_SIDE = 64  # pixels; larger pictures are shrunk
SMALLEST_SIDE = 4  # of arrays that are taken for images without being asked
SQUARE_FROM = 8  # of arrays (n, H, W), which could be sequences
AT_ONCE = 500
STRETCHED = (0.5, 99.5)  # percentiles that become black and white where mean and deviation are not known
COLOURS = (1, 3)
SLACK, MOST_OFF = 0.05, 0.05  # of pixels that may be out of [0, 1] by a little more than rounding


def look_like_images(inputs: NDArray[Any]) -> bool:
    """Return whether a network's inputs can be taken for images: (n, 1 or 3, H, W), or squares (n, H, W)."""
    if inputs.ndim == 4:
        return inputs.shape[1] in COLOURS and min(inputs.shape[2:]) >= SMALLEST_SIDE
    return inputs.ndim == 3 and inputs.shape[1] == inputs.shape[2] >= SQUARE_FROM


def pictures_of(
    images: Any, count: int, mean: Normalization | None = None, std: Normalization | None = None
) -> NDArray[np.uint8]:
    """Return images as pictures, uint8 (n, h, w) or (n, h, w, 3), of at most 64 pixels per side.

    `images` are (n, H, W), (n, 1 or 3, H, W) or (n, H, W, 1 or 3): whole numbers from 0 to 255; or other numbers, which
    are multiplied by `std` and added to `mean`, one number or one for each channel, to be in [0, 1]. Without both,
    those that are not in [0, 1] are stretched to it, all alike. Raises StrataError for other shapes and numbers, for a
    mean and deviation that are not those of the images, or if there are not `count` of them.
    """
    values = _channels_first(images, mean is not None or std is not None)
    if len(values) != count:
        raise StrataError(f"images: {len(values):,}, but there are {count:,} samples")
    low, scale = _levels(values, mean, std)
    small = []
    for start in range(0, count, AT_ONCE):
        part = (torch.from_numpy(np.ascontiguousarray(values[start : start + AT_ONCE])).float() - low) * scale
        _check_undone(part, mean, std)
        small.append(_shrunk(part).clamp(0, 1).mul(255).round().to(torch.uint8).numpy())
    pictures = np.concatenate(small)
    return np.ascontiguousarray(pictures[:, 0] if pictures.shape[1] == 1 else pictures.transpose(0, 2, 3, 1))


def _channels_first(images: Any, normalized: bool) -> NDArray[Any]:
    """Return images as an array of numbers (n, 1 or 3, H, W)."""
    try:
        values = images.detach().cpu().float().numpy() if isinstance(images, torch.Tensor) else np.asarray(images)
    except (ValueError, TypeError) as error:
        raise StrataError(f"images: they are no array: {in_short(error)}") from None
    if values.dtype.kind not in "biuf" or not values.size:
        raise StrataError(f"images: {'none' if values.dtype.kind in 'biuf' else 'they are no array of numbers'}")
    whole = values.dtype.kind in "iu"
    if whole and normalized:
        raise StrataError("mean, std: the images are whole numbers, which nothing has normalized: leave them out")
    if values.ndim == 3:
        values = values[:, None]
    elif values.ndim == 4 and values.shape[1] not in COLOURS and values.shape[3] in COLOURS:
        values = values.transpose(0, 3, 1, 2)
    if values.ndim != 4 or values.shape[1] not in COLOURS:
        shape = " x ".join(map(str, np.shape(images)))
        raise StrataError(f"images: their size is {shape}; give (n, H, W), (n, 1 or 3, H, W) or (n, H, W, 3)")
    if not np.isfinite(values).all():
        raise StrataError("images: a pixel is not finite")
    if whole and (values.min() < 0 or values.max() > 255):
        raise StrataError(f"images: whole numbers from {values.min()} to {values.max()}; pixels are 0 to 255")
    return values.astype(np.float32) / 255 if whole else values


def _levels(
    values: NDArray[Any], mean: Normalization | None, std: Normalization | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what to subtract from values, and then to multiply them with, to have them in [0, 1]; by channel."""
    if mean is not None or std is not None:
        means, stds = (
            _by_channel(each, values.shape[1]) for each in (0.0 if mean is None else mean, 1.0 if std is None else std)
        )
        if not bool((stds > 0).all()):
            raise StrataError("std: each must be above 0")
        return -means / stds, stds
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return torch.zeros(1), torch.ones(1)
    low, high = np.percentile(values[:AT_ONCE], STRETCHED)
    return torch.tensor(low), torch.tensor(1 / max(high - low, 1e-12))


def _by_channel(numbers: Normalization, channels: int) -> torch.Tensor:
    each = torch.tensor(numbers, dtype=torch.float32).reshape(-1)
    if len(each) not in (1, channels):
        raise StrataError(f"mean, std: {len(each)} numbers, but images have {channels} channels")
    return each.view(-1, 1, 1)


def _check_undone(values: torch.Tensor, mean: Normalization | None, std: Normalization | None) -> None:
    """Check that most pixels are in [0, 1], where a mean and a deviation were undone."""
    off = ((values < -SLACK) | (values > 1 + SLACK)).float().mean().item()
    if off > MOST_OFF and (mean is not None or std is not None):
        raise StrataError(
            f"mean, std: undone, pixels are {values.min():.3g} to {values.max():.3g}, not 0 to 1: give those of pixels"
            " in [0, 1]"
        )


def _shrunk(values: torch.Tensor) -> torch.Tensor:
    sides: Sequence[int] = values.shape[2:]
    if max(sides) <= MOST_SIDE:
        return values
    height, width = (max(1, round(side * MOST_SIDE / max(sides))) for side in sides)
    return F.adaptive_avg_pool2d(values, (height, width))
