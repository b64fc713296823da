"""What is said of each layer: which of its kind it is, and its shape in words."""

import pytest

from strata.artifacts.activations import LayerInfo
from strata.report.page.layer_notes import layer_notes
from tests.report.page.synthetic import PROVENANCE

SUMMARY = """layer  module   kind        output shape  parameters
-----  -------  ----------  ------------  ----------
input  input    Identity    1 x 28 x 28            0
       conv1    Conv2d      20 x 24 x 24         520
h1     relu1    ReLU        20 x 24 x 24           0
h2     pool1    MaxPool2d   20 x 12 x 12           0
h3     relu2    ReLU        50 x 8 x 8             0
h5     relu3    ReLU        500                    0
h6     output   LogSoftmax  10                     0
       total                                 431,080

key of the state_dict  shape            type
"""


@pytest.mark.parametrize(
    ("layer", "shape", "taken", "text"),
    [
        ("input", (1, 28, 28), "", "the images as the network sees them, 28 × 28"),
        ("h1", (20, 24, 24), "", "first ReLU, 20 maps of 24 × 24"),
        ("h2", (20, 12, 12), "", "max pooling, 20 maps of 12 × 12"),
        ("h3", (50, 8, 8), "", "second ReLU, 50 maps of 8 × 8"),
        ("h5", (500,), "", "third ReLU, 500 units"),
        ("h6", (10,), "", "log-softmax, 10 units"),
        ("x", (1500,), "", "1,500 units"),
        ("h6", (4, 7), "tokens, mean", "tokens, mean, 4 × 7"),
    ],
)
def test_a_layer_is_named_by_its_kind_and_shape(layer, shape, taken, text):
    assert layer_notes({layer: LayerInfo(layer, shape, PROVENANCE, taken)}, SUMMARY) == {layer: text}


def test_rounded_values_are_said_to_be_so():
    info = LayerInfo("h3", (50, 8, 8), PROVENANCE, dtype="float16")
    assert layer_notes({"h3": info}, SUMMARY) == {"h3": "second ReLU, 50 maps of 8 × 8, rounded to float16"}


def test_without_a_summary_only_the_shape_is_said():
    assert layer_notes({"h3": LayerInfo("h3", (50, 8, 8), PROVENANCE)}, "") == {"h3": "50 maps of 8 × 8"}
