"""What maps start from: a layer of all maps or their own, and what the description says about it."""

from pathlib import Path

import numpy as np
import pytest

from strata.artifacts.maps import MapMethod
from strata.core.errors import StrataError
from strata.maps.embedder import initial_map
from strata.maps.start import DRAWN, check_choice, common_start, own_start, start_sentence

METHOD = MapMethod("tsne", "t-SNE", "t-SNE with perplexity 5", "t-SNE by sklearn.", (), {"perplexity": "5"})
LINE = np.arange(40.0)[:, None]


def cloud() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def test_a_layer_that_varies_in_two_directions_starts_from_its_components():
    start = own_start(cloud(), 0)
    np.testing.assert_allclose(start.points, initial_map(cloud(), 0), rtol=1e-12)
    assert not start.drawn
    np.testing.assert_array_equal(common_start(cloud(), "input", 0).points, initial_map(cloud(), 0))


@pytest.mark.parametrize("values", [LINE, LINE * [1.0, -1.0], LINE * 1e-9], ids=["one unit", "two units", "small"])
def test_a_layer_that_varies_in_one_direction_gets_a_random_second_axis(values):
    start = own_start(values.astype(np.float32), 0)
    assert start.drawn and start.points.shape == (40, 2)
    along = (LINE[:, 0] - 19.5) / LINE.std() * 1e-4
    np.testing.assert_allclose(start.points[:, 0], along, rtol=1e-4, atol=1e-10)
    assert 0.5e-6 < start.points[:, 1].std() < 2e-6
    np.testing.assert_array_equal(own_start(values.astype(np.float32), 0).points, start.points)
    assert np.abs(own_start(values.astype(np.float32), 1).points[:, 1] - start.points[:, 1]).max() > 1e-7


def test_the_description_says_which_start_was_used():
    common = common_start(cloud(), "h3", 0).described(METHOD)
    assert common.settings == {"perplexity": "5", "initialization_layer": "h3"}
    assert common.start == start_sentence("h3") and common.details == METHOD.details
    drawn = own_start(LINE.astype(np.float32), 0).described(METHOD)
    assert drawn.settings == {"perplexity": "5", "initialization_layer": "own"}
    assert drawn.start == start_sentence("own") and drawn.details == f"t-SNE by sklearn. {DRAWN}"


def test_the_sentence_names_the_start_and_its_cost():
    assert start_sentence("input") == (
        "All maps start from the principal components of layer input, which keeps groups in place from map to map; the"
        " cost is that, in layers far from it, distances between groups on the map follow the layer less closely."
    )
    assert start_sentence("own") == (
        "Each map starts from the principal components of its own layer; the cost is that groups change places, or are"
        " mirrored, more often from one map to the next."
    )


@pytest.mark.parametrize(("choice", "layers"), [("h1", ["h1"]), ("own", ["h1", "Own"]), ("h1", ["own", "h1"])])
def test_a_layer_or_own_is_accepted(choice, layers):
    check_choice(choice, layers, Path("params.yaml"))


@pytest.mark.parametrize(
    ("choice", "layers", "text"),
    [
        ("Own", ["h1", "h2"], "'Own' is not among the layers (h1, h2), nor is it 'own'"),
        ("own", ["h1", "own"], "'own' could mean the layer of that name or each map's own layer: rename the layer"),
    ],
)
def test_any_other_choice_is_one_line(choice, layers, text):
    with pytest.raises(StrataError) as caught:
        check_choice(choice, layers, Path("params.yaml"))
    assert str(caught.value) == f"params.yaml: embed.initialization_layer {text}"
