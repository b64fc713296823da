"""The places in the network where one can look: their names, and the module or step whose output they are."""

from collections.abc import Mapping

from torch import nn


def named_layers(network: nn.Module) -> dict[str, str]:
    """Return the names that a network's class has for places in it, "input" first; empty where it has none."""
    paths: Mapping[str, str] = getattr(network, "layer_paths", {})
    return {"input": "input", **paths} if paths else {}


def resolved_layers(layers: Mapping[str, str], network: nn.Module) -> dict[str, str]:
    """Return layer's name -> path in the network; a class may have names of its own for paths, `layer_paths`."""
    names = named_layers(network)
    return {layer: names.get(path, path) for layer, path in layers.items()}
