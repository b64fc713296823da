"""The page that a newcomer wants to see first: what the network is made of, as text."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from strata.capture import captured
from strata.network import parameter_count


def network_summary(network: nn.Module, image_shape: Sequence[int], layers: Mapping[str, str]) -> str:
    """Return a table of every module (layer's name, kind, output shape, parameters) and of the state_dict's shapes.

    `layers` maps a layer's name to its module's path; modules without children that run in a forward pass are rows.
    """
    names = {module: layer for layer, module in layers.items()}
    modules = {path: module for path, module in network.named_modules() if path and not any(module.children())}
    with captured(network, {path: path for path in modules}) as outputs, torch.no_grad():
        network(torch.zeros(1, *image_shape))

    rows = [("layer", "module", "kind", "output shape", "parameters")]
    for path, module in modules.items():
        shape = " x ".join(map(str, outputs[path].shape[1:]))
        rows.append((names.get(path, ""), path, type(module).__name__, shape, f"{parameter_count(module):,}"))
    rows.append(("", "total", "", "", f"{parameter_count(network):,}"))

    state = [("key of the state_dict", "shape", "type")]
    for key, tensor in network.state_dict().items():
        state.append((key, " x ".join(map(str, tensor.shape)), str(tensor.dtype).removeprefix("torch.")))
    return _table(rows, right=4) + "\n" + _table(state)


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
