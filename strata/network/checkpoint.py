"""The network's weights on disk: a plain state_dict, which any PyTorch program can load.

Weights of other programs are loaded, too: safetensors, weights inside the dict of a training program, and names with a
prefix. A file is checked before PyTorch opens it (strata/network/checkpoint_form.py).
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from strata.core.errors import StrataError, in_short
from strata.core.files import path_of, whole_file
from strata.network.checkpoint_form import ForeignObjectError, check_form
from strata.network.fitting_weights import fitting_weights, listed_names, nearest_misfit
from strata.network.foreign_weights import other_form

CHOICE = "::"  # between a file and the name of the weights in it


def save_checkpoint(network: nn.Module, path: Path) -> None:
    """Write the state_dict, on the CPU, whole or not at all; the same weights give the same bytes."""
    state = {key: tensor.cpu().contiguous() for key, tensor in network.state_dict().items()}
    with whole_file(path) as part, part.open("wb") as file:
        # Through a file object the archive's inner name is "archive", not the temporary file's name.
        torch.save(state, file)


def file_and_choice(text: str) -> tuple[Path, str | None]:
    """Return the file that a person named, and which of its weights to take if `::` and a name follow."""
    path = path_of(text)
    if CHOICE not in text or path.exists():
        return path, None
    file, _, choice = text.rpartition(CHOICE)
    return path_of(file), choice


def load_checkpoint(
    network: nn.Module, path: Path, remedy: str = "run `dvc repro -f train`", choice: str | None = None
) -> list[str]:
    """Load the weights of a file that fit `network` exactly; return a sentence for each change to the file's content.

    Only tensors and plain values are unpickled, and no more bytes than the file has. Raises StrataError if the file is
    missing, damaged, of another form, has other objects, does not fit, or has several weights that fit and `choice`
    does not name one; `remedy` ends the message unless that says what to type.
    """
    content = _content(path, remedy)
    expected = network.state_dict()
    fitting = fitting_weights(content, expected)
    if choice is not None:
        fitting = _chosen(fitting, choice, path)
    if not fitting:
        reason = nearest_misfit(content, expected)
        raise StrataError(f"{path} does not fit the network of params.yaml: {reason}; {remedy}")
    if len(fitting) > 1:
        names = [weights.name for weights in fitting]
        raise StrataError(
            f"{path} has several weights that fit: {listed_names(names)}; choose:"
            f" train.init_from={path}{CHOICE}{names[-1]}"
        )
    try:
        network.load_state_dict(fitting[0].state)
    except (RuntimeError, TypeError, AttributeError) as error:  # from the network's own way of loading
        reason = in_short(error)
        raise StrataError(f"{path} does not fit the network of params.yaml: {reason}; {remedy}") from None
    return fitting[0].notes()


def _chosen(fitting: list[Any], choice: str, path: Path) -> list[Any]:
    chosen = [weights for weights in fitting if weights.name == choice]
    if not chosen:
        there = listed_names([weights.name or "(the file itself)" for weights in fitting]) or "nothing"
        raise StrataError(f"{path} has no weights that fit named '{choice}'; those that fit: {there}")
    return chosen


def _content(path: Path, remedy: str) -> Any:
    try:
        if form := other_form(path):
            raise StrataError(f"{path} is {form}")
        if _is_safetensors(path):
            from safetensors.torch import load_file  # imported here: few files are in this form

            return load_file(path, device="cpu")
        check_form(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; {remedy}") from None
    except IsADirectoryError:
        raise StrataError(f"{path} is a folder; name a file of weights; {remedy}") from None
    except ForeignObjectError as error:
        raise StrataError(f"{path} is not safe to load: {error}") from None
    except (OSError, MemoryError, StrataError, ModuleNotFoundError):
        raise
    except Exception as error:  # damaged bytes raise a dozen kinds; torch's messages advise loading the file unsafely
        raise StrataError(f"{path} is not safe to load: it is damaged, or has more than tensors; {remedy}") from error


def _is_safetensors(path: Path) -> bool:
    """Return whether a file begins with the length of a JSON header, and then that header."""
    with path.open("rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size - 8
