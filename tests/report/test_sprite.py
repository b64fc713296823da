"""The sprite: one picture that holds every image at its row and column, and nothing else."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from strata.report.page import packing as sprite_module
from strata.report.page.packing import COLUMNS, sprite_of

HEIGHT, WIDTH = 5, 7


def images_of(count, height=HEIGHT, width=WIDTH, channels=()):
    return np.random.default_rng(count).integers(0, 256, (count, height, width, *channels), dtype=np.uint8)


def decoded(sprite, mode="L"):
    """Return the pixels of a sprite's picture, which must be a PNG, grey unless said otherwise."""
    (sheet,) = sprite.sheets
    kind, content = sheet.split(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as picture:
        assert (picture.format, picture.mode) == ("PNG", mode)
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


def test_colour_images_stand_in_a_colour_picture():
    images = images_of(66, channels=(3,))
    sprite = sprite_of(images)
    pixels = decoded(sprite, "RGB")
    assert pixels.shape == (2 * HEIGHT, COLUMNS * WIDTH, 3)
    np.testing.assert_array_equal(pixels[HEIGHT:, WIDTH : 2 * WIDTH], images[65])
    np.testing.assert_array_equal(pixels[:HEIGHT, -WIDTH:], images[63])


@pytest.mark.parametrize("channels", [(), (3,)])
def test_too_many_pixels_are_shrunk_to_means_of_blocks(channels, monkeypatch):
    images = np.repeat(np.repeat(images_of(3, 4, 6, channels), 2, axis=1), 2, axis=2)
    monkeypatch.setattr(sprite_module, "MAX_PIXELS", 3 * 4 * 6)
    sprite = sprite_of(images)
    assert (sprite.height, sprite.width) == (4, 6)
    pixels = decoded(sprite, "RGB" if channels else "L")
    np.testing.assert_array_equal(pixels[:, 12:18], images[2, ::2, ::2])


def test_the_longest_side_is_bounded():
    sprite = sprite_of(images_of(1, 1, 1000))
    assert (sprite.height, sprite.width) == (1, 256)


def test_images_that_lie_apart_in_memory():
    images = images_of(70)
    np.testing.assert_array_equal(decoded(sprite_of(images[::-2])), decoded(sprite_of(images[::-2].copy())))


def test_many_images_lie_on_several_sheets(monkeypatch):
    monkeypatch.setattr(sprite_module, "SHEET_PIXELS", 2 * COLUMNS * HEIGHT * WIDTH)
    images = images_of(2 * 2 * COLUMNS + 5)
    sprite = sprite_of(images)
    assert (sprite.per_sheet, len(sprite.sheets)) == (2 * COLUMNS, 3)
    for place, sheet in enumerate(sprite.sheets):
        pixels = decoded(replace(sprite, sheets=[sheet]))
        np.testing.assert_array_equal(pixels[:HEIGHT, :WIDTH], images[place * sprite.per_sheet])
    assert pixels.shape == (HEIGHT, COLUMNS * WIDTH)


def test_the_same_images_give_the_same_bytes_and_are_left_as_they_were():
    images = images_of(65)
    before = images.copy()
    assert sprite_of(images) == sprite_of(before)
    np.testing.assert_array_equal(images, before)
