"""What a checkpoint may not hold: code, objects of its own size, compressed parts, storages that are not there."""

import pickle
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path

import pytest
import torch

from fuzz.checkpoints import good, network, with_pickle
from strata.core.errors import StrataError
from strata.network.checkpoint import load_checkpoint
from strata.network.checkpoint_form import LARGEST_PICKLE, ONLY_TENSORS, check_form


def naming(name: bytes, argument: bytes) -> bytes:
    """A pickle that calls what it names with one argument."""
    return b"\x80\x02c" + name.replace(b" ", b"\n") + b"\n" + argument + b"\x85R."


def calling(number: int) -> bytes:
    return b"\x8a\x08" + number.to_bytes(8, "little")


def reason(path: Path, content: bytes) -> str:
    """Return why a file of that content is refused, after loading it is, too."""
    path.write_bytes(content)
    with pytest.raises(StrataError, match="is not safe to load"):
        load_checkpoint(network(), path)
    with pytest.raises(ValueError) as caught:
        check_form(path)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


def repacked(change: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return the valid checkpoint with other content in some parts."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(good())) as source, zipfile.ZipFile(made, "w", compression) as target:
        for name in [*source.namelist(), *change]:
            if name not in target.namelist():
                target.writestr(name, change.get(name) or source.read(name))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        (b"posix system", b"X\x0b\x00\x00\x00touch PWNED"),
        (b"builtins eval", b"X\x01\x00\x00\x001"),
        (b"__builtin__ bytearray", calling(10**12)),
        (b"torch Tensor", calling(10**12)),
        (b"torch FloatTensor", calling(10**12)),
        (b"torch.storage UntypedStorage", calling(10**12)),
        (b"torch._utils _rebuild_meta_tensor_no_storage", b"K\x01"),
        (b"torch Storage", b"K\x01"),
    ],
)
def test_a_pickle_may_name_only_what_a_state_dict_needs(name, argument, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reason(path, with_pickle(naming(name, argument))) == (
        f"it asks for {name.decode().replace(' ', '.')}, which no state_dict needs; where you trust it: {ONLY_TENSORS}"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize(
    ("pickled", "operation"),
    [(pickle.dumps(OrderedDict(), protocol=4), "STACK_GLOBAL"), (b"(ios\nsystem\n.", "INST"), (b"\x82\x01.", "EXT1")],
)
def test_names_that_come_in_another_way_are_refused(pickled, operation, path):
    assert reason(path, with_pickle(pickled)).startswith(f"it asks for {operation}, which no state_dict needs")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(path):
    bomb = repacked({"archive/data/99": bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 17
    assert reason(path, bomb) == "an archive with compressed parts"


def test_parts_that_overlap_are_refused(path):
    content = bytearray(good())
    for _ in range(content.count(b"PK\1\2")):  # each entry of the directory claims 3 GB
        place = content.index(b"PK\1\2")
        content[place : place + 4] = b"PK\1\3"
        content[place + 20 : place + 28] = b"\0\0\0\xc0" * 2
    assert reason(path, bytes(content.replace(b"PK\1\3", b"PK\1\2"))) == "an archive that claims more bytes than it has"


def test_a_part_that_begins_before_the_file_is_refused(path):
    content = bytearray(repacked({}))
    end = content.rindex(b"PK\5\6")  # found by fuzzing: the directory is said to begin later than it does
    content[end + 16 : end + 20] = (int.from_bytes(content[end + 16 : end + 20], "little") + 100).to_bytes(4, "little")
    assert reason(path, bytes(content)) == "an archive whose parts begin before the file"


@pytest.mark.parametrize(
    "content",
    [repacked({"other/data.pkl": b"."}), repacked({"archive/data.pkl": b"." * (LARGEST_PICKLE + 1)})],
    ids=["two", "huge"],
)
def test_there_is_one_pickle_of_a_sensible_size(content, path):
    assert reason(path, content) == "an archive without the one pickle of a state_dict"


def test_a_storage_that_claims_more_than_it_has_is_refused_by_torch(path):
    pickled = zipfile.ZipFile(BytesIO(good())).read("archive/data.pkl")
    # K\x01: the first storage, of conv1.weight, has one number; J\x00\x00\x00\x7f claims two thousand million.
    place = pickled.index(b"K\x01t")
    path.write_bytes(with_pickle(pickled[:place] + b"J\0\0\0\x7f" + pickled[place + 2 :]))
    check_form(path)
    with pytest.raises(StrataError, match="is not safe to load"):
        load_checkpoint(network(), path)


@pytest.mark.parametrize("half", [False, True])
def test_state_dicts_that_other_programs_save_are_taken(half, path):
    state = network().half().state_dict() if half else network().state_dict()
    network().float()
    torch.save(OrderedDict((name, torch.nn.Parameter(tensor.clone())) for name, tensor in state.items()), path)
    load_checkpoint(network(), path)
    torch.save(network().state_dict(), path)  # with PyTorch's own _metadata
    load_checkpoint(network(), path)
