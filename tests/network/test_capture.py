"""Capturing the outputs of modules and steps, on networks of two units whose activations are easy to compute."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from strata.core.errors import StrataError
from strata.core.layers import as_layers
from strata.network.capture import captured, steps_between


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


class Spare(TwoUnits):
    """Has a module that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Identity()


class Functional(TwoUnits):
    """Subtracts 1 in place, then z as above, doubled by a function, then ReLU in place, then 1 minus that."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x -= 1.0
        return 1 - F.relu(self.linear(x) * 2, inplace=True)


class Blocks(nn.Module):
    """Two blocks of TwoUnits, each followed by a ReLU of its own as a function."""

    class Block(TwoUnits):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.linear(x) - 1)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = self.Block(), self.Block()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


class Pair(TwoUnits):
    """A module that outputs two tensors, and a step that does."""

    class Halves(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x / 2, x / 2

    def __init__(self) -> None:
        super().__init__()
        self.halves = self.Halves()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.halves(self.linear(x))
        first, second = torch.split(first + second, 1, dim=1)
        return first + second


class DependsOnTheData(TwoUnits):
    """What torch.fx cannot follow."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.linear(x)) if x.sum() > 0 else x


# By hand: (1 - 2 + 0.5, 2 + 2 - 1) and (3 - 1 + 0.5, 6 + 1 - 1); then (0 - 4 + 0.5, 0 + 4 - 1).
FIRST, SECOND = torch.tensor([[1.0, 2.0], [3.0, 1.0]]), torch.tensor([[0.0, 4.0]])
LAYERS = {"z": "linear", "h": "relu"}


def hooks_left(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


def seen(network: nn.Module, layers: dict[str, str], images: torch.Tensor = FIRST) -> dict[str, list]:
    """Return the activations of one pass as lists; check that no hooks stay."""
    with captured(network, as_layers(layers)) as observed:
        _, activations = observed(images.clone())
    assert hooks_left(network) == 0
    return {layer: values.tolist() for layer, values in activations.items()}


def refusal(network: nn.Module, layers: dict[str, str]) -> str:
    """Return the error that observing these layers ends in; check that no hooks stay."""
    with pytest.raises(StrataError) as caught:
        seen(network, layers)
    assert hooks_left(network) == 0
    return str(caught.value)


def test_activations_are_those_computed_by_hand_and_copies_survive_the_in_place_operation():
    assert seen(TwoUnits(), LAYERS) == {"z": [[-0.5, 3.0], [2.5, 6.0]], "h": [[0.0, 3.0], [2.5, 6.0]]}


def test_layers_come_in_their_own_order_under_their_own_names():
    assert list(seen(TwoUnits(), {"h": "relu", "b": "input", "z": "linear", "a": "input"})) == ["h", "b", "z", "a"]


def test_each_forward_pass_is_seen_anew():
    with captured(TwoUnits(), as_layers(LAYERS)) as observed:
        _, first = observed(FIRST)
        _, second = observed(SECOND)
    assert first["z"].tolist() == [[-0.5, 3.0], [2.5, 6.0]]
    assert {layer: values.tolist() for layer, values in second.items()} == {"z": [[-3.5, 3.0]], "h": [[0.0, 3.0]]}


@pytest.mark.parametrize(("network", "layers"), [(TwoUnits(), LAYERS), (Functional(), {"m": "mul"})])
def test_the_output_of_the_network_is_unchanged_and_keeps_its_gradient(network, layers):
    plain = network(FIRST.clone())
    with captured(network, as_layers(layers)) as observed:
        output, activations = observed(FIRST.clone())
    assert torch.equal(output, plain) and output.requires_grad
    assert not any(values.requires_grad for values in activations.values())


def test_hooks_come_off_at_the_end():
    network = TwoUnits()
    with captured(network, as_layers(LAYERS)) as observed:
        assert hooks_left(network) == 2
        observed(FIRST)
    assert hooks_left(network) == 0


def test_hooks_come_off_after_an_error_in_the_body():
    network = TwoUnits()
    with pytest.raises(ZeroDivisionError), captured(network, as_layers(LAYERS)):
        raise ZeroDivisionError
    assert hooks_left(network) == 0


def test_the_input_is_seen_as_it_was_given():
    # The network overwrites its input; (x - 1) gives z = (-0.5, 0) and (2.5, 3).
    layers = {"x": "input", "z": "linear", "double": "mul", "out": "sub_1"}
    assert seen(Functional(), layers) == {
        "x": [[1.0, 2.0], [3.0, 1.0]],
        "z": [[-0.5, 0.0], [2.5, 3.0]],
        "double": [[-1.0, 0.0], [5.0, 6.0]],  # a copy from before the ReLU in place
        "out": [[1.0, 1.0], [-4.0, -5.0]],
    }


def test_a_module_named_input_comes_before_the_networks_input():
    network = nn.Sequential()
    network.add_module("linear", nn.Linear(2, 2))
    network.add_module("input", nn.Identity())
    nn.init.zeros_(network.linear.weight)
    nn.init.ones_(network.linear.bias)
    assert seen(network, {"x": "input"}) == {"x": [[1.0, 1.0], [1.0, 1.0]]}


def test_steps_keep_their_names_whatever_else_is_looked_at():
    both = {"block": "first", "one": "relu", "two": "relu_1"}
    assert steps_between(Blocks()) == ["sub", "relu", "sub_1", "relu_1"]
    found = seen(Blocks(), both)
    assert found["block"] == found["one"] == [[0.0, 2.0], [1.5, 5.0]]
    assert found["two"] == seen(Blocks(), {"two": "relu_1"})["two"] == seen(Blocks(), {"two": "second"})["two"]


def test_the_second_call_of_a_module_is_a_step():
    assert steps_between(Twice()) == ["relu_1"]
    assert seen(Twice(), {"h": "relu_1"}) == {"h": [[0.0, 3.0], [2.5, 6.0]]}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("liner", "; did you mean linear?"),
        ("rel", "; did you mean relu?"),
        ("inputs", "; did you mean input?"),
        ("xyz", "; it has input, linear, relu"),
    ],
)
def test_an_unknown_path_is_refused_with_a_hint(path, hint):
    assert refusal(TwoUnits(), {"z": "linear", "q": path}) == f"layer 'q': the network has no '{path}'{hint}"


def test_steps_are_among_the_hints():
    assert refusal(Functional(), {"q": "mull"}).endswith("; did you mean mul?")
    assert refusal(Functional(), {"q": "xyz"}).endswith("; it has input, linear, relu, sub, mul, sub_1")


def test_a_long_list_of_names_is_cut():
    network = nn.Sequential(*(nn.Identity() for _ in range(50)))
    assert refusal(network, {"q": "xyz"}).endswith(" 37, 38, ...")


def test_a_network_that_cannot_be_traced_is_told_with_its_modules():
    message = refusal(DependsOnTheData(), {"z": "linear", "h": "relu_1"})
    assert message.startswith(
        "layer 'h': the network has no module 'relu_1'; did you mean relu?; and torch.fx cannot find steps between its"
        " modules: symbolically traced variables cannot be used as inputs to control flow"
    )
    assert "\n" not in message
    assert steps_between(DependsOnTheData()) == []
    assert seen(DependsOnTheData(), {"z": "linear"}) == {"z": [[-0.5, 3.0], [2.5, 6.0]]}


def test_a_module_that_runs_twice_is_refused():
    assert refusal(Twice(), LAYERS) == (
        "module 'relu' runs twice in a forward pass: name a module around it, or one that runs once"
    )


def test_a_module_that_does_not_run_is_refused():
    assert refusal(Spare(), {"q": "spare"}) == "layer 'q': 'spare' does not run in a forward pass"


@pytest.mark.parametrize("path", ["halves", "split"])
def test_of_several_outputs_a_part_must_be_named(path):
    expected = f"layer 'q': '{path}' outputs 2 parts, not one tensor: add `part`, one of 0, 1"
    assert refusal(Pair(), {"q": path}) == expected
