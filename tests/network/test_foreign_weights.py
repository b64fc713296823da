"""Files that are no weights of PyTorch: each is named, with what to type, and nothing in it is unpickled."""

import io
import pickle
import tarfile
import warnings
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from strata.core.errors import StrataError
from strata.network.checkpoint import load_checkpoint

ONLY = "torch.save(network.state_dict(), 'weights.pt')"


class Net(nn.Linear):
    """Pickled whole, this cannot be opened without this file."""


def refusal(path: Path) -> str:
    """Return the one line in which loading ends, without the path, which may be of any length."""
    with pytest.raises(StrataError) as caught:
        load_checkpoint(nn.Linear(2, 3), path, "check train.init_from")
    message = str(caught.value).replace(str(path), "x.pt")
    assert "\n" not in message and len(message) <= 200
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.pt"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pt"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty: copy it again"),
        (
            b"\x89HDF\r\n\x1a\n" + bytes(90),
            f"an HDF5 file, as Keras writes: copy the weights into the PyTorch network and {ONLY}",
        ),
        (
            zipped("metadata.json", "config.json", "model.weights.h5"),
            f"a Keras archive: copy the weights into the PyTorch network and {ONLY}",
        ),
        (b"GGUF\3\0\0\0", "a GGUF file, with quantized weights: name the .safetensors file that it was made from"),
        (b"\x08\x08\x12\x07pytorch\x1a\x062.14.1", f"an ONNX file: in the program that exported it, {ONLY}"),
        (b"\x1f\x8b\x08", "compressed: unpack it with gunzip, or tar -xzf, and name the file of weights"),
        (tarred(), "a tar archive: unpack it with tar -xf, and name the file of weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS, not the file itself: git lfs pull"),
        (b"<!DOCTYPE html>", "a web page, or XML: download the file of weights itself"),
        (b'{"weight_map": {}}', "JSON, perhaps an index of several files: join them into one, and name that"),
        (
            zipped("a.npy", "b.npy"),
            "an .npz of arrays: torch.save({k: torch.from_numpy(v) for k, v in np.load(path).items()}, 'weights.pt')",
        ),
        (
            zipped("model.onnx", "notes"),
            "a zip archive without weights of PyTorch: unpack it with unzip, and name the file of weights",
        ),
        (
            zipped("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"),
            "TorchScript: torch.save(torch.jit.load('x.pt').state_dict(), 'weights.pt')",
        ),
        (
            zipped("m/archive_format", "m/models/model.json"),
            "an exported program: torch.save(torch.export.load('x.pt').state_dict, 'weights.pt')",
        ),
    ],
)
def test_a_file_of_another_form_is_named(content, said, path):
    path.write_bytes(content)
    assert refusal(path) == f"x.pt is {said}"


def test_one_array_of_numpy_is_named(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert refusal(path).startswith("x.pt is one NumPy array: torch.save({")


def test_torchscript_as_pytorch_writes_it_is_named(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2)).save(path)
    assert refusal(path).startswith("x.pt is TorchScript: ")


def test_a_whole_network_is_named_by_its_class(path):
    torch.save(Net(2, 3), path)
    assert refusal(path) == (
        f"x.pt is not safe to load: it is a whole object of class {__name__}.Net, not its weights;"
        f" where it opens: {ONLY}"
    )


def test_an_object_beside_the_weights_is_named(path):
    torch.save({"model": nn.Linear(2, 3).state_dict(), "args": Namespace(lr=1)}, path)
    assert refusal(path) == (
        "x.pt is not safe to load: it asks for argparse.Namespace, which no state_dict needs;"
        f" where you trust it: {ONLY}"
    )


def test_the_form_before_1_6_has_a_line_that_converts_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = nn.Linear(2, 3)
    torch.save(saved.state_dict(), "old.pt", _use_new_zipfile_serialization=False)
    message = refusal(Path("old.pt"))
    command = "import torch; torch.save(torch.load('x.pt', weights_only=True), 'weights.pt')"
    assert message == f'x.pt is in PyTorch\'s form before 1.6: python -c "{command}"'
    exec(command.replace("x.pt", "old.pt"))  # noqa: S102 - what the line says to type
    network = nn.Linear(2, 3)
    assert load_checkpoint(network, Path("weights.pt")) == []
    assert torch.equal(network.weight, saved.weight)


def test_the_form_before_1_6_with_other_objects_has_no_such_line(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(Net(2, 3), path, _use_new_zipfile_serialization=False)
    assert refusal(path) == (
        f"x.pt is in PyTorch's form before 1.6, and it asks for {__name__}.Net, which no state_dict needs;"
        f" where you trust it: {ONLY}"
    )
    path.write_bytes(path.read_bytes()[:60])
    assert refusal(path) == "x.pt is damaged: copy it again"


def test_a_folder_is_named(tmp_path):
    assert refusal(tmp_path) == "x.pt is a folder; name a file of weights; check train.init_from"


def test_a_plain_pickle_is_refused(path):
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    assert refusal(path).endswith("it is damaged, or has more than tensors; check train.init_from")
