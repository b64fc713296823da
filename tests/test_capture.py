"""Capturing module outputs, on a network of two units whose activations are computed by hand."""

import pytest
import torch
from torch import nn

from strata.capture import captured
from strata.errors import StrataError
from strata.layers import modules_of


class TwoUnits(nn.Module):
    """z = (x1 - x2 + 0.5, 2 x1 + x2 - 1), then an in-place ReLU that overwrites z."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.relu = nn.ReLU(inplace=True)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[1.0, -1.0], [2.0, 1.0]]))
            self.linear.bias.copy_(torch.tensor([0.5, -1.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.linear(x))


class Twice(TwoUnits):
    """Runs its ReLU a second time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(super().forward(x))


# By hand: (1 - 2 + 0.5, 2 + 2 - 1) and (3 - 1 + 0.5, 6 + 1 - 1); then (0 - 4 + 0.5, 0 + 4 - 1).
FIRST, SECOND = torch.tensor([[1.0, 2.0], [3.0, 1.0]]), torch.tensor([[0.0, 4.0]])
LAYERS = {"z": "linear", "h": "relu"}


def hooks_left(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


def test_activations_are_those_computed_by_hand():
    network = TwoUnits()
    with captured(network, LAYERS) as outputs:
        network(FIRST)
    assert outputs["h"].tolist() == [[0.0, 3.0], [2.5, 6.0]]


def test_a_copy_survives_the_in_place_operation_after_it():
    network = TwoUnits()
    with captured(network, LAYERS) as outputs:
        network(FIRST)
    assert outputs["z"].tolist() == [[-0.5, 3.0], [2.5, 6.0]]


def test_each_forward_pass_fills_the_dict_anew():
    network = TwoUnits()
    with captured(network, LAYERS) as outputs:
        network(FIRST)
        network(SECOND)
        assert {layer: values.tolist() for layer, values in outputs.items()} == {"z": [[-3.5, 3.0]], "h": [[0.0, 3.0]]}


def test_the_output_of_the_network_is_unchanged_and_keeps_its_gradient():
    network = TwoUnits()
    plain = network(FIRST)
    with captured(network, LAYERS) as outputs:
        observed = network(FIRST)
    assert torch.equal(observed, plain) and observed.requires_grad
    assert not outputs["z"].requires_grad


def test_no_hooks_remain_after_normal_exit():
    network = TwoUnits()
    with captured(network, LAYERS):
        assert hooks_left(network) == 3
        network(FIRST)
    assert hooks_left(network) == 0


def test_no_hooks_remain_after_an_error_in_the_body():
    network = TwoUnits()
    with pytest.raises(ZeroDivisionError), captured(network, LAYERS):
        raise ZeroDivisionError
    assert hooks_left(network) == 0


@pytest.mark.parametrize(
    ("path", "hint"),
    [("liner", "; did you mean linear?"), ("xyz", "; it has linear, relu"), ("", "; it has linear, relu")],
)
def test_an_unknown_module_is_refused_with_a_hint_and_leaves_no_hooks(path, hint):
    network = TwoUnits()
    with pytest.raises(StrataError) as caught, captured(network, {"z": "linear", "q": path}):
        pass
    assert str(caught.value) == f"layer 'q': the network has no module '{path}'{hint}"
    assert hooks_left(network) == 0


def test_a_module_that_runs_twice_is_refused_and_leaves_no_hooks():
    network = Twice()
    with pytest.raises(StrataError) as caught, captured(network, LAYERS):
        network(FIRST)
    assert str(caught.value) == "module 'relu' runs twice in a forward pass: give each layer a module of its own"
    assert hooks_left(network) == 0


def test_modules_of_keeps_the_order_of_the_layers():
    table = {"input": "a", "h1": "b", "h2": "c"}
    assert list(modules_of(["h2", "input"], table).items()) == [("h2", "c"), ("input", "a")]


def test_modules_of_refuses_an_unknown_layer():
    with pytest.raises(StrataError) as caught:
        modules_of(["input", "h7"], {"input": "a", "h1": "b"})
    assert str(caught.value) == "params.yaml: layers: the network has no layer 'h7'; allowed: input, h1"
