"""Files of weights in forms that Strata does not open, by their first bytes: what each is, and what to type."""

import io
import pickletools
import zipfile
from pathlib import Path

from strata.network.checkpoint_form import LARGEST_PICKLE, ONLY_TENSORS, ForeignObjectError, check_pickle

START = 1 << 10  # bytes that are looked at
TAR_MAGIC, TAR_PLACE = b"ustar", 257
# The pickle of 0x1950a86a20f9469cfc6c, with which PyTorch's files before 1.6 begin.
BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PICKLES_BEFORE_OBJECT = 3  # the magic number, the protocol and the machine's sizes

KERAS = f"copy the weights into the PyTorch network and {ONLY_TENSORS}"
BEGINNINGS = {
    b"\x89HDF\r\n\x1a\n": f"an HDF5 file, as Keras writes: {KERAS}",
    b"GGUF": "a GGUF file, with quantized weights: name the .safetensors file that it was made from",
    b"\x93NUMPY": "one NumPy array: torch.save({'name.weight': torch.from_numpy(np.load(path)), ...}, 'weights.pt')",
    b"\x1f\x8b": "compressed: unpack it with gunzip, or tar -xzf, and name the file of weights",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: git lfs pull",
    b"<": "a web page, or XML: download the file of weights itself",
    b"{": "JSON, perhaps an index of several files: join them into one, and name that",
}


def other_form(path: Path) -> str | None:
    """Return what a file of another form is, with what to type, or None if it may be an archive of PyTorch.

    Nothing in the file is unpickled.
    """
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        return "empty: copy it again"
    if start.startswith(BEFORE_1_6):
        return _before_1_6(path)
    if start[TAR_PLACE:].startswith(TAR_MAGIC):
        return "a tar archive: unpack it with tar -xf, and name the file of weights"
    for beginning, text in BEGINNINGS.items():
        if start.startswith(beginning):
            return text
    # A model's first fields: its version, a number, then the producer's name, or the operators it needs.
    if path.suffix == ".onnx" or (start[0] == 0x08 and start[2:3] == b"\x12" and start[4:8].isascii()):
        return f"an ONNX file: in the program that exported it, {ONLY_TENSORS}"
    if zipfile.is_zipfile(path):
        return _other_archive(path)
    return None


def _other_archive(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return None
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return f"TorchScript: torch.save(torch.jit.load({str(path)!r}).state_dict(), 'weights.pt')"
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return f"an exported program: torch.save(torch.export.load({str(path)!r}).state_dict, 'weights.pt')"
    if "model.weights.h5" in names:
        return f"a Keras archive: {KERAS}"
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz of arrays: torch.save({k: torch.from_numpy(v) for k, v in np.load(path).items()}, 'weights.pt')"
    if not any(name.endswith("/data.pkl") for name in names):
        return "a zip archive without weights of PyTorch: unpack it with unzip, and name the file of weights"
    return None


def _before_1_6(path: Path) -> str:
    with path.open("rb") as file:
        content = io.BytesIO(file.read(LARGEST_PICKLE))
    try:
        for _ in range(PICKLES_BEFORE_OBJECT):
            for _operation in pickletools.genops(content):
                pass
        place = content.tell()
        for _operation in pickletools.genops(content):
            pass
        check_pickle(content.getvalue()[place : content.tell()])
    except ForeignObjectError as error:
        return f"in PyTorch's form before 1.6, and {error}"
    except ValueError:
        return "damaged: copy it again"
    return (
        "in PyTorch's form before 1.6:"
        f" python -c \"import torch; torch.save(torch.load('{path}', weights_only=True), 'weights.pt')\""
    )
