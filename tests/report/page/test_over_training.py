"""Maps over training: the second slider moves the large map from time to time; charts show the measures by epoch."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from strata.artifacts.maps import LayerMap
from tests.report.page.conftest import checked, opened
from tests.report.page.reader import ADDRESS_HAS_THE_VIEW, wait_for
from tests.report.page.synthetic import LAYERS, METHOD, PROVENANCE, make_run, on_page, write_page

TIMES = ["0", "0.5"]


@pytest.fixture(scope="module")
def run():
    found, rng = make_run(0), np.random.default_rng(7)
    ids = found.inputs.samples.sample_id
    earlier = {
        time: {
            layer: LayerMap(layer, ids, rng.normal(0, 40, (len(ids), 2)).astype(np.float32), METHOD, PROVENANCE)
            for layer in LAYERS
        }
        for time in TIMES
    }
    rows = [(float(time), layer, "probe_accuracy", 0.5, 0.4, 0.6) for time in TIMES for layer in LAYERS]
    table = pd.DataFrame(rows, columns=["epochs", "layer", "measure", "value", "low", "high"])
    return replace(found, inputs=replace(found.inputs, earlier=earlier, over_training=table))


@pytest.fixture
def over_training(browser, run, tmp_path):
    path = write_page(tmp_path / "page.html", {"this run": run})
    with opened(browser, path, [run], "light") as explorer:
        yield from checked(explorer)


def large_map(explorer):
    data = explorer.page.evaluate("(({x, y}) => [Array.from(x), Array.from(y)])(strata.largeMap(0))")
    return np.array(data).T


def test_the_second_slider_moves_the_large_map_over_training(over_training, run):
    page = over_training.page
    page.focus("#depth")
    page.keyboard.press("ArrowRight")
    np.testing.assert_allclose(large_map(over_training), run.places[1], rtol=1e-6)
    page.focus("#time")
    page.keyboard.press("ArrowLeft")
    earlier = on_page(run.inputs.earlier["0.5"][LAYERS[1]].points[run.rows])
    np.testing.assert_allclose(large_map(over_training), earlier, rtol=1e-6)
    assert page.inner_text(".large .layer") == f"{LAYERS[1]}, 0.5 epochs"
    page.fill("#time", "1.5")
    np.testing.assert_allclose(large_map(over_training), (earlier + run.places[1]) / 2, rtol=1e-4, atol=1e-4)
    assert page.get_attribute("#time", "aria-valuetext") == "0.5 epochs → trained"
    wait_for(page, ADDRESS_HAS_THE_VIEW)
    assert "time=1.5" in page.url
    other = page.context.new_page()
    other.goto(page.url)
    wait_for(other, "window.strata && strata.ready")
    assert (
        other.input_value("#time") == "1.5"
        and other.inner_text(".large .layer") == f"{LAYERS[1]}, 0.5 epochs → trained"
    )
    other.close()


def test_measures_are_drawn_against_the_epochs(over_training):
    page = over_training.page
    wait_for(page, "strata.chartsReady")
    assert page.locator("#over-training h3").all_inner_texts() == ["Linear probe"]
    assert page.locator("#over-training-key span").all_inner_texts() == list(LAYERS)


def test_without_kept_weights_there_is_one_slider(explorer):
    assert explorer.page.locator("#time").count() == explorer.page.locator("#over-training").count() == 0
