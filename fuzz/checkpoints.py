"""The loader of checkpoints: any bytes give a state_dict that fits the network, or a one-line error; no code runs."""

import pickle
import zipfile
from functools import cache
from io import BytesIO

import torch
from torch import nn

from fuzz.scratch import content_or_refusal, file_of
from strata.network.checkpoint import load_checkpoint, save_checkpoint
from strata.network.make import initialized_network
from strata.network.params import NetworkParams

LONGEST = 1 << 13  # bytes of an input; the valid file has 3,000


@cache
def network() -> nn.Module:
    """Return the small network that every input is loaded into."""
    widths = {"conv1_channels": 1, "conv2_channels": 1, "kernel_size": 1, "fc1_units": 2}
    params = NetworkParams(target="networks.mnist_cnn:MnistCnn", arguments=widths, outputs="log-probabilities")
    return initialized_network(params, (1, 4, 4), 2, seed=0)


@cache
def good() -> bytes:
    """Return a valid checkpoint of the network."""
    path = file_of(b"")
    save_checkpoint(network(), path)
    return path.read_bytes()


def with_pickle(pickled: bytes) -> bytes:
    """Return the valid checkpoint with another pickle inside and correct checksums, as an attacker would make it."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(good())) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            target.writestr(name, pickled if name.endswith("/data.pkl") else source.read(name))
    return made.getvalue()


def one_input(data: bytes) -> None:
    """Load `data` as a checkpoint, and as the pickle inside one."""
    for content in (data, with_pickle(data)):
        path = file_of(content)
        content_or_refusal(lambda path=path: load_checkpoint(network(), path))


def seeds() -> list[bytes]:
    """Return valid files, one in a training program's dict, the pickles of state_dicts, and plain and legacy ones."""
    from safetensors.torch import save

    legacy = BytesIO()
    torch.save(network().state_dict(), legacy, _use_new_zipfile_serialization=False)
    files = [good(), legacy.getvalue(), pickle.dumps({"conv1.weight": [1.5, None, b"x"]}, protocol=2)]
    for content in (dict(network().state_dict()), network().state_dict(), [torch.zeros(2, dtype=torch.int8)]):
        archive = BytesIO()
        torch.save(content, archive)
        with zipfile.ZipFile(archive) as opened:
            files.append(opened.read("archive/data.pkl"))
    wrapped = BytesIO()
    torch.save({"net": {f"model.{name}": tensor for name, tensor in network().state_dict().items()}, "e": 1}, wrapped)
    return [*files, wrapped.getvalue(), save(network().state_dict())]
