"""The network is the exercise's network: same weights, same activations, same number of parameters."""

import pytest
import torch
from torch import nn

from networks.mnist_cnn import MnistCnn
from strata.core.errors import StrataError
from strata.core.layers import as_layers
from strata.network.capture import captured
from strata.network.make import initialized_network, parameter_count
from strata.network.params import NetworkParams
from tests.exercise_net import Net

EXERCISE = NetworkParams(target="networks.mnist_cnn:MnistCnn", arguments={}, outputs="log-probabilities")
LAYERS = as_layers({"input": "input", **MnistCnn.layer_paths})


def exercise_network(seed: int = 0) -> nn.Module:
    return initialized_network(EXERCISE, (1, 28, 28), 10, seed)


def images(count: int = 6) -> torch.Tensor:
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    weights = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in weights)


def test_weights_load_strictly_into_the_exercise_network_and_back():
    network, net, back = exercise_network(), Net(), exercise_network(seed=1)
    net.load_state_dict(network.state_dict(), strict=True)
    back.load_state_dict(net.state_dict(), strict=True)
    assert same_weights(network, back)


def test_output_is_bitwise_that_of_the_exercise_network():
    network, net = exercise_network(), Net()
    net.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(network(images()), net(images()))


def test_every_layer_is_bitwise_that_of_the_exercise_network():
    network, net = exercise_network(), Net()
    net.load_state_dict(network.state_dict())
    with captured(network, LAYERS) as observed, torch.no_grad():
        _, outputs = observed(images())
        expected = {"input": images(), **net.activations(images())}
    assert list(outputs) == list(expected)
    for layer, values in expected.items():
        assert torch.equal(outputs[layer], values), layer


def test_output_is_a_log_probability_of_each_class():
    with torch.no_grad():
        total = exercise_network()(images()).exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones(6))


def test_parameter_count_is_that_of_the_exercise():
    assert parameter_count(exercise_network()) == 431_080


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("input", (1, 28, 28)),
        ("h1", (20, 24, 24)),
        ("h2", (20, 12, 12)),
        ("h3", (50, 8, 8)),
        ("h4", (50, 4, 4)),
        ("h5", (500,)),
        ("h6", (10,)),
    ],
)
def test_shape_of_each_layer(layer, shape):
    network = exercise_network()
    with captured(network, LAYERS) as observed, torch.no_grad():
        _, outputs = observed(images(2))
    assert outputs[layer].shape == (2, *shape)


def test_other_image_shapes_and_classes():
    network = initialized_network(EXERCISE, (3, 16, 20), 4, 0)
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 16, 20)).shape == (2, 4)


def test_a_seed_fixes_the_weights_and_another_seed_changes_them():
    assert same_weights(exercise_network(5), exercise_network(5))
    assert not same_weights(exercise_network(5), exercise_network(6))


def test_initialization_leaves_the_global_generator_alone():
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    exercise_network(5)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("side", "kernel"), [(15, 5), (4, 5), (1, 7)])
def test_a_kernel_too_large_for_the_images_is_refused(side, kernel):
    params = EXERCISE.model_copy(update={"arguments": {"kernel_size": kernel}})
    with pytest.raises(StrataError) as caught:
        initialized_network(params, (1, side, side), 10, 0)
    assert str(caught.value) == (
        "network.target networks.mnist_cnn:MnistCnn: ValueError:"
        f" kernel_size {kernel} is too large for images of {side} x {side}"
    )


def test_the_smallest_images_that_fit_are_accepted():
    network = initialized_network(EXERCISE, (1, 16, 16), 10, 0)
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 16, 16)).shape == (1, 10)
