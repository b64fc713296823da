"""Which files of weights are safe to open: a plain archive of PyTorch whose pickle names nothing but tensors.

A file is checked before PyTorch opens it. PyTorch's own weight loader runs no code from a file, but it creates objects
that the file asks for: `bytearray(10**12)`, `torch.Tensor(10**12)`. Weights, and what training programs save beside
them, need only tensors over the file's own storages, numbers, texts, lists and dicts. Format: a zip archive with a
pickle, `data.pkl`, and one storage per tensor, `data/0` ..., all uncompressed.
"""

import errno
import pickletools
import re
import zipfile
from itertools import islice
from pathlib import Path

# What the pickle may name, as "module name". Calling any of them makes nothing larger than its arguments.
TYPES = "float16|bfloat16|float32|float64|int8|int16|int32|int64|uint8|bool"
GLOBALS = re.compile(
    r"collections (OrderedDict|Counter)"  # the second: the milestones of a learning rate's schedule
    r"|__builtin__ set"
    r"|torch\._utils (_rebuild_tensor_v2|_rebuild_parameter)"
    r"|torch (Half|BFloat16|Float|Double|Char|Short|Int|Long|Byte|Bool)Storage"
    rf"|torch (Size|device|{TYPES})"
)
OTHER_WAYS_TO_NAME = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}
MEMO = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
LARGEST_PICKLE = 1 << 24  # bytes; a state_dict needs about a hundred per tensor
ONLY_TENSORS = "torch.save(network.state_dict(), 'weights.pt')"


class ForeignObjectError(ValueError):
    """A pickle asks for something that weights do not need; the text names it, and what to type."""


def check_form(path: Path) -> None:
    """Raise ValueError, with the reason, unless a file has the format of weights and unpacks to its own size."""
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
    check_pickle(pickled)


def check_pickle(pickled: bytes) -> None:
    """Raise ForeignObjectError if a pickle names anything but GLOBALS, and ValueError if it is damaged."""
    for operation, argument, _ in pickletools.genops(pickled):
        named = str(argument) if operation.name == "GLOBAL" else None
        if named is not None and not GLOBALS.fullmatch(named):
            if _begins_with_object(pickled):
                raise ForeignObjectError(
                    f"it is a whole object of class {_shown(named)}, not its weights; where it opens: {ONLY_TENSORS}"
                )
            raise ForeignObjectError(
                f"it asks for {_shown(named)}, which no state_dict needs; where you trust it: {ONLY_TENSORS}"
            )
        if operation.name == "NEWOBJ" or operation.name in OTHER_WAYS_TO_NAME:
            raise ForeignObjectError(
                f"it asks for {operation.name}, which no state_dict needs; where you trust it: {ONLY_TENSORS}"
            )


def _begins_with_object(pickled: bytes) -> bool:
    """Return whether a pickle is that of an instance, as of a whole network: its class, no arguments, a new object."""
    try:
        names = [operation.name for operation, _, _ in islice(pickletools.genops(pickled), 6)]
    except ValueError:
        return False
    return [name for name in names if name not in MEMO][:4] == ["PROTO", "GLOBAL", "EMPTY_TUPLE", "NEWOBJ"]


def _shown(name: str) -> str:
    shown = name.replace(" ", ".")
    return shown if shown.isprintable() and len(shown) <= 60 else repr(shown[:50])
