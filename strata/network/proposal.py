"""A proposal of layers for a network: what each stage or block outputs, reduced where it is large."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.layers import RESERVED, Layer
from strata.core.strict_yaml import as_text
from strata.network.capture import INPUT, named_layers
from strata.network.device import device_of
from strata.network.input_form import blank_inputs
from strata.network.taking import batch_first

Size = tuple[int, ...]
# Modules that only finish what the module before them computes; the last of them is what the next one reads.
FINISHING = (
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Flatten, nn.Unflatten),
    *(nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.ReLU6, nn.Hardswish),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm),
)
LISTS = (nn.Sequential, nn.ModuleList)
# Modules that output channels and places (C, L), which are no tokens (T, D).
OF_SIGNALS = (nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d)
MOST_LAYERS, FEWEST_STAGES = 12, 5
MOST_UNITS, PROJECTED = 50_000, 4096  # of a layer that is kept whole; of one that cannot be pooled
SIDE = 4  # of the pooled maps of a wider layer
SAMPLES = 2
MOST_CHARACTERS = 64  # of a layer's name


def proposed_layers(network: nn.Module, image_shape: Sequence[int]) -> dict[str, Layer]:
    """Return layers by name, in the order in which they run, as `proposal` does."""
    return {name: layer for name, (layer, _) in proposal(network, image_shape).items()}


def proposal(network: nn.Module, image_shape: Sequence[int]) -> dict[str, tuple[Layer, Size]]:
    """Return layers by name, in the order in which they run, and the size (C, H, W) or other of each module's output.

    Those that the network's class names, where it does. Otherwise each block or step of its lists of modules, after
    the norm and the activation that follow it; of more than 12, those after which the size of the output changes, or 12
    at equal steps. Wide maps are pooled or projected; of an image's tokens the class token is taken, where there is one
    more than a square, or else their mean. Raises StrataError if no module runs once and outputs a tensor.
    """
    sizes = _sizes(network, image_shape)
    layers = {INPUT: (Layer(module=INPUT), tuple(image_shape))}
    if names := {name: path for name, path in named_layers(network).items() if path in sizes}:
        return layers | {name: (Layer(module=name), sizes[path]) for name, path in names.items()}
    finished = _finished(network, sizes)
    if not finished:
        raise StrataError(
            "no module of the network runs once and outputs a tensor; reports/network.txt lists its steps"
        )
    reduced = {path: _reduced(network, path, sizes, len(image_shape) == 3) for path in _few(finished, sizes)}
    return layers | dict(
        zip(_names(list(reduced)), ((layer, sizes[path]) for path, layer in reduced.items()), strict=True)
    )


def as_section(layers: Mapping[str, tuple[Layer, Size]]) -> str:
    """Return section `layers` as YAML, one line for each layer, with the size of its module's output."""
    lines = ["layers:"]
    for name, (layer, size) in layers.items():
        chosen = layer.model_dump(exclude_none=True)
        text = layer.module if layer.is_whole else "{" + ", ".join(f"{key}: {chosen[key]}" for key in chosen) + "}"
        key = as_text({name: None}).partition(":")[0]
        lines.append(f"  {key}: {text}".ljust(60) + f"  # {' x '.join(map(str, size))}")
    return "\n".join(lines)


def _names(paths: Sequence[str]) -> list[str]:
    """Return names for modules: their paths, or the ends of those that cannot be the names of files."""
    names: list[str] = []
    for place, path in enumerate(paths, 1):
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", path)[-MOST_CHARACTERS:].lstrip(".-")
        taken = {INPUT, *RESERVED, *(other.casefold() for other in names)}
        names.append(name if name.casefold() not in taken else f"{name[: MOST_CHARACTERS - 4]}_{place}")
    return names


def _is_unit(network: nn.Module, path: str) -> bool:
    """Return whether a module is a step: none around it is one, and it is neither a list nor a frame around a list."""
    names = path.split(".")
    around = [network.get_submodule(".".join(names[:count])) for count in range(1, len(names))]
    return not _opens(network.get_submodule(path)) and all(_opens(module) for module in around)


def _opens(module: nn.Module) -> bool:
    """Return whether a module is a list, or holds one with two or more modules of one kind that hold others: blocks."""
    return isinstance(module, LISTS) or any(
        isinstance(child, LISTS)
        and len(kinds := [type(block) for block in child if any(block.children())]) > 1
        and len(set(kinds)) == 1
        for child in module.children()
    )


def _finished(network: nn.Module, sizes: dict[str, Size]) -> list[str]:
    """Return the steps, each after the modules that finish it.

    A finishing module whose output has another number of units finishes something else, that is no module: it is left
    out. Such are a transformer's tokens before its first block, of which the class token is the same for all samples.
    """
    finished: list[str] = []
    for path in (path for path in sizes if path != INPUT and _is_unit(network, path)):
        if not isinstance(network.get_submodule(path), FINISHING):
            finished.append(path)
        elif finished and _units(sizes[finished[-1]]) == _units(sizes[path]):
            finished[-1] = path
    return finished


def _units(size: Size) -> int:
    return torch.Size(size).numel()


def _few(paths: Sequence[str], sizes: dict[str, Size]) -> list[str]:
    if len(paths) <= MOST_LAYERS:
        return list(paths)
    stages = [path for path, following in pairwise(paths) if sizes[path] != sizes[following]] + [paths[-1]]
    few = stages if len(stages) >= FEWEST_STAGES else list(paths)
    steps = min(MOST_LAYERS, len(few))
    return [few[round(step * (len(few) - 1) / (steps - 1))] for step in range(steps)]


def _reduced(network: nn.Module, path: str, sizes: Mapping[str, Size], of_images: bool) -> Layer:
    size, module = sizes[path], network.get_submodule(path)
    part = 0 if isinstance(module, nn.RNNBase | nn.MultiheadAttention) else None
    signals = {sizes[other] for other in sizes if isinstance(network.get_submodule(other), OF_SIGNALS)}
    if len(size) == 2 and size not in signals:
        tokens, steps = size[0] - 1, isinstance(module, nn.RNNBase) or not of_images
        is_class = tokens and round(tokens**0.5) ** 2 == tokens and not steps
        return Layer(module=path, part=part, take="cls" if is_class else "mean")
    if _units(size) <= MOST_UNITS:
        return Layer(module=path, part=part)
    # Maps that are not square may have their channels last.
    if len(size) == 3 and size[1] == size[2] >= SIDE:
        return Layer(module=path, part=part, pool=f"{SIDE}x{SIDE}")
    return Layer(module=path, part=part, project=PROJECTED)


def _sizes(network: nn.Module, image_shape: Sequence[int]) -> dict[str, Size]:
    """Return the size of one sample's output of every module that runs once and outputs a tensor, in order.

    Of recurrent and attention modules it is that of their first output.
    """
    outputs: list[tuple[str, Any]] = []

    def hook(path: str) -> Any:
        return lambda module, _, output: outputs.append((path, batch_first(module, output)))

    handles = [module.register_forward_hook(hook(path)) for path, module in network.named_modules() if path]
    try:
        with torch.inference_mode():
            network.eval()(blank_inputs(image_shape, SAMPLES, device_of(network)))
    finally:
        for handle in handles:
            handle.remove()
    paths = [path for path, _ in outputs]
    first = {
        path: output[0] if isinstance(network.get_submodule(path), nn.RNNBase | nn.MultiheadAttention) else output
        for path, output in outputs
        if paths.count(path) == 1
    }
    return {
        path: tuple(output.shape[1:])
        for path, output in first.items()
        if isinstance(output, torch.Tensor) and output.ndim > 1 and len(output) == SAMPLES
    }
