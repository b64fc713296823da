"""Capture what modules, or single steps of a functional network, put out during a forward pass."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from strata.errors import StrataError

INPUT = "input"
Observed = tuple[torch.Tensor, dict[str, torch.Tensor]]


@contextmanager
def captured(network: nn.Module, layers: Mapping[str, str]) -> Iterator[Callable[[torch.Tensor], Observed]]:
    """Yield a function that runs the network on images and returns its output, and layer's name -> activations.

    `layers` maps names to paths: of a module ("layer3.1"), else of a step that torch.fx finds in the forward pass
    ("relu_1", the second call of F.relu), or "input". Activations are copied at once, as a later in-place operation may
    overwrite them. The hooks come off at the end, also on an error. Raises StrataError where a path names nothing, runs
    twice or not at all, or puts out something other than one tensor.
    """
    modules = dict(network.named_modules())
    hooked = {path for path in layers.values() if path and path in modules}
    steps = {path for path in layers.values() if path not in hooked and path != INPUT}
    outputs: dict[str, torch.Tensor] = {}
    traced = _traced(network, hooked, steps, layers) if steps else None
    run = _Steps(traced, steps, outputs).run if traced else network
    handles = [modules[path].register_forward_hook(_copy_into(outputs, path)) for path in hooked]

    def observed(images: torch.Tensor) -> Observed:
        outputs.clear()
        if INPUT not in hooked:
            outputs[INPUT] = images.detach().clone()
        output = run(images)
        for layer, path in layers.items():
            if path not in outputs:
                raise StrataError(f"layer '{layer}': '{path}' does not run in a forward pass")
        return output, {layer: outputs[path] for layer, path in layers.items()}

    try:
        yield observed
    finally:
        for handle in handles:
            handle.remove()


class _LeafTracer(fx.Tracer):
    """Keeps the modules that are looked at whole, so that their hooks run."""

    def __init__(self, modules: set[nn.Module]) -> None:
        super().__init__()
        self._whole = modules

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m in self._whole or super().is_leaf_module(m, module_qualified_name)


class _Steps(fx.Interpreter):
    """Runs a traced network step by step and keeps copies of what some steps put out."""

    def __init__(self, traced: fx.GraphModule, steps: set[str], outputs: dict[str, torch.Tensor]) -> None:
        super().__init__(traced)
        self._steps, self._outputs = steps, outputs

    def run_node(self, n: fx.Node) -> Any:
        output = super().run_node(n)
        if n.name in self._steps:
            self._outputs[n.name] = _copy(output, n.name)
        return output


def _traced(network: nn.Module, hooked: set[str], steps: set[str], layers: Mapping[str, str]) -> fx.GraphModule:
    """Return the network as a graph of steps. Raises StrataError where it lacks one of them, or cannot be traced."""
    names = [path for path, _ in network.named_modules() if path]
    wanted = {path: layer for layer, path in layers.items() if path in steps}
    try:
        graph = _LeafTracer({network.get_submodule(path) for path in hooked}).trace(network)
    except Exception as error:  # control flow that depends on the data, and whatever else torch.fx cannot follow
        path, layer = next(iter(wanted.items()))
        raise StrataError(
            f"layer '{layer}': the network has no module '{path}'{_near(path, names)}; and torch.fx cannot look between"
            f" its modules: {' '.join(str(error).split())[:150]}"
        ) from error
    found = [node.name for node in graph.nodes if node.op not in ("placeholder", "output", "get_attr")]
    for path, layer in wanted.items():
        if path not in found:
            raise StrataError(f"layer '{layer}': the network has no '{path}'{_near(path, [*names, *found])}")
    return fx.GraphModule(network, graph)


def _copy_into(outputs: dict[str, torch.Tensor], path: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if path in outputs:
            raise StrataError(
                f"module '{path}' runs twice in a forward pass: name a module around it, or one that runs once"
            )
        outputs[path] = _copy(output, path)

    return hook


def _copy(output: Any, path: str) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise StrataError(f"'{path}' puts out a {type(output).__name__}, not one tensor: name another layer")
    return output.detach().clone()


def _near(path: str, known: Iterable[str]) -> str:
    known = list(dict.fromkeys([INPUT, *known]))
    near = difflib.get_close_matches(path, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else f"; it has {', '.join(known)}"
