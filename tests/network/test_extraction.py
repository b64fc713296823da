"""Streaming activations: the rows come in the images' order, whatever the batch size."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.mnist_cnn import MnistCnn
from strata.core.layers import as_layers
from strata.network.extraction import Images, stream_activations
from strata.network.make import initialized_network
from strata.network.params import NetworkParams
from strata.network.preprocessing import normalized

COUNT = 11
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 16, 16), dtype=np.uint8)
NETWORK = initialized_network(
    NetworkParams(
        target="networks.mnist_cnn:MnistCnn",
        arguments={"conv1_channels": 3, "conv2_channels": 4, "kernel_size": 5, "fc1_units": 8},
        outputs="log-probabilities",
    ),
    (1, 16, 16),
    10,
    0,
)
LAYERS = as_layers({layer: layer for layer in ("input", "h1", "h2", "h3", "h4", "h5", "h6")})


def to_input(images: Images) -> torch.Tensor:
    return normalized(images, 0.5, 0.25)


def streamed(batch_size: int) -> tuple[list[int], dict[str, np.ndarray], np.ndarray]:
    """Return the batches' starts, and their activations and outputs concatenated."""
    batches = list(stream_activations(NETWORK, IMAGES, LAYERS, to_input, batch_size))
    activations = {layer: np.concatenate([b.activations[layer] for b in batches]) for layer in LAYERS}
    return (
        [batch.start for batch in batches],
        activations,
        np.concatenate([batch.output for batch in batches]),
    )


@given(batch_size=st.integers(1, COUNT + 3))
@settings(deadline=None, max_examples=20)
def test_rows_are_the_images_in_order_for_any_batch_size(batch_size):
    starts, activations, _ = streamed(batch_size)
    assert starts == list(range(0, COUNT, batch_size))
    np.testing.assert_array_equal(activations["input"], to_input(IMAGES).numpy())


@pytest.mark.parametrize("batch_size", [1, 2, 4, 10])
def test_batches_together_equal_one_big_pass(batch_size):
    _, whole, whole_output = streamed(COUNT)
    _, parts, output = streamed(batch_size)
    for layer in LAYERS:
        np.testing.assert_allclose(parts[layer], whole[layer], atol=1e-5, rtol=1e-5, err_msg=layer)
    np.testing.assert_allclose(output, whole_output, atol=1e-5, rtol=1e-5)


def test_activations_are_float32_and_the_last_layer_is_the_output():
    _, activations, output = streamed(4)
    assert {values.dtype for values in activations.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(activations["h6"], output)


def test_only_the_chosen_layers_are_captured():
    batch = next(stream_activations(NETWORK, IMAGES, as_layers({"h4": "pool2"}), to_input, 5))
    assert {layer: values.shape for layer, values in batch.activations.items()} == {"h4": (5, 4, 1, 1)}
    assert batch.output.shape == (5, 10)


def test_a_batch_is_not_overwritten_by_the_next():
    stream = stream_activations(NETWORK, IMAGES, LAYERS, to_input, 4)
    first = next(stream)
    kept = {layer: values.copy() for layer, values in first.activations.items()}
    next(stream)
    for layer, values in kept.items():
        np.testing.assert_array_equal(first.activations[layer], values)


def test_the_network_runs_in_evaluation_mode():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5)).train()
    (batch,) = stream_activations(network, IMAGES, as_layers({"x": "1"}), to_input, COUNT, "logits")
    np.testing.assert_array_equal(batch.activations["x"], to_input(IMAGES).flatten(1).numpy())


def test_the_consumer_is_not_put_into_inference_mode():
    stream = stream_activations(NETWORK, IMAGES, LAYERS, to_input, 4)
    next(stream)
    assert not torch.is_inference_mode_enabled()


def test_no_images_give_no_batches():
    assert list(stream_activations(NETWORK, IMAGES[:0], LAYERS, to_input, 4)) == []


def test_hooks_are_removed_when_the_consumer_stops_early():
    network = MnistCnn(image_shape=(1, 16, 16), classes=2, conv1_channels=1, conv2_channels=1, fc1_units=1)
    stream = stream_activations(network, IMAGES, LAYERS, to_input, 4)
    next(stream)
    stream.close()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
