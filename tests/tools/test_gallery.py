"""The gallery: the page of a run without figures, the same bytes twice; and the figure of a step between two maps."""

import numpy as np

from tests.report.page.synthetic import make_run
from tools.gallery import draw_morph


def test_the_frames_of_a_step_have_all_points_and_one_scale():
    rng, labels = np.random.default_rng(0), np.array([0, 1, 1, 2])
    straight, ours = ([rng.normal(size=(2, 4)) for _ in range(3)] for _ in range(2))
    figure = draw_morph(straight, ours, (0.0, 0.5, 1.0), labels, "h1 to h2")
    axes = [axis for part in figure.subfigs for axis in part.axes]
    assert [axis.get_title(loc="left") for axis in axes] == ["0%", "50%", "100%"] * 2
    assert len({(axis.get_xlim(), axis.get_ylim()) for axis in axes}) == 1
    for axis, points in zip(axes, [*straight, *ours], strict=True):
        np.testing.assert_array_equal(np.asarray(axis.collections[0].get_offsets()), points.T)
    assert [part.get_suptitle() for part in figure.subfigs] == [
        "h1 to h2, straight lines",
        "h1 to h2, each class as a whole",
    ]


def test_a_run_has_the_same_payload_twice():
    assert make_run(0).payload() == make_run(0).payload()
