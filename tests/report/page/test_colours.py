"""Colours by what the reader chose: in the large map, in the overlays of all maps, and in the key."""

import math

import numpy as np
import pytest

from tests.report.page.synthetic import CLASSES, COLOURS, GREY, LAYERS, RIGHT, SCALE, WRONG


def on_scale(value, high=1):
    return GREY if math.isnan(value) else SCALE[math.floor(value / high * 63 + 0.5)]


def commit_colour(commit):
    return GREY if commit is None else WRONG if commit > 6 else on_scale(commit, 6)


def wanted_colours(run, choice, layer):
    if choice == "label":
        return [COLOURS[label] for label in run.labels]
    if choice == "predicted":
        return [COLOURS[label] for label in run.predicted]
    if choice == "correct":
        return [RIGHT if right else WRONG for right in run.labels == run.predicted]
    if choice == "commit":
        return [commit_colour(commit) for commit in run.commit]
    if choice == "confidence":
        return [on_scale(float(value)) for value in run.confidence]
    if choice == "trust":
        return [on_scale(1 - value) for value in run.fields["false_neighbours"][layer]]
    return [on_scale(value) for value in run.fields[choice][layer]]


KEYS = {
    "label": CLASSES,
    "predicted": CLASSES,
    "correct": ["right", "wrong"],
    "commit": [*LAYERS, "after h6", "not measured", "A sample commits at the first layer from which on"],
    "confidence": ["0%", "100%", "confidence in the prediction"],
    "trust": ["none", "all", "of its 6 nearest on this map are among its 12 nearest in the layer"],
    "stability": [
        "0%",
        "100%",
        "agreement of 3 random starts of Made-up on 88 of the points, at perplexity 9, not of this map",
    ],
    "drift": ["keeps all neighbours", "changes all", "towards the next layer"],
}


@pytest.mark.parametrize("choice", KEYS)
def test_each_choice_colours_the_samples_and_has_its_key(explorer, choice):
    explorer.page.select_option("#colour", choice)
    for layer in (3, 6):
        explorer.set_slider(layer)
        found = explorer.page.evaluate("Array.from(strata.largeMap(0).colour)")
        assert found == wanted_colours(explorer.run, choice, layer)
    key = explorer.page.text_content("#classes" if choice in ("label", "predicted") else "#key")
    places = [key.find(text) for text in KEYS[choice]]
    assert -1 not in places and places == sorted(places)
    swatches = explorer.page.eval_on_selector_all(
        "#classes .swatch", "(all) => all.map((each) => each.style.background)"
    )
    if choice in ("label", "predicted"):
        assert swatches == [f"rgb{tuple(bytes.fromhex(colour[1:]))}" for colour in COLOURS]


@pytest.mark.parametrize("layer", [None, 0, 5])
def test_the_maps_are_drawn_anew_in_the_colours_chosen(explorer, layer):
    for choice in ("trust", "commit"):
        explorer.page.select_option("#colour", choice)
        explorer.settle()
        explorer.assert_drawn(layer, wanted_colours(explorer.run, choice, layer or 0))


@pytest.mark.parametrize("choice", ["trust", "drift", "commit"])
def test_the_selection_has_each_maps_own_colours(explorer, choice):
    chosen = explorer.ids[40:80]
    explorer.select(chosen)
    explorer.page.select_option("#colour", choice)
    explorer.settle()
    for run, layer in explorer.maps:
        colours = wanted_colours(explorer.run, choice, layer or 0)[40:80]
        found, apart = (
            explorer.overlay_at(run, layer, explorer.inside_map(run, layer)),
            explorer.apart(run, layer)[40:80],
        )
        pure = np.array([list(bytes.fromhex(colour[1:])) for colour in colours])
        np.testing.assert_array_equal(found[40:80][apart][:, :3], pure[apart])


def test_colours_stay_when_samples_are_hidden_and_shown_again(explorer):
    explorer.page.select_option("#colour", "trust")
    explorer.page.uncheck("#classes input[value='0']")
    explorer.page.check("#classes input[value='0']")
    explorer.set_slider(5)
    found = explorer.page.evaluate("Array.from(strata.largeMap(0).colour)")
    assert found == wanted_colours(explorer.run, "trust", 5)
