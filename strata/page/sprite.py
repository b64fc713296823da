"""All images of the page in one picture, so that each travels once."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strata.image_sheet import sheet_of, shrunk

COLUMNS = 64
# Of all images together: above, they are shrunk, as browsers refuse very large pictures. 10,000 of CIFAR's fit.
MOST_PIXELS, MOST_SIDE = 12_000_000, 256


@dataclass(frozen=True)
class Sprite:
    """A PNG as a data address; image i stands in row i // columns and column i % columns, each `height` x `width`."""

    address: str
    columns: int
    height: int
    width: int


def sprite_of(images: NDArray[np.uint8]) -> Sprite:
    """Return one picture of images, grey (n, H, W) or colour (n, H, W, 3); too many pixels are shrunk to fit."""
    count, height, width = images.shape[:3]
    small = shrunk(images, min(MOST_SIDE / max(height, width), (MOST_PIXELS / (count * height * width)) ** 0.5))
    file = io.BytesIO()
    Image.fromarray(sheet_of(small, COLUMNS)).save(file, format="PNG")
    address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    return Sprite(address, COLUMNS, *small.shape[1:3])
