"""All images of the page in one picture, so that each travels once."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLUMNS = 64


@dataclass(frozen=True)
class Sprite:
    """A PNG as a data address; image i stands in row i // columns and column i % columns, each `height` x `width`."""

    address: str
    columns: int
    height: int
    width: int


def sprite_of(images: NDArray[np.uint8]) -> Sprite:
    """Return one grey picture of images (n, H, W)."""
    count, height, width = images.shape
    lines = -(-count // COLUMNS)
    sheet = np.zeros((lines * COLUMNS, height, width), dtype=np.uint8)
    sheet[:count] = images
    picture = sheet.reshape(lines, COLUMNS, height, width).swapaxes(1, 2).reshape(lines * height, COLUMNS * width)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", optimize=True)
    address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    return Sprite(address, COLUMNS, height, width)
