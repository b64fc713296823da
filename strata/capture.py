"""Capture what modules put out during a forward pass."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from strata.errors import StrataError


@contextmanager
def captured(network: nn.Module, modules: Mapping[str, str]) -> Iterator[dict[str, torch.Tensor]]:
    """Yield a dict that each forward pass fills: layer's name -> copy of the output of the module at that path.

    The copy is made at once, as a later in-place operation may overwrite the output. The hooks come off at the end,
    also on an error. Raises StrataError where a path names no module, or a module runs twice in a pass.
    """
    found = dict(network.named_modules())
    outputs: dict[str, torch.Tensor] = {}
    handles = [network.register_forward_pre_hook(lambda *_: outputs.clear())]
    try:
        for layer, path in modules.items():
            if not path or path not in found:
                raise StrataError(f"layer '{layer}': the network has no module '{path}'{_near(path, found)}")
            handles.append(found[path].register_forward_hook(_copy_into(outputs, layer, path)))
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _copy_into(outputs: dict[str, torch.Tensor], layer: str, path: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        if layer in outputs:
            raise StrataError(f"module '{path}' runs twice in a forward pass: give each layer a module of its own")
        outputs[layer] = output.detach().clone()

    return hook


def _near(path: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(path, [name for name in known if name], n=3)
    return f"; did you mean {' or '.join(near)}?" if near else f"; it has {', '.join(name for name in known if name)}"
