"""Capture what a network's layers output, whether a layer is a module or a step between modules."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from strata.core.errors import StrataError, in_short
from strata.core.layers import Layer
from strata.network.input_form import seen_by, takes_mask
from strata.network.taking import batch_first, copied, part_of


def named_layers(network: nn.Module) -> dict[str, str]:
    """Return the names that a network's class gives its layers, "input" first; empty if it gives none."""
    paths: Mapping[str, str] = getattr(network, "layer_paths", {})
    return {"input": "input", **paths} if paths else {}


def resolved_layers(layers: Mapping[str, Layer], network: nn.Module) -> dict[str, Layer]:
    """Return the layers with paths in the network; a class may define names for its paths, `layer_paths`."""
    names = named_layers(network)
    return {
        layer: chosen.model_copy(update={"module": names.get(chosen.module, chosen.module)})
        for layer, chosen in layers.items()
    }


INPUT = "input"
MAX_NAMES = 40  # names that an error lists; reports/network.txt has all of them
Observed = tuple[torch.Tensor, dict[str, torch.Tensor]]


@contextmanager
def captured(network: nn.Module, layers: Mapping[str, Layer]) -> Iterator[Callable[[torch.Tensor], Observed]]:
    """Yield a function that runs the network on images and returns its output, and layer's name -> activations.

    A layer's path is that of a module ("layer3.1"), of a step that torch.fx finds in the forward pass ("relu_1", the
    second call of F.relu), or "input". Activations are the module's output, or the part of it that the layer chooses,
    with the samples first; `taken` reduces them. They are copied at once, because a later in-place operation may
    overwrite them. The hooks are removed at the end, even after an error. Raises StrataError if a path does not exist,
    runs twice or not at all, or does not output one tensor and no part is chosen.
    """
    modules = dict(network.named_modules())
    paths = {layer: chosen.module for layer, chosen in layers.items()}
    hooked = {path for path in paths.values() if path in modules}
    steps = {path: layer for layer, path in paths.items() if path not in hooked and path != INPUT}
    outputs: dict[str, Any] = {}
    traced = _traced(network, steps) if steps else None
    handles = [modules[path].register_forward_hook(_copy_into(outputs, path)) for path in hooked]

    def observed(images: torch.Tensor) -> Observed:
        seen: dict[str, Any] = {INPUT: seen_by(network, images).detach().clone()}
        if traced and takes_mask(network):
            path, layer = next(iter(steps.items()))
            raise StrataError(f"layer '{layer}': '{path}' is a step; of a network with a mask, name a module")
        if traced:
            outputs.clear()
            interpreter = _Steps(traced, steps)
            output = interpreter.run(seen[INPUT].clone())
            seen |= interpreter.seen
        # A module of several steps is not a step itself: it needs a separate pass. So do hooks of the network's own.
        if hooked or not traced or network._forward_hooks:
            outputs.clear()
            output = network(images)
        seen |= outputs
        for layer, path in paths.items():
            if path not in seen:
                raise StrataError(f"layer '{layer}': '{path}' does not run in a forward pass")
        return output, {
            layer: part_of(seen[chosen.module], chosen.part, f"layer '{layer}': '{chosen.module}' outputs")
            for layer, chosen in layers.items()
        }

    try:
        yield observed
    finally:
        for handle in handles:
            handle.remove()


def steps_between(network: nn.Module) -> list[str]:
    """Return the steps that are not the first call of a module, in order; none if torch.fx cannot trace the network."""
    try:
        return _steps(fx.Tracer().trace(network))
    except Exception:  # noqa: BLE001 - control flow that depends on the data, and whatever else it cannot trace
        return []


class _Steps(fx.Interpreter):
    """Runs a traced network step by step and keeps copies of what some steps output."""

    def __init__(self, traced: fx.GraphModule, steps: Mapping[str, str]) -> None:
        super().__init__(traced)
        self.extra_traceback = False  # it would add lines to Strata's errors
        self._steps = steps
        self.seen: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        output = super().run_node(n)
        if n.name in self._steps:
            self.seen[n.name] = copied(output)
        return output


def _traced(network: nn.Module, steps: Mapping[str, str]) -> fx.GraphModule:
    """Return the traced network. Raises StrataError if it lacks one of `steps` (path -> layer), or cannot be traced."""
    names = [*named_layers(network), *(path for path, _ in network.named_modules() if path)]
    try:
        graph = fx.Tracer().trace(network)
    except Exception as error:  # control flow that depends on the data, and whatever else torch.fx cannot trace
        path, layer = next(iter(steps.items()))
        raise StrataError(
            f"layer '{layer}': the network has no module '{path}'{_suggestion(path, names)}; and torch.fx cannot find"
            f" steps between its modules: {in_short(error)}"
        ) from error
    all_steps = _steps(graph)
    for path, layer in steps.items():
        if path not in all_steps:
            raise StrataError(f"layer '{layer}': the network has no '{path}'{_suggestion(path, [*names, *all_steps])}")
    return fx.GraphModule(network, graph)


def _steps(graph: fx.Graph) -> list[str]:
    """Return the names of the calls, except the first call of each module, which has the module's name."""
    names, modules = [], set()
    for node in graph.nodes:
        if node.op in ("call_function", "call_method") or (node.op == "call_module" and node.target in modules):
            names.append(node.name)
        modules.add(node.target)
    return names


def _copy_into(outputs: dict[str, Any], path: str) -> Any:
    def hook(module: nn.Module, _inputs: Any, output: Any) -> None:
        if path in outputs:
            raise StrataError(
                f"module '{path}' runs twice in a forward pass: name a module around it, or one that runs once"
            )
        outputs[path] = copied(batch_first(module, output))

    return hook


def _suggestion(path: str, names: Iterable[str]) -> str:
    names = list(dict.fromkeys([INPUT, *names]))
    if near := difflib.get_close_matches(path, names, n=3):
        return f"; did you mean {' or '.join(near)}?"
    return f"; it has {', '.join(names[:MAX_NAMES])}" + (", ..." if len(names) > MAX_NAMES else "")
