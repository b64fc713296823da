"""Many images in one axis, in columns with room for text around each: one axis per image takes far longer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

MARGIN = 0.1


@dataclass(frozen=True)
class Around:
    """Room around each image, in inches: for text above and below it, and between columns."""

    above: float
    below: float = 0.0
    between: float = 0.12


@dataclass(frozen=True)
class ImageGrid:
    """A figure with one axis, in inches from the top left; `corners` (n, 2) are the x and y of the images.

    `height` is the height of an image.
    """

    figure: Figure
    axis: Axes
    corners: NDArray[np.float64]
    height: float


def image_grid(
    images: NDArray[Any], columns: int, width: float, around: Around, top: float = 0.0, right: float = 0.0, **look: Any
) -> ImageGrid:
    """Return a grid of images (n, H, W) or (n, H, W, 3), each `width` inches wide, with one empty line if n is 0.

    `top` and `right` are extra margins in inches; `look` goes to matplotlib's imshow.
    """
    count, rows_of_pixels, columns_of_pixels = images.shape[:3]
    lines = max(1, -(-count // columns))
    height = width * rows_of_pixels / columns_of_pixels
    across, down = width + around.between, around.above + height + around.below
    size = columns * across - around.between, lines * down
    figure_size = size[0] + 2 * MARGIN + right, size[1] + 2 * MARGIN + top
    figure = Figure(figsize=figure_size)
    axis = figure.add_axes(
        (MARGIN / figure_size[0], MARGIN / figure_size[1], size[0] / figure_size[0], size[1] / figure_size[1])
    )
    indices = np.arange(count)
    corners = np.column_stack([indices % columns * across, indices // columns * down + around.above])
    for image, (x, y) in zip(images, corners, strict=True):
        axis.imshow(image, extent=(x, x + width, y + height, y), **look)
    axis.set(xlim=(0, size[0]), ylim=(size[1], 0), aspect="auto")
    axis.set_axis_off()
    return ImageGrid(figure, axis, corners, height)


def fitting_size(text: str, inches: float, limit: float) -> float:
    """Return the font size, at most `limit` points, at which a text in DejaVu Sans is about `inches` wide."""
    return min(limit, inches * 72 / (0.62 * max(1, len(text))))


def sheet_of(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Return images, (n, H, W) or (n, H, W, 3), as one image: image i is in row i // columns, column i % columns."""
    count, height, width, *channels = images.shape
    lines = -(-count // columns)
    sheet = np.zeros((lines * columns, height, width, *channels), dtype=np.uint8)
    sheet[:count] = images
    in_lines = sheet.reshape(lines, columns, height, width, *channels).swapaxes(1, 2)
    return in_lines.reshape(lines * height, columns * width, *channels)


def shrunk(images: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return images with `scale` times the height and width, at least one pixel; unchanged if `scale` is 1 or more."""
    if scale >= 1:
        return images
    height, width = images.shape[1:3]
    size = max(1, int(width * scale)), max(1, int(height * scale))
    return np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) for image in images])
