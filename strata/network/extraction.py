"""Run images through a network in batches and yield what its layers output."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from strata.core.layers import Layer
from strata.network.capture import captured, resolved_layers
from strata.network.input_form import mask_in
from strata.network.io import read_output
from strata.network.params import Outputs
from strata.network.taking import taken

Images = NDArray[Any]  # uint8, or the numbers or token ids that are given to a network in place of images


@dataclass(frozen=True)
class LayerBatch:
    """A batch of b samples from `start` on: layer's name -> activations float32 (b, ...), and what the network says.

    `output` (b, k) are log-probabilities of classes, or what `read_output` makes of another form; None for features.
    """

    start: int
    count: int
    activations: dict[str, NDArray[np.float32]]
    output: NDArray[np.float32] | None


def stream_activations(
    network: nn.Module,
    images: Images,
    layers: Mapping[str, Layer],
    to_input: Callable[[Images], torch.Tensor],
    batch_size: int,
    outputs: Outputs = "log-probabilities",
) -> Iterator[LayerBatch]:
    """Yield what is taken of the layers, by their names, for all images, uint8 (n, H, W[, 3]), in order.

    `to_input` turns a batch of images into the network's input. The network is put into evaluation mode. Memory use
    does not depend on n. Few images go through the network first: samples that are not first in a layer's output would
    pass unseen where a batch has as many samples as the output has tokens.
    """
    network.eval()
    chosen = resolved_layers(layers, network)
    with captured(network, chosen) as observed:
        few = images[: 2 if batch_size != 2 else 3]
        if len(few):
            with torch.inference_mode():
                inputs = to_input(few)
                for layer, values in observed(inputs)[1].items():
                    taken(values, layer, chosen[layer], len(few), mask_in(network, inputs))
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            count = len(batch)
            with torch.inference_mode():  # not around the yield: it would also apply to the consumer
                inputs = to_input(batch)
                output, captured_layers = observed(inputs)
                says = read_output(output, outputs)
            activations = {
                layer: taken(values, layer, chosen[layer], count, mask_in(network, inputs))
                for layer, values in captured_layers.items()
            }
            yield LayerBatch(start, count, activations, None if says is None else says.float().cpu().numpy())
