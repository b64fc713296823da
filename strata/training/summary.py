"""The network's summary as text: its modules, shapes and parameters."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.layers import Layer
from strata.network.capture import captured, steps_between
from strata.network.device import device_of
from strata.network.input_form import blank_inputs
from strata.network.make import parameter_count
from strata.network.proposal import as_section, proposal


def network_summary(network: nn.Module, image_shape: Sequence[int], layers: Mapping[str, Layer]) -> str:
    """Return tables of the modules (layer's name, kind, output shape, parameters) and of the state_dict's shapes.

    There is one row per module without children, and one per layer that is a step of a functional network. The names
    of the other steps follow. The network may be on any device. Raises StrataError if a layer is not in the network.
    """
    names = {chosen.module: layer for layer, chosen in layers.items()}
    modules = {path: module for path, module in network.named_modules() if path and not any(module.children())}
    shapes: dict[str, str] = {}
    handles = [module.register_forward_hook(partial(_keep_shape, shapes, path)) for path, module in modules.items()]
    network.eval()
    try:
        with captured(network, layers) as observed, torch.no_grad():
            _, activations = observed(blank_inputs(image_shape, 1, device_of(network)))
    finally:
        for handle in handles:
            handle.remove()

    rows = [("layer", "module", "kind", "output shape", "parameters")]
    for layer, path in ((layer, chosen.module) for layer, chosen in layers.items()):
        if path not in modules:
            rows.append((layer, path, "a step, or a group", _shape(activations[layer]), ""))
    for path, module in modules.items():
        count = f"{parameter_count(module):,}"
        rows.append((names.get(path, ""), path, type(module).__name__, shapes.get(path, "does not run"), count))
    rows.append(("", "total", "", "", f"{parameter_count(network):,}"))

    state = [("key of the state_dict", "shape", "type")]
    for key, tensor in network.state_dict().items():
        state.append((key, " x ".join(map(str, tensor.shape)), str(tensor.dtype).removeprefix("torch.")))
    steps = steps_between(network)
    between = "\n" + _table([("step between the modules",), *((step,) for step in steps)]) if steps else ""
    return _table(rows, right=4) + between + "\n" + _table(state)


def proposal_text(network: nn.Module, image_shape: Sequence[int]) -> str:
    """Return the layers that `layers: auto` takes of a network, as lines; or why there are none."""
    try:
        section = as_section(proposal(network, image_shape))
    except StrataError as error:
        return f"`layers: auto` does not suit this network: {error}\n"
    return f"proposed for this network, as `layers: auto` takes them, with the size of each output:\n{section}\n"


def _keep_shape(shapes: dict[str, str], path: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
    shapes[path] = _shape(output) if isinstance(output, torch.Tensor) else type(output).__name__


def _shape(output: torch.Tensor) -> str:
    return " x ".join(map(str, output.shape[1:]))


def _table(rows: Sequence[tuple[str, ...]], right: int | None = None) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if column == right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines) + "\n"
