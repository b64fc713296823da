"""A network as plain steps: which networks are, and why others are not. tests/report/page/test_try_it.py runs them."""

import pytest
import torch
from torch import nn

from networks.exercise_net import Net
from networks.lenet import TanhLeNet
from networks.mlp import Mlp
from networks.mnist_cnn import MnistCnn
from strata.artifacts.provenance import Provenance
from strata.artifacts.shipped import read_shipped, write_shipped
from strata.core.errors import StrataError
from strata.core.layers import Layer, as_layers
from strata.network.shipping import shipped_network

ORIGIN = Provenance("test", "a" * 64, "b" * 64)


def shipped(network, **layers):
    return shipped_network(network.eval(), as_layers({"input": "input", **layers}), 0.1, 0.3)


def test_the_default_network_is_a_chain_of_steps_with_its_layers():
    found = shipped(MnistCnn(image_shape=(1, 28, 28), classes=10), h1="relu1", h6="output")
    assert [step.kind for step in found.steps] == [
        *("same", "conv", "relu", "largest", "conv", "relu", "largest", "flatten", "linear", "relu", "linear"),
        "log-softmax",
    ]
    assert found.layers == {"input": -1, "h1": 2, "h6": 11} and found.reason is None
    assert sum(values.size for step in found.steps for values in step.tensors.values()) == 431_080


def test_steps_between_modules_are_named_as_layers_are():
    found = shipped(Net(), h1="relu", h4="max_pool2d_1", h6="log_softmax")
    assert found.layers == {"input": -1, "h1": 1, "h4": 5, "h6": 10}


@pytest.mark.parametrize(
    "network", [TanhLeNet(image_shape=(1, 28, 28), classes=10), Mlp(image_shape=(1, 28, 28), classes=10, hidden=[9, 8])]
)
def test_other_plain_networks_are_shipped(network):
    assert shipped(network).reason is None


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x)


class Asks(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Branches(), "it branches, or its steps do not follow one another"),
        (Asks(), "its steps depend on the image"),
        (nn.Sequential(nn.GELU()), "the page does not know GELU"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2)),
            "a convolution has groups, dilation, or padding that is not zeros",
        ),
        (nn.Sequential(nn.MaxPool2d(3, padding=1)), "a pooling pads, dilates or rounds up"),
        (nn.Sequential(nn.Flatten(), nn.Softmax(dim=0)), "a softmax is not over the classes"),
        (nn.Sequential(nn.Linear(2000, 1600)), "it has 3,201,600 weights, and 3,000,000 fit into the page"),
    ],
)
def test_what_the_page_cannot_run_has_a_reason(network, reason):
    found = shipped(network)
    assert found.reason == reason and not found.steps


def test_a_part_of_a_layer_is_not_shown():
    network = MnistCnn(image_shape=(1, 28, 28), classes=10).eval()
    layers = {"h1": Layer(module="relu1", pool="mean"), "h6": Layer(module="output")}
    assert shipped_network(network, layers, 0.1, 0.3).layers == {"h6": 11}


def test_the_file_keeps_every_bit(tmp_path):
    network, path = shipped(MnistCnn(image_shape=(1, 16, 16), classes=4), h1="relu1"), tmp_path / "network.safetensors"
    write_shipped(path, network, ORIGIN)
    first = path.read_bytes()
    found, origin = read_shipped(path)
    assert origin == ORIGIN
    assert (found.layers, found.mean, found.std, found.reason) == (network.layers, 0.1, 0.3, None)
    for step, kept in zip(network.steps, found.steps, strict=True):
        assert (step.name, step.kind, dict(step.settings)) == (kept.name, kept.kind, dict(kept.settings))
        assert {name: each.tobytes() for name, each in step.tensors.items()} == {
            name: each.tobytes() for name, each in kept.tensors.items()
        }
    write_shipped(path, network, ORIGIN)
    assert path.read_bytes() == first
    for damaged in (first[:-3], b"", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(StrataError, match=r"network\.safetensors is damaged; run `dvc repro -f extract`"):
            read_shipped(path)
    path.unlink()
    with pytest.raises(StrataError, match="is missing; run `dvc repro`"):
        read_shipped(path)


def test_a_reason_is_kept(tmp_path):
    path = tmp_path / "network.safetensors"
    write_shipped(path, shipped(Asks()), ORIGIN)
    assert read_shipped(path)[0].reason == "its steps depend on the image"


def test_batch_norm_is_a_factor_and_a_shift():
    norm = nn.BatchNorm2d(3)
    torch.manual_seed(0)
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    (step,) = shipped(nn.Sequential(norm)).steps
    inputs = torch.randn(2, 3, 4, 4)
    factor, shift = (torch.from_numpy(step.tensors[name])[:, None, None] for name in ("weight", "bias"))
    torch.testing.assert_close(inputs * factor + shift, norm.eval()(inputs), rtol=0, atol=1e-6)
