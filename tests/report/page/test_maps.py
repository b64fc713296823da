"""Maps: points are where the data says; a shape drawn in one map, or a click, selects in all."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from tests.report.page.reader import wait_for
from tests.report.page.synthetic import COLOURS

NOTCHED = np.array([(-1, -0.9), (0.1, -1.1), (0, -0.1), (1.1, 0.1), (0.9, 1), (-1.1, 0.9)])
SQUARE = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


def distance_to_outline(places, corners):
    """The distance of each place (n, 2) to the closed line through the corners."""
    start, way = corners[:, None], (np.roll(corners, -1, axis=0) - corners)[:, None]
    share = np.clip(((places - start) * way).sum(-1) / (way**2).sum(-1), 0, 1)
    return np.linalg.norm(places - start - share[..., None] * way, axis=-1).min(axis=0)


def shape_between(places, form, middle=(0.5, 0.5)):
    """Corners of a shape about a part of the map that keeps away from all samples; and which samples are inside."""
    low, high = places.min(axis=0), places.max(axis=0)
    rng, widest = np.random.default_rng(0), 0
    for _ in range(3000):
        tried = middle + rng.uniform(0.14, 0.26) * form + rng.uniform(-0.1, 0.1, 2)
        gap = distance_to_outline(places, low + tried * (high - low)).min()
        if gap > widest:
            widest, corners = gap, low + tried * (high - low)
        if widest > 2:
            break
    assert widest > 0.5
    inside = Outline(corners).contains_points(places)
    assert 8 <= inside.sum() <= 100
    return corners, inside


def ids_where(explorer, chosen):
    return [sample for sample, here in zip(explorer.ids, chosen, strict=True) if here]


def told_places(explorer, layer):
    """Where the page says that all samples are on a map."""
    code = "(layer) => strata.visibleIds().map((id) => strata.placeOf(id, 0, layer))"
    return np.array(explorer.page.evaluate(code, layer))


def off_all(explorer, run, layer):
    """A place in a map that is far from all samples."""
    places = explorer.in_window(run, layer)
    x, y = places.min(axis=0)
    grid = np.stack(np.meshgrid(np.arange(x, x + 150, 2), np.arange(y, y + 150, 2)), -1).reshape(-1, 2)
    gaps = np.linalg.norm(grid[:, None] - places, axis=-1).min(axis=1)
    assert gaps.max() > 13
    return grid[gaps.argmax()]


@pytest.mark.parametrize("layer", [None, 0, 6])
def test_every_sample_is_drawn_in_its_colour_at_its_place(explorer, layer):
    places = explorer.in_window(0, layer)
    told = told_places(explorer, layer)
    np.testing.assert_allclose(told, places, atol=1.5)
    explorer.assert_drawn(layer, [COLOURS[label] for label in explorer.run.labels])


@pytest.mark.parametrize(("layer", "middle"), [(None, (0.5, 0.5)), (2, (0.6, 0.4)), (6, (0.4, 0.6))])
def test_a_lasso_in_one_map_selects_the_samples_inside_in_all_maps(explorer, layer, middle):
    corners, inside = shape_between(explorer.in_window(0, layer), NOTCHED, middle)
    explorer.drag(corners)
    wanted = ids_where(explorer, inside)
    assert explorer.selected() == wanted
    assert explorer.status() == f"200 of 200 samples shown, {len(wanted)} selected"
    explorer.assert_overlays_show(wanted)
    assert explorer.page.get_attribute("#map-0-5 .plot", "aria-label") == (
        f"Made-up map, layer h5: 200 samples, {len(wanted)} selected"
    )


@pytest.mark.parametrize("layer", [None, 4])
def test_a_box_selects_the_samples_inside(explorer, layer):
    explorer.page.check("input[value=box]")
    corners, inside = shape_between(explorer.in_window(0, layer), SQUARE)
    explorer.drag([corners[0], corners.mean(axis=0), corners[2]])
    assert explorer.selected() == ids_where(explorer, inside)
    explorer.assert_overlays_show(explorer.selected())


def test_the_lasso_follows_the_large_map_to_another_layer(explorer):
    explorer.set_slider(4)
    corners, inside = shape_between(explorer.in_window(0, None, shown=4), NOTCHED)
    explorer.drag(corners)
    assert explorer.selected() == ids_where(explorer, inside)


def test_a_click_selects_the_nearest_sample_shift_adds_and_a_click_beside_all_clears(explorer):
    for row in (17, 60):
        x, y = explorer.in_window(0, None)[row]
        explorer.page.mouse.click(x + 2, y - 1)
        assert explorer.selected() == [explorer.ids[row]]
    explorer.page.keyboard.down("Shift")
    explorer.page.mouse.click(*explorer.in_window(0, None)[100])
    explorer.page.keyboard.up("Shift")
    assert explorer.selected() == [explorer.ids[60], explorer.ids[100]]
    explorer.page.mouse.click(*off_all(explorer, 0, None))
    assert explorer.selected() == []


def test_a_click_on_a_small_map_brings_it_into_the_large_one_and_keeps_the_selection(explorer):
    explorer.select(explorer.ids[:3])
    explorer.page.mouse.click(*explorer.in_window(0, 4)[9])
    assert explorer.page.inner_text("#large-0 .layer") == "h4"
    assert explorer.page.input_value("#depth") == "4"
    assert explorer.selected() == explorer.ids[:3]


def test_shift_adds_a_shape_to_the_selection_and_control_or_alt_takes_it_away(explorer):
    corners, first = shape_between(explorer.in_window(0, 0), NOTCHED, (0.35, 0.35))
    explorer.drag(corners)
    corners, second = shape_between(explorer.in_window(0, 3), NOTCHED, (0.6, 0.6))
    explorer.drag(corners, "Shift")
    assert explorer.selected() == ids_where(explorer, first | second)
    explorer.assert_overlays_show(explorer.selected())
    corners, third = shape_between(explorer.in_window(0, None), SQUARE)
    explorer.drag(corners, "Control")
    assert explorer.selected() == ids_where(explorer, (first | second) & ~third)
    explorer.select(ids_where(explorer, first | second))
    explorer.drag(corners, "Alt")
    assert explorer.selected() == ids_where(explorer, (first | second) & ~third)


def test_clear_empties_the_selection_and_the_overlays(explorer):
    explorer.select(explorer.ids[:9])
    explorer.page.click("#clear")
    explorer.settle()
    assert explorer.selected() == []
    for run, layer in explorer.maps:
        assert not explorer.pixels(f"{explorer.plot(run, layer)} > canvas.overlay").any()


def test_a_map_has_canvases_over_its_points_only_while_something_is_on_them(explorer):
    shown = "() => ['overlay', 'marks'].map((name) => document.querySelectorAll(`canvas.${name}:not([hidden])`).length)"
    assert explorer.page.evaluate(shown) == [0, 0]
    explorer.select(explorer.ids[:2])
    assert explorer.page.evaluate(shown) == [len(explorer.maps), 0]
    explorer.select(explorer.ids[:1])  # has rings, too
    assert explorer.page.evaluate(shown) == [len(explorer.maps)] * 2
    explorer.select([])
    assert explorer.page.evaluate(shown) == [0, 0]
    for run, layer in explorer.maps:
        for canvas in ("overlay", "marks"):
            assert not explorer.pixels(f"{explorer.plot(run, layer)} > canvas.{canvas}").any()


@pytest.mark.parametrize("layer", [None, 2])
def test_pan_and_wheel_move_the_map_the_lasso_follows_and_reset_brings_it_back(explorer, layer):
    explorer.page.check("input[value=pan]")
    before = explorer.in_window(0, layer)
    start = before.mean(axis=0)
    explorer.drag([start, start + np.array([10, 5]), start + np.array([15, 9])])
    told = told_places(explorer, layer)
    np.testing.assert_allclose(told, before + np.array([15, 9]), atol=1.5)
    assert explorer.selected() == []

    explorer.page.mouse.move(*start)
    explorer.page.mouse.wheel(0, -240)
    wait_for(
        explorer.page,
        "([id, layer, x]) => Math.abs(strata.placeOf(id, 0, layer)[0] - x) > 3",
        arg=[explorer.ids[1], layer, told[1, 0]],
    )
    explorer.settle()
    told = told_places(explorer, layer)
    stretched = np.ptp(told, axis=0) / np.ptp(before, axis=0)
    assert stretched[0] == pytest.approx(stretched[1], rel=1e-3) and stretched[0] > 1.05

    explorer.page.check("input[value=lasso]")
    middle = explorer.box(0, layer)
    corners = np.array([middle["x"], middle["y"]]) + middle["width"] * (0.5 + 0.3 * NOTCHED)
    while distance_to_outline(told, corners).min() < (1.5 if layer is None else 0.5):
        corners += [0.7, 0.3] if layer is None else [0.11, 0.07]
    explorer.drag(corners)
    assert explorer.selected() == ids_where(explorer, Outline(corners).contains_points(told))
    assert explorer.selected()

    explorer.page.click("#reset-view")
    explorer.settle()
    told = told_places(explorer, layer)
    np.testing.assert_allclose(told, before, atol=1.5)


def test_the_wheel_zooms_with_every_tool_and_scrolls_the_page_only_out_of_the_whole_map(explorer):
    explorer.page.mouse.move(*explorer.in_window(0, None)[0])
    explorer.page.mouse.wheel(0, -240)
    explorer.settle()
    assert np.ptp(told_places(explorer, None)[:, 0]) > 1.3 * np.ptp(explorer.in_window(0, None)[:, 0])
    assert explorer.page.evaluate("scrollY") == 0
    explorer.page.mouse.wheel(0, 2000)
    explorer.settle()
    np.testing.assert_allclose(told_places(explorer, None), explorer.in_window(0, None), atol=1.5)
    explorer.page.mouse.wheel(0, 120)
    wait_for(explorer.page, "scrollY > 0")
