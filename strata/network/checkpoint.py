"""The network's weights on disk: a plain state_dict, which any PyTorch program can load.

Whether a file has the form of a plain state_dict, told before PyTorch opens it.

PyTorch's own loader of weights runs no code of a file, yet makes objects of its asking: `bytearray(10**12)`,
`torch.Tensor(10**12)`. A state_dict needs tensors over the file's own storages, and no more. Format: a zip archive with
a pickle, `data.pkl`, and a storage a tensor, `data/0` ..., all uncompressed.
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

# "module name" of what the pickle may name.
GLOBALS = re.compile(
    r"collections OrderedDict"
    r"|torch\._utils (_rebuild_tensor_v2|_rebuild_parameter)"
    r"|torch (Half|BFloat16|Float|Double|Char|Short|Int|Long|Byte|Bool)Storage"
)
OTHER_WAYS_TO_NAME = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}
LARGEST_PICKLE = 1 << 24  # bytes; that of a state_dict has some hundred a tensor


def check_form(path: Path) -> None:
    """Raise ValueError, with the reason, unless a file has the form of a state_dict and unpacks to its own size."""
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
