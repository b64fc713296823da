"""Many small images in one picture, row by row."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def sheet_of(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Return images, (n, H, W) or (n, H, W, 3), as one: image i in row i // columns and column i % columns."""
    count, height, width, *channels = images.shape
    lines = -(-count // columns)
    sheet = np.zeros((lines * columns, height, width, *channels), dtype=np.uint8)
    sheet[:count] = images
    in_lines = sheet.reshape(lines, columns, height, width, *channels).swapaxes(1, 2)
    return in_lines.reshape(lines * height, columns * width, *channels)


def shrunk(images: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return images of `scale` times the height and width, at least a pixel each; as they are from 1 on."""
    if scale >= 1:
        return images
    height, width = images.shape[1:3]
    size = max(1, int(width * scale)), max(1, int(height * scale))
    return np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) for image in images])
