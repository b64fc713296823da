"""The sprite: one picture that holds every image at its row and column, and nothing else."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from strata.page.sprite import COLUMNS, sprite_of

HEIGHT, WIDTH = 5, 7


def images_of(count, height=HEIGHT, width=WIDTH):
    return np.random.default_rng(count).integers(0, 256, (count, height, width), dtype=np.uint8)


def decoded(sprite):
    """Return the pixels of a sprite's picture, which must be a grey PNG."""
    kind, content = sprite.address.split(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
        return np.array(picture)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (2, 1), (63, 1), (64, 1), (65, 2), (128, 2), (200, 4)])
def test_image_i_stands_in_row_and_column_of_i(count, rows):
    images = images_of(count)
    sprite = sprite_of(images)
    pixels = decoded(sprite)
    assert (sprite.columns, sprite.height, sprite.width) == (COLUMNS, HEIGHT, WIDTH)
    assert pixels.shape == (rows * HEIGHT, COLUMNS * WIDTH)
    for i, image in enumerate(images):
        top, left = i // sprite.columns * HEIGHT, i % sprite.columns * WIDTH
        np.testing.assert_array_equal(pixels[top : top + HEIGHT, left : left + WIDTH], image, err_msg=f"image {i}")
    # Nothing where no image is.
    assert pixels.sum(dtype=int) == images.sum(dtype=int)


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (3, 40)])
def test_images_of_any_size(size):
    images = images_of(66, *size)
    pixels = decoded(sprite_of(images))
    np.testing.assert_array_equal(pixels[size[0] :, size[1] : 2 * size[1]], images[65])


def test_images_that_lie_apart_in_memory():
    images = images_of(70)
    np.testing.assert_array_equal(decoded(sprite_of(images[::-2])), decoded(sprite_of(images[::-2].copy())))


def test_the_same_images_give_the_same_bytes_and_are_left_as_they_were():
    images = images_of(65)
    before = images.copy()
    assert sprite_of(images) == sprite_of(before)
    np.testing.assert_array_equal(images, before)
