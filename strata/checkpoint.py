"""The network's weights on disk: a plain state_dict, which any PyTorch program can load."""

from pathlib import Path

import torch
from torch import nn

from strata.atomic import whole_file
from strata.checkpoint_form import check_form
from strata.errors import StrataError


def save_checkpoint(network: nn.Module, path: Path) -> None:
    """Write the state_dict, on the CPU, whole or not at all; the same weights give the same bytes."""
    state = {key: tensor.cpu().contiguous() for key, tensor in network.state_dict().items()}
    with whole_file(path) as part, part.open("wb") as file:
        # Through a file object the archive's inner name is "archive", not the temporary file's name.
        torch.save(state, file)


def load_checkpoint(network: nn.Module, path: Path, remedy: str = "run `dvc repro -f train`") -> None:
    """Load a state_dict into `network`, strictly. Nothing but tensors is unpickled, no more bytes than the
    file has. `remedy` ends what errors say.

    Raises StrataError where the file is missing, damaged, holds more than tensors, or does not fit the network.
    """
    try:
        check_form(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError):
        raise StrataError(f"{path} is missing; {remedy}") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes end in a dozen kinds; torch's texts advise to load the file unsafely
        raise StrataError(
            f"{path} is not a checkpoint that is safe to load: damaged, or more than tensors; {remedy}"
        ) from error
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise StrataError(f"{path} does not fit the network of params.yaml: {reason}; {remedy}") from None
