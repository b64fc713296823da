"""The gallery: the page of a run without figures, the same bytes twice; and the figure of a step between two maps."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from tests.report.page.synthetic import make_run, write_page
from tools.gallery import COMPARED, draw_morph, take_pictures


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


def test_pictures_have_the_views_size_and_what_its_clicks_show(browser, tmp_path):
    page = write_page(tmp_path / "index.html", {name: make_run(seed) for seed, name in enumerate("abc")})
    views = {"plain": (700, 400, "light", []), "dark": (500, 300, "light", ["#theme"])}
    take_pictures(browser, page, tmp_path / "images", views)
    plain, dark = (np.asarray(Image.open(tmp_path / f"images/{name}.png").convert("RGB")) for name in views)
    assert (plain.shape, dark.shape) == ((400, 700, 3), (300, 500, 3))
    assert plain[-1, 0].tolist() == [255, 255, 255] and dark[-1, 0].tolist() == [20, 23, 27]


def test_what_the_pictures_of_compared_runs_click_on_is_there(browser, tmp_path):
    page = write_page(tmp_path / "index.html", {name: make_run(seed) for seed, name in enumerate("abc")})
    take_pictures(browser, page, tmp_path / "images", COMPARED)
    for name, (width, height, *_) in COMPARED.items():
        with Image.open(tmp_path / f"images/{name}.png") as picture:
            assert picture.size == (width, height)


def test_a_run_has_the_same_payload_twice():
    assert make_run(0).payload() == make_run(0).payload()


def test_only_the_shared_fixture_starts_playwright():
    """It refuses to start twice in a process, and which tests share one changes from run to run."""
    tests = Path(__file__).resolve().parent.parent
    found = [
        path for path in tests.rglob("*.py") if re.search(r"\b(sync_playwright|launched)\(", path.read_text("utf-8"))
    ]
    assert [path.relative_to(tests).as_posix() for path in found] == ["conftest.py"]
