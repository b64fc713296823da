"""The text table of the network: its rows for the exercise's network, word for word."""

import pytest
import torch

from networks.mnist_cnn import MnistCnn
from strata.core.layers import as_layers
from strata.network.capture import named_layers
from strata.training.summary import network_summary


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    network = MnistCnn(image_shape=(1, 28, 28), classes=10)
    text = network_summary(network, (1, 28, 28), as_layers(named_layers(network)))
    assert text.endswith("\n")
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    "row",
    [
        "layer module kind output shape parameters",
        "input input Identity 1 x 28 x 28 0",
        "conv1 Conv2d 20 x 24 x 24 520",
        "h1 relu1 ReLU 20 x 24 x 24 0",
        "h2 pool1 MaxPool2d 20 x 12 x 12 0",
        "conv2 Conv2d 50 x 8 x 8 25,050",
        "h4 pool2 MaxPool2d 50 x 4 x 4 0",
        "flatten Flatten 800 0",
        "fc1 Linear 500 400,500",
        "fc2 Linear 10 5,010",
        "h6 output LogSoftmax 10 0",
        "total 431,080",
        "key of the state_dict shape type",
        "conv1.weight 20 x 1 x 5 x 5 float32",
        "fc1.weight 500 x 800 float32",
        "fc2.bias 10 float32",
    ],
)
def test_row(rows, row):
    assert row.split() in rows


def test_modules_come_in_the_order_in_which_they_run(rows):
    names = [row[-1] and row[0] for row in rows if row]
    layers = ["input", *MnistCnn.layer_paths]
    assert [name for name in names if name in layers] == layers


def test_columns_are_aligned():
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    assert network_summary(network, (3,), as_layers({"h1": "1"})) == (
        "layer  module  kind    output shape  parameters\n"
        "-----  ------  ------  ------------  ----------\n"
        "       0       Linear  2                      8\n"
        "h1     1       ReLU    2                      0\n"
        "       total                                  8\n"
        "\n"
        "key of the state_dict  shape  type\n"
        "---------------------  -----  -------\n"
        "0.weight               2 x 3  float32\n"
        "0.bias                 2      float32\n"
    )


def test_a_network_on_another_device_has_the_same_summary():
    # "meta" stands for a GPU: like one, it computes with no tensor that is on the CPU.
    network = MnistCnn(image_shape=(1, 28, 28), classes=10)
    layers = as_layers(named_layers(network))
    here = network_summary(network, (1, 28, 28), layers)
    assert network_summary(network.to("meta"), (1, 28, 28), layers) == here
