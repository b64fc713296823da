"""Pictures of samples: their pixels, their size, and what is refused, in one line each."""

import numpy as np
import pytest
import torch

from strata.core.errors import StrataError
from strata.dataset.pictures import MOST_SIDE, look_like_images, pictures_of

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
FIRST = PIXELS.transpose(0, 3, 1, 2)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def normalized(pixels):
    by_channel = (np.array(each, dtype=np.float32)[:, None, None] for each in (MEAN, STD))
    mean, std = by_channel
    return (pixels.astype(np.float32) / 255 - mean) / std


@pytest.mark.parametrize(
    ("images", "settings", "expected"),
    [
        (PIXELS, {}, PIXELS),
        (FIRST, {}, PIXELS),
        (FIRST.astype(np.int64), {}, PIXELS),
        (FIRST / 255, {}, PIXELS),
        (torch.from_numpy(FIRST / np.float32(255)), {}, PIXELS),
        (normalized(FIRST), {"mean": MEAN, "std": STD}, PIXELS),
        (PIXELS[..., 0], {}, PIXELS[..., 0]),
        (PIXELS[..., :1], {}, PIXELS[..., 0]),
        (FIRST[:, :1] / 255 - 0.5, {"mean": 0.5}, PIXELS[..., 0]),
    ],
    ids=["last", "first", "whole", "in 0 to 1", "tensor", "undone", "grey", "one channel last", "mean alone"],
)
def test_pixels_are_those_that_were_given(images, settings, expected):
    found = pictures_of(images, 5, **settings)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


def test_numbers_of_an_unknown_scale_are_stretched_alike():
    values = RNG.normal(3, 2, (4, 1, 10, 10)).astype(np.float32)
    found = pictures_of(values, 4)
    low, high = np.percentile(values, (0.5, 99.5))
    np.testing.assert_array_equal(found, np.round(np.clip((values[:, 0] - low) / (high - low), 0, 1) * 255))
    assert (pictures_of(np.full((3, 5, 5), 7.0), 3) == 0).all()


def test_large_images_are_shrunk_with_their_proportions():
    left_white = np.zeros((2, 200, 100), dtype=np.uint8)
    left_white[:, :, :50] = 255
    found = pictures_of(left_white, 2)
    assert found.shape == (2, MOST_SIDE, MOST_SIDE // 2)
    assert (found[:, :, :15] == 255).all() and (found[:, :, 17:] == 0).all()


@pytest.mark.parametrize(
    ("images", "settings", "line"),
    [
        (PIXELS[:4], {}, "images: 4, but there are 5 samples"),
        (np.zeros((5, 9)), {}, "images: their size is 5 x 9; give (n, H, W), (n, 1 or 3, H, W) or (n, H, W, 3)"),
        (np.zeros((5, 4, 8, 8)), {}, "images: their size is 5 x 4 x 8 x 8; give"),
        (np.array(["a"] * 5), {}, "images: they are no array of numbers"),
        ([[1], [2, 3]], {}, "images: they are no array: "),
        (np.full((5, 8, 8), 300), {}, "images: whole numbers from 300 to 300; pixels are 0 to 255"),
        (np.full((5, 8, 8), np.nan), {}, "images: a pixel is not finite"),
        (FIRST, {"mean": MEAN, "std": STD}, "mean, std: the images are whole numbers, which nothing has normalized"),
        (FIRST[:, :1] / 255, {"mean": MEAN}, "mean, std: 3 numbers, but images have 1 channels"),
        (FIRST / 255, {"std": 0.0}, "std: each must be above 0"),
        (normalized(FIRST), {"mean": 124.0, "std": 58.0}, "mean, std: undone, pixels are "),
    ],
)
def test_what_is_refused_is_one_line(images, settings, line):
    with pytest.raises(StrataError) as caught:
        pictures_of(images, 5, **settings)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
    assert len(f"error: {caught.value}") <= 200


def test_images_are_told_from_sequences():
    assert look_like_images(np.zeros((2, 3, 8, 9))) and look_like_images(np.zeros((2, 28, 28)))
    for shape in ((2, 5), (2, 4, 8, 8), (2, 12, 6), (2, 3, 2, 2), (2, 3, 30)):
        assert not look_like_images(np.zeros(shape))
