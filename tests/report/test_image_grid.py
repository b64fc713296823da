"""The grid of images: where each stands, in inches, and how large the figure is."""

import numpy as np
import pytest

from strata.report.figures.image_grid import MARGIN, Around, fitting_size, image_grid


def test_images_stand_in_lines_with_room_around_them():
    images = np.arange(5 * 2 * 4).reshape(5, 2, 4)
    grid = image_grid(images, 3, 2.0, Around(above=0.5, below=0.25, between=0.1), top=0.3, right=0.7, vmin=0)
    assert grid.height == 1.0  # half as high as wide
    np.testing.assert_allclose(grid.corners, [[0, 0.5], [2.1, 0.5], [4.2, 0.5], [0, 2.25], [2.1, 2.25]])
    shown = grid.axis.images
    np.testing.assert_allclose([image.get_extent() for image in shown][4], [2.1, 4.1, 3.25, 2.25])
    for image, given in zip(shown, images, strict=True):
        np.testing.assert_array_equal(image.get_array(), given)
    width, height = grid.figure.get_size_inches()
    assert (width, height) == pytest.approx((3 * 2.1 - 0.1 + 2 * MARGIN + 0.7, 2 * 1.75 + 2 * MARGIN + 0.3))


@pytest.mark.parametrize("count", [1, 7])
def test_an_inch_of_the_axis_is_an_inch_of_the_figure(count):
    grid = image_grid(np.zeros((count, 3, 3, 3), np.uint8), 4, 1.5, Around(above=0.2))
    box = grid.axis.get_position()
    width, height = grid.figure.get_size_inches()
    assert box.width * width == pytest.approx(np.ptp(grid.axis.get_xlim()))
    assert box.height * height == pytest.approx(np.ptp(grid.axis.get_ylim()))
    assert grid.axis.get_ylim()[0] > grid.axis.get_ylim()[1]  # down


def test_without_images_there_is_one_empty_line():
    grid = image_grid(np.zeros((0, 4, 4)), 2, 1.0, Around(above=0.3))
    assert len(grid.axis.images) == 0 and grid.corners.shape == (0, 2)
    assert grid.figure.get_size_inches()[1] == pytest.approx(1.3 + 2 * MARGIN)


def test_a_text_of_the_fitting_size_is_as_wide_as_there_is_room():
    grid = image_grid(np.zeros((1, 4, 4)), 1, 4.0, Around(above=0.3))
    for text, inches in (("Ankle boot", 1.0), ("input", 0.25)):
        drawn = grid.axis.text(0, 1, text, fontsize=fitting_size(text, inches, 50), family="DejaVu Sans")
        assert drawn.get_window_extent().width / grid.figure.dpi == pytest.approx(inches, rel=0.2)
    assert fitting_size("h1", 1.0, 7) == 7
