"""The network's weights on disk: a plain state_dict, which any PyTorch program can load.

A file is checked to be a plain state_dict before PyTorch opens it. PyTorch's own weight loader runs no code from a
file, but it creates objects that the file asks for: `bytearray(10**12)`, `torch.Tensor(10**12)`. A state_dict needs
only tensors over the file's own storages. Format: a zip archive with a pickle, `data.pkl`, and one storage per tensor,
`data/0` ..., all uncompressed.
"""

import errno
import pickletools
import re
import zipfile
from pathlib import Path

import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.files import whole_file

# What the pickle may name, as "module name".
GLOBALS = re.compile(
    r"collections OrderedDict"
    r"|torch\._utils (_rebuild_tensor_v2|_rebuild_parameter)"
    r"|torch (Half|BFloat16|Float|Double|Char|Short|Int|Long|Byte|Bool)Storage"
)
OTHER_WAYS_TO_NAME = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}
LARGEST_PICKLE = 1 << 24  # bytes; a state_dict needs about a hundred per tensor


def check_form(path: Path) -> None:
    """Raise ValueError, with the reason, unless a file has the format of a state_dict and unpacks to its own size."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
            pickles = [record for record in records if record.filename.endswith("/data.pkl")]
            if any(record.compress_type != zipfile.ZIP_STORED for record in records):
                raise ValueError("an archive with compressed parts")
            if sum(record.file_size for record in records) > path.stat().st_size:
                raise ValueError("an archive that claims more bytes than it has")
            if len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
                raise ValueError("an archive without the one pickle of a state_dict")
            pickled = archive.read(pickles[0])
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ValueError("an archive whose parts begin before the file") from None
    _check_pickle(pickled)


def _check_pickle(pickled: bytes) -> None:
    for operation, argument, _ in pickletools.genops(pickled):
        named = argument if operation.name == "GLOBAL" else None
        if operation.name in OTHER_WAYS_TO_NAME or (named is not None and not GLOBALS.fullmatch(str(named))):
            raise ValueError(f"it asks for {named or operation.name}, which no state_dict needs")


def save_checkpoint(network: nn.Module, path: Path) -> None:
    """Write the state_dict, on the CPU, whole or not at all; the same weights give the same bytes."""
    state = {key: tensor.cpu().contiguous() for key, tensor in network.state_dict().items()}
    with whole_file(path) as part, part.open("wb") as file:
        # Through a file object the archive's inner name is "archive", not the temporary file's name.
        torch.save(state, file)


def load_checkpoint(network: nn.Module, path: Path, remedy: str = "run `dvc repro -f train`") -> None:
    """Load a state_dict into `network`, strictly. Only tensors are unpickled, and no more bytes than the file has.

    Raises StrataError if the file is missing, damaged, has more than tensors, or does not fit the network; `remedy`
    ends the message.
    """
    try:
        check_form(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError):
        raise StrataError(f"{path} is missing; {remedy}") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes raise a dozen kinds; torch's messages advise loading the file unsafely
        raise StrataError(
            f"{path} is not a checkpoint that is safe to load: it is damaged, or has more than tensors; {remedy}"
        ) from error
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise StrataError(f"{path} does not fit the network of params.yaml: {reason}; {remedy}") from None
