"""Make the network that params.yaml names: any class, or any function that returns a torch module."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from strata.core import streams
from strata.core.errors import StrataError, in_short
from strata.core.temporary_folder import left_behind
from strata.dataset.description import DatasetDescription
from strata.network.input_form import TokenShape, blank_inputs, pass_mask, random_inputs
from strata.network.io import are_probabilities, log_probabilities
from strata.network.params import NetworkParams
from strata.network.taking import part_of

TRIAL_IMAGES = 8  # of normal noise, as images are normalized


def wanted_outputs(description: DatasetDescription, params: NetworkParams) -> int | None:
    """Return how many numbers per sample a network outputs for a data set: one per class or target; None if any.

    Raises StrataError if it is to output targets that the data does not have.
    """
    if params.predicts_targets and description.targets != params.outputs:
        raise StrataError(
            f"network.outputs: {params.outputs}, but the data's targets are {description.targets}: set it to logits or"
            " features, or set dataset.targets"
        )
    if params.predicts_classes and description.targets != "classes":
        return None
    return description.wanted


def initialized_network(params: NetworkParams, image_shape: Sequence[int], classes: int | None, seed: int) -> nn.Module:
    """Return the network for images (C, H, W), with weights drawn from `seed`; the global generator is left alone.

    If the target takes `image_shape` (or `input_shape`, the same), `classes`, or the `vocabulary` of token ids, and the
    arguments do not set them, they come from the data. The
    network is in evaluation mode. `classes` is how many numbers the data asks for, None where it has no targets. Raises
    StrataError if there is no such target, it takes other arguments, or it does not output (n, classes) for such
    images, in the form that params.yaml says.
    """
    make = _target(params.target)
    arguments = _arguments(make, params, image_shape, classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.weights(seed))
        try:
            network = make(**arguments)
        except StrataError:
            raise
        except Exception as error:  # whatever the user's class raises
            raise StrataError(f"network.target {params.target}: {error_line(error)}") from error
        if not isinstance(network, nn.Module):
            raise StrataError(f"network.target {params.target} makes a {type(network).__name__}, not a torch module")
        if isinstance(image_shape, TokenShape) and image_shape.masked:
            pass_mask(network, params.mask)
        if params.part is not None and params.outputs != "features":
            network.register_forward_hook(_choose(params))
        _check_state(network, params)
        _check_output(network, params, image_shape, classes)  # lazy modules draw their weights here
        _check_form(network, params, image_shape, seed)
    return network


def parameter_count(network: nn.Module) -> int:
    """Return the number of trainable and frozen parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def _choose(params: NetworkParams) -> Callable[[nn.Module, Any, Any], torch.Tensor]:
    """Return a hook that replaces a network's outputs by the one that params.yaml chooses."""

    def hook(_network: nn.Module, _inputs: Any, outputs: Any) -> torch.Tensor:
        return part_of(outputs, params.part, f"network.part: {params.target} outputs")

    return hook


def _target(text: str) -> Callable[..., Any]:
    module_name, name = text.split(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        own = module_name if module_name.startswith(f"{missing}.") else missing  # the whole package may be missing
        remedy = _left_behind(own) or "write package.module:Class, from the project's folder or an installed package"
        raise StrataError(f"network.target {text}: no module '{missing}'; {remedy}") from None
    except Exception as error:  # a mistake in the user's file
        raise StrataError(f"network.target {text}: the module cannot be imported: {error_line(error)}") from error
    if not callable(target := getattr(module, name, None)):
        suggestions = difflib.get_close_matches(
            name, [key for key, value in vars(module).items() if callable(value)], n=3
        )
        raise StrataError(
            f"network.target {text}: {module_name} has no class or function '{name}'"
            + (f"; did you mean {' or '.join(suggestions)}?" if suggestions else "")
        )
    return target


def _left_behind(module: str) -> str:
    """Return what to do if the project has a module that an experiment's temporary folder lacks, else an empty text."""
    path = Path(*module.split("."))
    return left_behind(path.with_suffix(".py")) or left_behind(path / "__init__.py")


def _arguments(
    make: Callable[..., Any], params: NetworkParams, image_shape: Sequence[int], classes: int | None
) -> dict[str, Any]:
    parameters = inspect.signature(make).parameters
    if classes is None and "classes" in parameters and "classes" not in params.arguments:
        raise StrataError(
            f"network.arguments: {params.target} takes `classes`, and the data has none: set network.arguments.classes"
        )
    from_data: dict[str, Any] = {
        "image_shape": tuple(image_shape),
        "input_shape": tuple(image_shape),
        "classes": classes,
    }
    if isinstance(image_shape, TokenShape):
        from_data["vocabulary"] = image_shape.vocabulary
    arguments = {name: value for name, value in from_data.items() if name in parameters} | params.arguments
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        allowed = ", ".join(name for name in parameters if name not in from_data) or "none"
        raise StrataError(f"network.arguments: {params.target}: {error}; it takes: {allowed}") from None
    return arguments


def _check_state(network: nn.Module, params: NetworkParams) -> None:
    for key, value in network.state_dict().items():
        if not isinstance(value, torch.Tensor) or value.is_quantized:
            raise StrataError(
                f"network.target {params.target}: '{key[:60]}' of its state_dict is no plain tensor, as in a quantized"
                " network; return it as it is before quantization"
            )


def _check_output(network: nn.Module, params: NetworkParams, image_shape: Sequence[int], classes: int | None) -> None:
    network.eval()
    try:
        with torch.no_grad():
            output = network(blank_inputs(image_shape, 2))
    except StrataError:
        raise
    except Exception as error:
        raise StrataError(
            f"network.target {params.target} does not take {_what(image_shape)} of shape {tuple(image_shape)}:"
            f" {error_line(error)}"
        ) from error
    if params.outputs == "features":
        return
    found = part_of(output, None, f"network.part: {params.target} outputs")
    if found.shape != (2, classes) if classes else (found.ndim != 2 or len(found) != 2 or found.shape[1] < 2):
        what = "one per class" if params.predicts_classes else "one per target"
        raise StrataError(
            f"network.target {params.target}: it must output {classes or 'some'} numbers per image, {what}; for two"
            f" images its output is {tuple(found.shape)}; without a head, set network.outputs: features"
        )


def _check_form(network: nn.Module, params: NetworkParams, image_shape: Sequence[int], seed: int) -> None:
    """Check the outputs for images of different contents: for one image, logits could sum to 1 by chance."""
    if not params.predicts_classes:
        return
    generator = torch.Generator().manual_seed(streams.trial_images(seed))
    with torch.no_grad():
        output = network(random_inputs(image_shape, TRIAL_IMAGES, generator))
    if params.outputs == "logits" and bool(output.isfinite().all()) and are_probabilities(output):
        raise StrataError(
            f"network.outputs: `logits` of {params.target} are probabilities, none below 0 and summing to 1: set"
            " `network.outputs: probabilities`, or leave out its softmax"
        )
    log_probabilities(output, params.outputs)


def _what(shape: Sequence[int]) -> str:
    return "token ids" if isinstance(shape, TokenShape) else "images" if len(shape) == 3 else "numbers"


def error_line(error: BaseException) -> str:
    """Return an exception as one line: its kind, and the start of its message."""
    return in_short(f"{type(error).__name__}: {error}")
