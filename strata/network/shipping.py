"""A network as a list of plain steps with their weights, which the page runs in the browser."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from strata.artifacts.shipped import ShippedNetwork, Step
from strata.core.layers import Layer

MOST_WEIGHTS = 3_000_000  # the page has them in 16 bits: 8 MB of text
Made = tuple[str, dict[str, Any], dict[str, NDArray[np.float32]]]  # a step's kind, settings and weights


class NotShippedError(ValueError):
    """The network has what the page cannot run; the text says what."""


def shipped_network(network: nn.Module, layers: Mapping[str, Layer], mean: float, std: float) -> ShippedNetwork:
    """Return a network in evaluation mode as steps, and the steps that its layers are, by resolved paths.

    Inputs are pixels in [0, 1], less `mean`, divided by `std`. Where the page could not run the network, there are no
    steps, and the reason is given: it branches, or has a kind of layer that the page does not know, or too many
    weights. Layers of which a part is taken are left out.
    """
    try:
        steps = _chain(network)
    except NotShippedError as error:
        return ShippedNetwork((), {}, mean, std, str(error))
    places = {step.name: place for place, step in enumerate(steps)} | {"input": -1}
    shown = {layer: places[each.module] for layer, each in layers.items() if each.is_whole and each.module in places}
    if not shown:
        return ShippedNetwork((), {}, mean, std, "none of its layers is a step that the page runs")
    return ShippedNetwork(tuple(steps), shown, mean, std, None)


def _chain(network: nn.Module) -> list[Step]:
    weights = sum(each.numel() for each in network.parameters())
    if weights > MOST_WEIGHTS:
        raise NotShippedError(f"it has {weights:,} weights, and {MOST_WEIGHTS:,} fit into the page")
    try:
        graph = fx.Tracer().trace(network)
    except Exception:  # noqa: BLE001 - whatever a network does that cannot be traced
        raise NotShippedError("its steps depend on the image") from None
    modules = dict(network.named_modules())
    steps: list[Step] = []
    before: fx.Node | None = None
    for node in graph.nodes:
        if node.op == "output":
            if node.args != (before,):
                raise NotShippedError("it has more than one output")
            return steps
        if node.op == "placeholder":
            if before is not None:
                raise NotShippedError("it has more than one input")
        else:
            if node.all_input_nodes != [before]:
                raise NotShippedError("it branches, or its steps do not follow one another")
            kind, settings, tensors = _made(node, modules)
            # A module is named by its path, anything else as torch.fx names it: as a layer is.
            steps.append(Step(str(node.target) if node.op == "call_module" else node.name, kind, settings, tensors))
        before = node
    raise NotShippedError("it has no output")


def _made(node: fx.Node, modules: Mapping[str, nn.Module]) -> Made:
    if node.op == "call_module":
        module = modules[str(node.target)]
        for kind, make in MODULES.items():
            if type(module) is kind:
                return make(module)
        raise NotShippedError(f"the page does not know {type(module).__name__}")
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if name in FUNCTIONS:
        return FUNCTIONS[name](node)
    raise NotShippedError(f"the page does not know {name or node.target}")


def _numbers(tensor: torch.Tensor | None) -> NDArray[np.float32]:
    if tensor is None:
        raise NotShippedError("a layer has no bias, or no weights")
    return tensor.detach().cpu().float().numpy()


def _pair(value: Any) -> list[int]:
    pair = list(value) if isinstance(value, tuple | list) else [value, value]
    if len(pair) != 2 or not all(isinstance(each, int) for each in pair):
        raise NotShippedError("a layer is not of two dimensions, or pads by name")
    return pair


def _conv(module: nn.Conv2d) -> Made:
    if module.groups != 1 or _pair(module.dilation) != [1, 1] or module.padding_mode != "zeros":
        raise NotShippedError("a convolution has groups, dilation, or padding that is not zeros")
    bias = module.bias if module.bias is not None else torch.zeros(module.out_channels)
    tensors = {"weight": _numbers(module.weight), "bias": _numbers(bias)}
    return "conv", {"stride": _pair(module.stride), "padding": _pair(module.padding)}, tensors


def _linear(module: nn.Linear) -> Made:
    bias = module.bias if module.bias is not None else torch.zeros(module.out_features)
    return "linear", {}, {"weight": _numbers(module.weight), "bias": _numbers(bias)}


def _norm(module: nn.BatchNorm2d) -> Made:
    """Return the norm as what it is once trained: a factor and a shift of each channel."""
    if not module.affine or module.running_mean is None or module.running_var is None:
        raise NotShippedError("a batch norm has no weights, or no running mean")
    factor = _numbers(module.weight) / np.sqrt(_numbers(module.running_var) + np.float32(module.eps))
    return "scale", {}, {"weight": factor, "bias": _numbers(module.bias) - _numbers(module.running_mean) * factor}


def _pooled(kind: str, size: Any, stride: Any, padding: Any, **others: bool) -> Made:
    if any(others.values()) or _pair(padding) != [0, 0]:
        raise NotShippedError("a pooling pads, dilates or rounds up")
    return kind, {"size": _pair(size), "stride": _pair(stride if stride not in (None, [], ()) else size)}, {}


def _max_pool(module: nn.MaxPool2d) -> Made:
    dilated = _pair(module.dilation) != [1, 1]
    return _pooled("largest", module.kernel_size, module.stride, module.padding, up=module.ceil_mode, dilated=dilated)


def _mean_pool(module: nn.AvgPool2d) -> Made:
    return _pooled("mean", module.kernel_size, module.stride, module.padding, up=module.ceil_mode)


def _plain(kind: str) -> Callable[[Any], Made]:
    return lambda _: (kind, {}, {})


def _over_classes(kind: str, dim: Any) -> Made:
    if dim not in (1, -1):
        raise NotShippedError("a softmax is not over the classes")
    return kind, {}, {}


MODULES: dict[type[nn.Module], Callable[[Any], Made]] = {
    nn.Conv2d: _conv,
    nn.Linear: _linear,
    nn.BatchNorm2d: _norm,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _mean_pool,
    nn.ReLU: _plain("relu"),
    nn.Tanh: _plain("tanh"),
    nn.Sigmoid: _plain("sigmoid"),
    nn.Identity: _plain("same"),
    nn.Dropout: _plain("same"),
    nn.Dropout2d: _plain("same"),
    nn.Flatten: _plain("flatten"),
    nn.LogSoftmax: lambda module: _over_classes("log-softmax", module.dim),
    nn.Softmax: lambda module: _over_classes("softmax", module.dim),
}


def _argument(node: fx.Node, place: int, name: str, default: Any = None) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def _max_pool_call(node: fx.Node) -> Made:
    size, stride, padding = (_argument(node, *each) for each in ((1, "kernel_size"), (2, "stride"), (3, "padding", 0)))
    dilated = _pair(_argument(node, 4, "dilation", 1)) != [1, 1]
    return _pooled("largest", size, stride, padding, up=bool(_argument(node, 5, "ceil_mode", False)), dilated=dilated)


def _flat_call(node: fx.Node) -> Made:
    """Accept `flatten(x, 1)` and `x.view(n, k)`: with the samples first, both lay out each sample's values in a row."""
    if node.target == "flatten" or getattr(node.target, "__name__", "") == "flatten":
        if _argument(node, 1, "start_dim", 0) != 1:
            raise NotShippedError("it flattens the samples, too")
    elif len(node.args) != 3 or node.args[1] != -1:
        raise NotShippedError("it changes the shape in another way than view(-1, k)")
    return "flatten", {}, {}


def _softmax_call(kind: str) -> Callable[[fx.Node], Made]:
    return lambda node: _over_classes(kind, _argument(node, 1, "dim"))


FUNCTIONS: dict[str, Callable[[fx.Node], Made]] = {
    **{name: _plain("relu") for name in ("relu", "relu_")},
    "tanh": _plain("tanh"),
    "sigmoid": _plain("sigmoid"),
    **dict.fromkeys(("max_pool2d", "boolean_dispatch", "_max_pool2d"), _max_pool_call),
    **dict.fromkeys(("flatten", "view", "reshape"), _flat_call),
    "dropout": _plain("same"),
    "log_softmax": _softmax_call("log-softmax"),
    "softmax": _softmax_call("softmax"),
}
