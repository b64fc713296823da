"""Networks that params.yaml names, through all stages on 180 digits; and the exercise's own weights, untrained."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from networks.vit import vit
from strata.artifacts.activations import read_activations, read_info
from strata.artifacts.maps import read_map
from strata.artifacts.samples import read_samples
from strata.dataset.description import (
    IMAGE_FILES,
    LABEL_FILES,
    describe,
    load_images,
    read_description,
    write_description,
)
from strata.dataset.idx import write_idx
from strata.jobs import pool
from strata.network.checkpoint import save_checkpoint
from strata.network.preprocessing import normalized
from strata.report import whole_report
from strata.report.page.figure_list import FIGURES
from strata.sources.catalogue import CATALOGUE
from strata.sources.mnist_5k import packaged_digits
from tests.exercise_net import Net
from tests.jobs.pool_jobs import PoolHere
from tests.stages.test_report import payload_of, run_report
from tests.tiny_pipeline import run_embed, run_extract, run_measure, run_train

TRAINING, TEST = 120, 60
EXPLORED = {row.name for row in FIGURES if row.explored}
PROBES = {"samples": 40, "half_samples": 2, "stability_perplexities": [3]}
TRAINED = {"epochs": 2, "batch_size": 30, "lr": 0.05}
FUNCTIONS = {
    "input": "input",
    "h1": "relu",
    "h4": "max_pool2d_1",
    "h6": "log_softmax",
}


def sketch(_work, jobs, _title):
    """Draw what stands on the page as pictures, here, small and without a layout: to arrange and save takes seconds."""
    for name, draw, folder, *_ in jobs:
        if name not in EXPLORED and not name.startswith("map_"):
            figure = draw()
            figure.set_layout_engine("none")
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(folder / f"{name}.png", dpi=10)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    monkeypatch.setattr(pool, "Pool", PoolHere)
    monkeypatch.setattr(whole_report, "run_jobs", sketch)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder as the download stage leaves it, with 180 digits; left as it is."""
    folder = tmp_path_factory.mktemp("digits")
    images, labels = packaged_digits()
    order = np.random.default_rng(0).permutation(len(labels))
    for split, rows in (("train", order[:TRAINING]), ("test", order[TRAINING : TRAINING + TEST])):
        write_idx(folder / IMAGE_FILES[split], images[rows])
        write_idx(folder / LABEL_FILES[split], labels[rows])
    write_description(folder, describe(folder, CATALOGUE["mnist-5k"]))
    return folder


def run_all(params, data, out):
    """Run the stages that need a network and those after them; return the page's data of the run."""
    run_train(params, data, out)
    run_extract(params, data, out)
    run_embed(params, out)
    run_measure(params, out, data)
    run_report(params, data, out)
    (run,) = payload_of((out / "reports/index.html").read_text(encoding="utf-8"))["runs"]
    return run


def shapes(out, layers):
    return {layer: read_activations(out / f"activations/{layer}.parquet").info.shape for layer in layers}


def check_run(out, run, layers):
    """Every layer has its map, its measures and its place on the page; extraction sees the network that was trained."""
    assert list(run["layers"]) == list(layers)
    for layer in layers:
        assert len(read_map(out / f"embeddings/{layer}.parquet").points) == TEST
    table = pd.read_csv(out / "reports/measures.csv")
    for control in ("none", "untrained"):
        probes = table[(table["measure"] == "probe_accuracy") & (table["control"] == control)]
        assert probes["layer"].tolist() == list(layers)
    samples, _ = read_samples(out / "activations/samples.parquet")
    trained = pd.read_csv(out / "reports/predictions.csv")["predicted"]
    assert samples.predicted.tolist() == trained.tolist()
    accuracy = json.loads((out / "reports/training.json").read_text())["test_accuracy"]
    assert accuracy == pytest.approx((samples.predicted == samples.label).mean(), abs=1e-6)
    assert (samples.log_probability <= 0).all()


def test_resnet18(tmp_path, write_params, digits):
    layers = ["input", "maxpool", "layer2.0", "layer4", "fc"]
    network = {"target": "networks.resnet:resnet18_for", "arguments": {}, "outputs": "logits"}
    params = write_params(network=network, layers=layers, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), layers)
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "The first 100 of 128 channels" in page
    assert "What the channels of layer4 respond to" not in page  # of one pixel each
    assert shapes(tmp_path, layers) == {
        "input": (1, 28, 28),
        "maxpool": (64, 7, 7),
        "layer2.0": (128, 4, 4),
        "layer4": (512, 1, 1),
        "fc": (10,),
    }


def test_the_multilayer_perceptron_with_other_widths(tmp_path, write_params, digits):
    layers = ["input", "relu1", "relu2", "relu3", "fc4"]
    network = {"target": "networks.mlp:Mlp", "arguments": {"hidden": [40, 30, 20]}, "outputs": "logits"}
    params = write_params(network=network, layers=layers, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), layers)
    found = shapes(tmp_path, layers)
    assert found == {"input": (1, 28, 28), "relu1": (40,), "relu2": (30,), "relu3": (20,), "fc4": (10,)}


def test_the_lenet_with_tanh(tmp_path, write_params, digits):
    layers = ["input", "tanh2", "pool2", "tanh4", "fc3"]
    network = {"target": "networks.lenet:TanhLeNet", "arguments": {}, "outputs": "logits"}
    params = write_params(network=network, layers=layers, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), layers)
    assert shapes(tmp_path, ["tanh2", "tanh4", "fc3"]) == {"tanh2": (16, 10, 10), "tanh4": (84,), "fc3": (10,)}
    assert read_activations(tmp_path / "activations/tanh4.parquet").values.min() < -0.1


def test_a_vision_transformer_by_its_class_token_mean_and_projection(tmp_path, write_params, digits):
    block = "encoder.layers.encoder_layer_1"
    layers = {
        "input": "input",
        "maps": {"module": "conv_proj", "pool": "2x2"},
        "cls": {"module": block, "take": "cls"},
        "mean": {"module": block, "take": "mean"},
        "projected": {"module": block, "project": 50},
        "heads": "heads",
    }
    arguments = {"width": 16, "depth": 2, "heads": 2}
    network = {"target": "networks.vit:vit", "arguments": arguments, "outputs": "logits"}
    params = write_params(network=network, layers=layers, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), layers)
    expected = {"maps": (16, 2, 2), "cls": (16,), "mean": (16,), "projected": (50,), "heads": (10,)}
    assert shapes(tmp_path, layers) == {"input": (1, 28, 28), **expected}
    taken = {layer: read_info(tmp_path / f"activations/{layer}.parquet").taken for layer in layers}
    assert taken["cls"] == f"{block}, take cls" and taken["projected"] == f"{block}, projected to 50"
    assert taken["input"] == taken["heads"] == ""
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert f"{block}, take cls" in page


def test_an_lstm_by_its_mean_output_and_its_last_state(tmp_path, write_params, digits):
    layers = {
        "input": "input",
        "rows": {"module": "lstm", "part": 0, "take": "mean"},
        "state": {"module": "lstm", "part": "1.0", "take": "last"},
        "head": "head",
    }
    network = {"target": "networks.lstm:Lstm", "arguments": {"width": 12}, "outputs": "logits"}
    params = write_params(network=network, layers=layers, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), layers)
    assert shapes(tmp_path, layers) == {"input": (1, 28, 28), "rows": (12,), "state": (12,), "head": (10,)}


def test_the_exercises_functional_class(tmp_path, write_params, digits):
    network = {"target": "networks.exercise_net:Net", "arguments": {}}
    params = write_params(network=network, layers=FUNCTIONS, train=TRAINED, measure=PROBES)
    check_run(tmp_path, run_all(params, digits, tmp_path), FUNCTIONS)
    net = Net()
    net.load_state_dict(torch.load(tmp_path / "model/mnist_cnn.pt", weights_only=True))
    check_layers(tmp_path, net, digits, ["h1", "h4", "h6"])
    lines = (tmp_path / "reports/network.txt").read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("step between the modules") + 2 :][:7] == [
        *("relu", "max_pool2d", "relu_1", "max_pool2d_1", "view", "relu_2", "log_softmax")
    ]


def check_layers(out, net, digits, layers):
    """The files' activations are those that the exercise's class computes."""
    description = read_description(digits)
    images = normalized(load_images(digits, "test").images, description.mean, description.std)
    with torch.no_grad():
        expected = net.eval().activations(images)
    for layer in layers:
        found = read_activations(out / f"activations/{layer}.parquet").values
        assert np.abs(found - expected[layer].flatten(1).numpy()).max() <= 1e-6, layer


def test_a_checkpoint_of_the_exercises_own_class_goes_through_all_stages_untrained(tmp_path, write_params, digits):
    torch.manual_seed(3)
    net = Net()
    torch.save(net.state_dict(), tmp_path / "mnist_cnn.pt")
    as_it_is = {"epochs": 0, "init_from": str(tmp_path / "mnist_cnn.pt"), "checkpoints": [0]}
    network = {"target": "networks.mnist_cnn:MnistCnn", "arguments": {}}
    run = run_all(write_params(network=network, train=as_it_is, measure=PROBES), digits, tmp_path)

    check_layers(tmp_path, net, digits, ["h1", "h2", "h3", "h4", "h5", "h6"])
    for name in ("mnist_cnn.pt", "checkpoints/0.pt"):
        state = torch.load(tmp_path / "model" / name, weights_only=True)
        assert all(torch.equal(state[key], tensor) for key, tensor in net.state_dict().items())

    # The page has no learning curve, and the test of the network as it was.
    metrics = json.loads((tmp_path / "reports/training.json").read_text())
    assert list(metrics) == ["test_loss", "test_accuracy", "parameters"]
    assert run["facts"]["Test accuracy"] == f"{metrics['test_accuracy']:.2%}"
    assert run["batches"] == {"epoch": [], "images_seen": [], "train_loss": [], "train_accuracy": []}
    assert (run["epochs"]["epoch"], run["epochs"]["train_loss"]) == ([0], [None])
    told = (tmp_path / "reports/network.txt").read_text(encoding="utf-8").splitlines()
    assert told[-1].startswith("initial weights: SHA-256 ")
    page = (tmp_path / "reports/index.html").read_text(encoding="utf-8")
    assert "There is no learning curve, because nothing was trained." in page


def test_layers_are_no_parameter_of_training(tmp_path, write_params, digits):
    """So other layers do not cause training again: the stage writes the same bytes whatever they are."""
    network = {"target": "networks.mlp:Mlp", "arguments": {"hidden": [4]}, "outputs": "logits"}
    for name, layers in (("one", ["relu1"]), ("another", ["there is none"])):
        run_train(write_params(network=network, layers=layers), digits, tmp_path / name)
    one, another = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("one", "another")
    )
    assert one == another and "mnist_cnn.pt" in one


SEEDED = """import torch
from networks.mlp import Mlp


class Seeded(Mlp):
    def __init__(self, image_shape, classes):
        torch.manual_seed(5)
        super().__init__(image_shape=image_shape, classes=classes, hidden=[20])

    def forward(self, images):
        return super().forward(images).softmax(dim=1)
"""


def test_the_untrained_control_of_a_network_that_ignores_the_seed_is_another_network(
    tmp_path, write_params, digits, monkeypatch
):
    """And it ends in a softmax, trained or not; here it is not trained, so that a twin by its constructor is itself."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_seeded.py").write_text(SEEDED, encoding="utf-8")
    network = {"target": "own_seeded:Seeded", "arguments": {}, "outputs": "probabilities"}
    as_it_is = {**TRAINED, "epochs": 0}
    layers = ["input", "relu1", "fc2"]
    run_all(write_params(network=network, layers=layers, train=as_it_is, measure=PROBES), digits, tmp_path)
    table = pd.read_csv(tmp_path / "reports/measures.csv", keep_default_na=False, na_values=[""])
    hit = table[table["measure"] == "neighbourhood_hit"].set_index(["control", "layer"])["value"]
    assert hit["none", "input"] == hit["untrained", "input"]
    assert all(hit["none", layer] != hit["untrained", layer] for layer in layers[1:])


def test_a_saved_network_of_another_class_starts_one_with_the_same_names(tmp_path, write_params, digits):
    """Own weights in, frozen but for the last layer: what transfer learning does."""
    torch.manual_seed(3)
    net = Net()
    save_checkpoint(net, tmp_path / "start.pt")
    frozen = {"init_from": str(tmp_path / "start.pt"), "freeze": ["conv1", "conv2", "fc1"], **TRAINED}
    params = write_params(network={"target": "networks.mnist_cnn:MnistCnn", "arguments": {}}, train=frozen)
    run_train(params, digits, tmp_path)
    after = torch.load(tmp_path / "model/mnist_cnn.pt", weights_only=True)
    same = {key: torch.equal(after[key], tensor) for key, tensor in net.state_dict().items()}
    assert same == {key: not key.startswith("fc2") for key in after}


@pytest.mark.parametrize(
    ("shape", "patch", "line"),
    [
        ((3, 48, 48), 7, "patch 7 does not divide 48 pixels, as 4 does: set patch"),
        ((1, 13, 13), 4, "patch 4 does not divide 13 pixels, as 1 does: set patch"),
        ((3, 48, 32), 8, "images are 48 x 32, not square: set dataset.image_side"),
    ],
)
def test_a_vision_transformer_says_what_patches_fit(shape, patch, line):
    with pytest.raises(ValueError, match=re.escape(line)):
        vit(shape, 10, patch=patch)
