"""Proposed layers: each block or stage once, in order, of a size that can be stored; and all can be extracted."""

import itertools

import pytest
import torch
import torchvision.models as models
from torch import nn

from networks.lenet import TanhLeNet
from networks.lstm import Lstm
from networks.mlp import Mlp
from networks.mnist_cnn import MnistCnn
from networks.resnet import resnet18_for
from networks.vit import vit
from strata import layer_outputs
from strata.commands import layers as command
from strata.core.errors import StrataError
from strata.core.layers import Layer, Layers
from strata.core.params import load_section
from strata.network.input_form import TokenShape
from strata.network.proposal import MOST_LAYERS, as_section, proposal, proposed_layers

GREY, COLOUR = (1, 28, 28), (3, 64, 64)


def modules(network, shape):
    return {name: str(layer) for name, (layer, _) in proposal(network, shape).items()}


def test_the_names_of_the_class_are_the_proposal():
    found = proposal(MnistCnn(image_shape=GREY, classes=10), GREY)
    assert list(found) == ["input", "h1", "h2", "h3", "h4", "h5", "h6"]
    assert found["h3"] == (Layer(module="h3"), (50, 8, 8))


def test_a_layer_is_taken_after_its_activation():
    assert list(modules(Mlp(image_shape=GREY, classes=10), GREY)) == ["input", "relu1", "relu2", "fc3"]
    expected = ["input", "tanh1", "pool1", "tanh2", "flatten", "tanh3", "tanh4", "fc3"]
    assert list(modules(TanhLeNet(image_shape=GREY, classes=10), GREY)) == expected


def test_a_resnet_by_its_blocks_and_a_deeper_one_by_its_stages():
    blocks = [f"layer{stage}.{block}" for stage, block in itertools.product((1, 2, 3, 4), (0, 1))]
    assert list(modules(resnet18_for(image_shape=COLOUR, classes=5), COLOUR)) == [
        *("input", "relu", "maxpool", *blocks, "avgpool", "fc")
    ]
    stages = ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]
    found = modules(models.resnet50(), COLOUR)
    assert list(found) == ["input", "relu", "maxpool", *stages, "avgpool", "fc"]
    assert (found["relu"], found["layer2.3"]) == ("relu, pool 4x4", "layer2.3")


def test_a_transformer_by_the_class_token_of_its_blocks():
    """The tokens before the first block are left out: the class token is the same for all images there."""
    found = modules(vit(GREY, 10, depth=3), GREY)
    blocks = [f"encoder.layers.encoder_layer_{number}" for number in range(3)]
    assert list(found) == ["input", "conv_proj", *blocks[:2], "encoder.ln", "heads.head"]
    assert all(text.endswith(", take cls") for name, text in found.items() if name.startswith("encoder"))


def test_an_lstm_by_the_mean_of_its_first_output():
    assert modules(Lstm(GREY, 10), GREY) == {"input": "input", "lstm": "lstm, part 0, take mean", "head": "head"}


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (models.vgg11, COLOUR),
        (models.mobilenet_v3_small, COLOUR),
        (models.convnext_tiny, COLOUR),
        (models.swin_t, COLOUR),
        (models.squeezenet1_1, COLOUR),
        (lambda: vit(GREY, 10, depth=20), GREY),
    ],
)
def test_what_is_proposed_can_be_taken_and_is_not_too_much(make, shape):
    torch.manual_seed(0)
    network = make().eval()
    if hasattr(network, "heads"):  # torchvision's transformers start with a head of zeros
        nn.init.normal_(network.heads.head.weight)
    found = proposal(network, shape)
    assert 5 <= len(found) <= MOST_LAYERS + 1
    chosen = {name: layer.model_dump(exclude_none=True) for name, (layer, _) in found.items()}
    taken = layer_outputs(network, torch.randn(2, *shape), chosen)
    assert all(values[0].numel() <= 50_000 for values in taken.values())
    assert not any(torch.equal(values[0], values[1]) for values in taken.values())


def test_maps_with_channels_last_are_not_pooled():
    found = modules(models.swin_t(), (3, 224, 224))
    assert found["features.1.1"] == "features.1.1, projected to 4096"
    assert found["features.0.0"] == "features.0.0, pool 4x4"


def test_a_network_without_modules_is_one_line():
    class Functional(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)

    with pytest.raises(StrataError, match="no module of the network runs once and outputs a tensor"):
        proposal(Functional(), GREY)


def test_the_command_prints_a_section_that_params_yaml_takes(tiny_data, write_params, tmp_path, capsys, monkeypatch):
    network = {"target": "networks.vit:vit", "arguments": {"patch": 4, "depth": 2, "width": 16}, "outputs": "logits"}
    params = write_params(network=network)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw").symlink_to(tiny_data)
    monkeypatch.chdir(tmp_path)
    command.main(["--params", str(params)])
    printed = capsys.readouterr().out
    assert "  encoder.ln: {module: encoder.ln, take: cls}".ljust(60) + "  # 17 x 16" in printed.splitlines()
    pasted = tmp_path / "pasted.yaml"
    pasted.write_text(printed, encoding="utf-8")
    assert list(load_section(pasted, "layers", Layers)) == [
        *("input", "conv_proj", "encoder.layers.encoder_layer_0", "encoder.ln", "heads.head")
    ]


def test_auto_is_a_choice_and_other_words_are_not(write_params):
    assert load_section(write_params(layers="auto"), "layers", Layers) == {}
    with pytest.raises(StrataError, match="layers: should be a list of names, or a map from names to modules, or auto"):
        load_section(write_params(layers="all"), "layers", Layers)
    with pytest.raises(StrataError, match="or auto"):
        load_section(write_params(layers=[]), "layers", Layers)


class Chain(nn.Sequential):
    """Modules with names that no file can have, or all too much alike."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            self.add_module(name, nn.Linear(4, 4))


def test_names_are_those_of_files_and_each_its_own(tmp_path):
    long = "a" * 80
    found = proposed_layers(Chain("a b", "a_b", "A_B", "samples", long), (4,))
    assert list(found) == ["input", "a_b", "a_b_2", "A_B_3", "samples_4", "a" * 64]
    assert [layer.module for layer in found.values()] == ["input", "a b", "a_b", "A_B", "samples", long]
    file = tmp_path / "params.yaml"
    file.write_text(as_section({name: (layer, (4,)) for name, layer in found.items()}), encoding="utf-8")
    assert load_section(file, "layers", Layers) == found


def test_channels_of_signals_are_no_tokens():
    """The mean of 4 channels would be one of unlike things."""
    signals = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14, 3))
    assert modules(signals, (1, 16)) == {"input": "input", "2": "2", "3": "3"}
    deep = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3))
    assert modules(deep, (1, 16))["1"] == "1"


def test_no_class_token_in_texts():
    """17 tokens are one more than a square."""
    network = nn.Sequential(nn.Embedding(9, 6), nn.TransformerEncoderLayer(6, 2, 8, batch_first=True))
    assert modules(network, TokenShape.of(17, 9, masked=False))["1"] == "1, take mean"
