"""The network of pytorch/examples: its shapes, and weights that its own program has saved."""

import torch
import torch.nn.functional as F

from networks.pytorch_example import PytorchExample
from strata.network.checkpoint import load_checkpoint
from strata.network.make import initialized_network
from strata.network.params import NetworkParams

# The names and shapes of the example's mnist_cnn.pt.
SHAPES = {
    "conv1.weight": (32, 1, 3, 3),
    "conv1.bias": (32,),
    "conv2.weight": (64, 32, 3, 3),
    "conv2.bias": (64,),
    "fc1.weight": (128, 9216),
    "fc1.bias": (128,),
    "fc2.weight": (10, 128),
    "fc2.bias": (10,),
}


def saved_weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) / 50 for name, shape in SHAPES.items()}


def test_its_weights_and_layers_have_the_shapes_of_the_example():
    params = NetworkParams(target="networks.pytorch_example:PytorchExample", arguments={}, outputs="log-probabilities")
    network = initialized_network(params, (1, 28, 28), 10, seed=0)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == SHAPES
    shapes, x = {}, torch.zeros(2, 1, 28, 28)
    for name, module in network.named_children():
        x = module(x)
        shapes[name] = tuple(x.shape[1:])
    assert (shapes["relu1"], shapes["relu2"], shapes["pool"]) == ((32, 26, 26), (64, 24, 24), (64, 12, 12))
    assert (shapes["flatten"], shapes["relu3"], shapes["output"]) == ((9216,), (128,), (10,))
    assert initialized_network(params, (3, 20, 17), 4, seed=0).fc1.in_features == 64 * 8 * 6


def test_its_saved_weights_give_the_examples_own_outputs(tmp_path):
    weights = saved_weights()
    torch.save(weights, tmp_path / "mnist_cnn.pt")
    network = PytorchExample(image_shape=(1, 28, 28), classes=10).eval()
    assert load_checkpoint(network, tmp_path / "mnist_cnn.pt") == []
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    x = F.relu(F.conv2d(images, weights["conv1.weight"], weights["conv1.bias"]))
    x = F.max_pool2d(F.relu(F.conv2d(x, weights["conv2.weight"], weights["conv2.bias"])), 2)
    x = F.relu(F.linear(x.flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    expected = F.log_softmax(F.linear(x, weights["fc2.weight"], weights["fc2.bias"]), dim=1)
    with torch.no_grad():
        assert torch.allclose(network(images), expected, atol=1e-5)
