"""The large map: at each layer it is that layer's map, between two it is between them; slider, keys and play."""

import numpy as np

from tests.report.page.reader import wait_for
from tests.report.page.synthetic import LAYERS

PLACES = "() => [Array.from(strata.largeMap(0).x), Array.from(strata.largeMap(0).y)]"
# Each depth that the slider stood at, from the click on play until it is over.
PLAY = """() => new Promise((done) => {
  const slider = document.getElementById("depth"), play = document.getElementById("play"), seen = [];
  const look = () => {
    const map = strata.largeMap(0);
    seen.push([Number(slider.value), map.x[0], map.y[0]]);
    if (play.getAttribute("aria-pressed") === "true") requestAnimationFrame(look); else done(seen);
  };
  play.click();
  look();
})"""


def assert_large_map(explorer, depth):
    first, share = int(depth), depth - int(depth)
    here, there = (explorer.run.places[min(layer, 6)].astype(float) for layer in (first, first + 1))
    wanted = (here + share * (there - here)).astype(np.float32)
    found = np.array(explorer.page.evaluate(PLACES), dtype=np.float32).T
    if share == 0:
        np.testing.assert_array_equal(found, wanted)
    else:  # each class moves as a whole
        for label in range(10):
            members = explorer.run.labels == label
            there_now, there_wanted = found[members], wanted[members]
            turned = [spread(each[members]) for each in (here, there)]
            assert spread(there_now) > 0.55 * min(turned)
            mirrored = is_mirrored(here[members], there[members])
            if not mirrored:
                np.testing.assert_allclose(there_now.mean(axis=0), there_wanted.mean(axis=0), rtol=1e-4, atol=1e-3)


def spread(points):
    """Return how far a cluster reaches: the root of its mean squared distance to its middle."""
    return np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())


def is_mirrored(here, there):
    """Return whether a mirror image of a cluster, turned at best, lies nearer to its end than the cluster itself."""
    covariance = (here - here.mean(axis=0)).T @ (there - there.mean(axis=0))
    return np.linalg.det(covariance) < 0


def heading(explorer):
    return explorer.page.inner_text("#large-0 .layer")


def test_at_each_layer_the_points_are_those_of_its_map(explorer):
    for layer in range(7):
        explorer.set_slider(layer)
        assert_large_map(explorer, layer)
        assert heading(explorer) == LAYERS[layer]
        assert explorer.page.text_content("#doubt-layer") == LAYERS[layer]
        told = explorer.page.evaluate("strata.visibleIds().map((id) => strata.placeOf(id, 0, null))")
        np.testing.assert_allclose(told, explorer.in_window(0, None, shown=layer), atol=1.5)


def test_between_two_layers_each_class_is_between_its_two_places_and_keeps_its_size(explorer):
    for depth in (0.5, 2.5, 5.5, 3.25):
        explorer.set_slider(depth)
        assert_large_map(explorer, depth)
        assert heading(explorer) == f"{LAYERS[int(depth)]} → {LAYERS[int(depth) + 1]}"


def test_within_a_hair_of_a_layer_the_slider_rests_on_it(explorer):
    explorer.set_slider(2.03)
    assert_large_map(explorer, 2)
    assert explorer.page.input_value("#depth") == "2"


def test_dragging_the_slider_with_the_mouse_moves_the_points(explorer):
    box = explorer.page.locator("#depth").bounding_box()
    x, y = box["x"], box["y"] + box["height"] / 2
    explorer.drag([(x + 8, y), (x + box["width"] / 3, y), (x + 0.42 * box["width"], y)])
    depth = float(explorer.page.input_value("#depth"))
    assert 2 < depth < 3
    assert_large_map(explorer, depth)


def test_arrow_keys_go_from_layer_to_layer_and_stop_at_the_ends(explorer):
    explorer.set_slider(1.4)
    explorer.page.focus("#depth")
    pressed = ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", *["ArrowLeft"] * 2, *["ArrowRight"] * 7]
    depths = [2, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6, 6]
    for key, depth in zip(pressed, depths, strict=True):
        explorer.page.keyboard.press(key)
        assert_large_map(explorer, depth)
        assert explorer.page.input_value("#depth") == str(depth)
    explorer.page.keyboard.press("Home")
    assert_large_map(explorer, 0)
    explorer.page.keyboard.press("End")
    assert_large_map(explorer, 6)


def test_selection_and_overlay_go_with_the_points(explorer):
    explorer.select(explorer.ids[5:25])
    explorer.set_slider(3.5)
    middle = np.array(explorer.page.evaluate(PLACES)).T
    told = np.array(explorer.page.evaluate("strata.visibleIds().map((id) => strata.placeOf(id, 0, null))"))
    scale = np.polyfit(middle[:, 0], told[:, 0], 1)
    np.testing.assert_allclose(np.polyval(scale, middle[:, 0]), told[:, 0], atol=0.1)
    assert explorer.selected() == explorer.ids[5:25]


def test_play_moves_through_the_layers_and_ends_at_the_last(explorer):
    explorer.set_slider(5)
    seen = explorer.page.evaluate(PLAY)
    depths = [depth for depth, _, _ in seen]
    assert depths == sorted(depths) and depths[-1] == 6
    assert len({depth for depth in depths if 5 < depth < 6}) > 3
    assert_large_map(explorer, 6)
    assert explorer.page.get_attribute("#play", "aria-pressed") == "false"


def test_play_from_the_end_starts_anew_and_pause_and_slider_stop_it(explorer):
    explorer.set_slider(6)
    explorer.page.click("#play")
    wait_for(explorer.page, "document.getElementById('depth').value > 0.1")
    assert float(explorer.page.input_value("#depth")) < 3
    assert "pause" in explorer.page.inner_text("#play")
    explorer.page.click("#play")
    stopped = float(explorer.page.input_value("#depth"))
    for _ in range(5):
        explorer.settle()
    assert float(explorer.page.input_value("#depth")) == stopped
    explorer.page.click("#play")
    explorer.set_slider(4)
    explorer.settle()
    assert explorer.page.get_attribute("#play", "aria-pressed") == "false"
    assert_large_map(explorer, 4)


def test_with_reduced_motion_play_shows_whole_layers_only(explorer):
    explorer.emulate(reduced_motion="reduce")
    explorer.set_slider(4.9)
    seen = explorer.page.evaluate(PLAY)[1:]
    assert {depth for depth, _, _ in seen} <= {4, 4.9, 5, 6}
    started = [(x, y) for depth, x, y in seen if depth != 4.9]
    layers = {tuple(map(float, explorer.run.places[layer][0])) for layer in (4, 5, 6)}
    assert set(started) <= layers
    assert_large_map(explorer, 6)
