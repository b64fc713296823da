"""Try it: the network in the page computes what PyTorch does, in every layer, for samples and for drawings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from networks.exercise_net import Net
from networks.lenet import TanhLeNet
from networks.mnist_cnn import MnistCnn
from strata.artifacts.shipped import ShippedNetwork
from strata.core.layers import as_layers
from strata.network.shipping import shipped_network
from tests.report.page.conftest import checked, opened
from tests.report.page.reader import wait_for
from tests.report.page.synthetic import SIDE, write_page

MEAN, STD = 0.5, 0.3
PROBABILITIES = nn.Sequential(
    nn.Conv2d(1, 4, (3, 2), stride=(2, 1), padding=(1, 0)),
    nn.BatchNorm2d(4),
    nn.Sigmoid(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(4 * 4 * 7, 10),
    nn.LogSoftmax(dim=1),
)
NETWORKS = {
    "the default": (
        MnistCnn(image_shape=(1, SIDE, SIDE), classes=10),
        {"input": "input", "h1": "relu1", "h2": "pool1", "h3": "relu2", "h4": "pool2", "h5": "relu3", "h6": "output"},
    ),
    "LeNet": (TanhLeNet(image_shape=(1, SIDE, SIDE), classes=10), {"input": "input"}),
    "stride, padding, batch norm": (PROBABILITIES, {"input": "input", "h1": "1", "h2": "3", "h3": "6"}),
}


def with_network(run, network, layers):
    """Return a made-up run whose predictions are those of a network, which its page has."""
    inputs = torch.from_numpy(run.inputs.images[:, None].astype(np.float32) / 255).sub(MEAN).div(STD)
    with torch.inference_mode():
        said = network.eval()(inputs).exp().numpy()
    samples = replace(
        run.inputs.samples,
        predicted=said.argmax(axis=1).astype(np.int16),
        confidence=said.max(axis=1).astype(np.float32),
    )
    shipped = shipped_network(network, as_layers(layers), MEAN, STD)
    assert shipped.reason is None
    return replace(run, inputs=replace(run.inputs, samples=samples, network=shipped))


def outputs_of(network, layers, pixels):
    """Return PyTorch's results for an image: each layer's values, and the probabilities."""
    seen = {}
    modules = dict(network.named_modules())
    handles = [
        modules[path].register_forward_hook(lambda _module, _inputs, output, path=path: seen.update({path: output}))
        for path in layers.values()
        if path in modules
    ]
    inputs = torch.from_numpy(pixels.astype(np.float32) / 255).sub(MEAN).div(STD)[None, None]
    with torch.inference_mode():
        output = network.eval()(inputs)
    for handle in handles:
        handle.remove()
    seen["input"] = inputs
    return {layer: seen[path][0].numpy().ravel() for layer, path in layers.items()}, output[0].exp().numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_that_of_pytorch(name, browser, runs, tmp_path):
    torch.manual_seed(1)
    network, layers = NETWORKS[name]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    run = with_network(runs[0], network, layers)
    images = [
        *np.random.default_rng(2).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8),
        np.zeros((SIDE, SIDE), np.uint8),
    ]
    with opened(browser, write_page(tmp_path / "index.html", {"this run": run}), [run], "light") as explorer:
        for page in checked(explorer):
            for pixels in images:
                expected, probabilities = outputs_of(network, layers, pixels)
                said = page.page.evaluate(
                    """async (pixels) => {
                      const { layers, probabilities } = await strata.network(pixels);
                      const values = layers.map((each) => each && Array.from(each.values));
                      return { layers: values, probabilities: Array.from(probabilities) };
                    }""",
                    pixels.ravel().tolist(),
                )
                np.testing.assert_allclose(said["probabilities"], probabilities, rtol=0, atol=1e-4)
                found = dict(zip(run.inputs.maps, said["layers"], strict=True))
                assert {layer for layer, values in found.items() if values is not None} == set(layers)
                for layer, values in expected.items():
                    scale = max(1.0, float(np.abs(values).max()))
                    np.testing.assert_allclose(found[layer], values, rtol=0, atol=1e-4 * scale)


def nearest(network, layers, images, rows, drawn, layer):
    """Return the five rows whose images are nearest to an image in a layer, the nearest first."""
    own = outputs_of(network, layers, drawn)[0][layer]
    gaps = [np.linalg.norm(outputs_of(network, layers, images[row])[0][layer] - own) for row in rows]
    return [int(each) for each in np.argsort(gaps, kind="stable")[:5]]


@pytest.fixture(scope="module")
def trying(browser, runs, tmp_path_factory):
    torch.manual_seed(1)
    network, layers = NETWORKS["the default"]
    run = with_network(runs[0], network, layers)
    path = write_page(tmp_path_factory.mktemp("try") / "index.html", {"this run": run})
    with opened(browser, path, [run], "light") as explorer:
        for page in checked(explorer):
            page.page.click("#load-network")
            page.page.wait_for_selector("#pad", timeout=30_000)
            yield page


def test_a_sample_lands_on_itself(trying, runs):
    network, layers = NETWORKS["the default"]
    run, page = runs[0], trying.page
    images, row = run.inputs.images[run.rows], 7
    page.evaluate("(id) => strata.select([id])", int(run.ids[row]))
    page.click("#pad-take")
    trying.settle()
    for layer in ("input", "h3", "h6"):
        near = page.eval_on_selector_all(
            f"#try .layer[data-layer={layer}] .near .thumb", "thumbs => thumbs.map(each => Number(each.dataset.row))"
        )
        expected = nearest(network, layers, images, range(len(images)), images[row], layer)
        assert near[0] == row and set(near) == set(expected)
    told = page.eval_on_selector_all("#try-classes > div", "lines => lines.map(each => each.lastChild.textContent)")
    said = outputs_of(network, layers, images[row])[1]
    assert [abs(float(text.rstrip("%")) / 100 - share) < 0.006 for text, share in zip(told, said, strict=True)] == [
        True
    ] * 10


def test_a_stroke_changes_the_drawing_and_clear_removes_it(trying):
    page = trying.page
    page.click("#pad-clear")
    ink = """() => {
      const pad = document.getElementById("pad"), copy = new OffscreenCanvas(pad.width, pad.height);
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(pad, 0, 0);
      const { data } = context.getImageData(0, 0, pad.width, pad.height);
      return data.filter((value, i) => i % 4 === 0 && value > 99).length;
    }"""
    trying.settle()
    assert page.evaluate(ink) == 0
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 200, steps=5)
    page.mouse.up()
    trying.settle()
    drawn = page.evaluate(ink)
    assert drawn > 100
    page.click("#pad-centre")
    trying.settle()
    assert page.evaluate(ink) > 100
    page.click("#pad-clear")
    trying.settle()
    assert page.evaluate(ink) == 0


def test_a_network_that_says_something_else_is_not_shown(browser, runs, tmp_path):
    """The weights in the page, or the browser, may be wrong: the samples' predictions tell."""
    torch.manual_seed(1)
    network, layers = NETWORKS["the default"]
    run = with_network(runs[0], network, layers)
    wrong = replace(run.inputs.samples, confidence=run.inputs.samples.confidence * np.float32(0.5))
    run = replace(run, inputs=replace(run.inputs, samples=wrong))
    with opened(browser, write_page(tmp_path / "index.html", {"this run": run}), [run], "light") as explorer:
        for page in checked(explorer):
            page.page.click("#load-network")
            page.page.wait_for_selector("#try .warning", timeout=30_000)
            assert "off those of the run, so it is not shown" in page.page.inner_text("#try")
            assert page.page.locator("#pad").count() == 0


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (ShippedNetwork((), {}, 0, 1, "it branches"), "The network is not in this page: it branches."),
        (None, None),
    ],
)
def test_where_it_cannot_be_shipped_a_sentence_says_why(network, said, browser, runs, tmp_path):
    run = replace(runs[0], inputs=replace(runs[0].inputs, network=network))
    with opened(browser, write_page(tmp_path / "index.html", {"this run": run}), [run], "light") as explorer:
        for page in checked(explorer):
            wait_for(page.page, "window.strata.chartsReady")
            assert page.page.locator("#try").is_visible() is (said is not None)
            assert said is None or said in page.page.inner_text("#try")


def test_the_exercise_s_own_class_is_shipped_whole():
    shipped = shipped_network(Net().eval(), as_layers({"h1": "relu"}), MEAN, STD)
    assert shipped.reason is None and len(shipped.steps) == 11
