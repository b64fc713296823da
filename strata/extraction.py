"""Run images through a network batch by batch and hand on what its layers put out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from strata.capture import captured

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class LayerBatch:
    """A batch of b samples: layer's name -> activations float32 (b, ...), and the network's output (b, classes)."""

    start: int
    activations: dict[str, NDArray[np.float32]]
    output: NDArray[np.float32]


def stream_activations(
    network: nn.Module,
    images: Images,
    modules: Mapping[str, str],
    to_input: Callable[[Images], torch.Tensor],
    batch_size: int,
) -> Iterator[LayerBatch]:
    """Yield the activations of the modules (layer's name -> path) for all images, uint8 (n, H, W[, 3]), in order.

    `to_input` makes a network's input of a batch of images. The network is put into evaluation mode; the memory taken
    does not depend on n.
    """
    network.eval()
    with captured(network, modules) as outputs:
        for start in range(0, len(images), batch_size):
            with torch.inference_mode():  # not around the yield: it would hold for the consumer, too
                output = network(to_input(images[start : start + batch_size]))
            activations = {layer: outputs[layer].cpu().numpy() for layer in modules}
            yield LayerBatch(start, activations, output.cpu().numpy())
