"""Weights as training programs save them: inside dicts, with prefixes, as safetensors; and what is said of each."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from strata.core.errors import StrataError
from strata.network.checkpoint import file_and_choice, load_checkpoint
from strata.network.fitting_weights import fitting_weights


def small() -> nn.Module:
    """A network whose weights no other call draws."""
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), fc=nn.Linear(2, 3)))


def prefixed(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


def loaded(path: Path, saved: nn.Module, choice: str | None = None) -> list[str]:
    """Load a file into another network; return what was said, after comparing every weight."""
    network = small()
    notes = load_checkpoint(network, path, "check train.init_from", choice)
    for key, tensor in saved.state_dict().items():
        assert torch.equal(network.state_dict()[key], tensor), key
    return notes


def refusal(path: Path, choice: str | None = None) -> str:
    """Return the one line in which loading ends, without the path, which may be of any length."""
    with pytest.raises(StrataError) as caught:
        load_checkpoint(small(), path, "check train.init_from", choice)
    message = str(caught.value).replace(str(path), "x.pt")
    assert "\n" not in message and len(message) <= 200
    return message


@pytest.fixture
def saved() -> nn.Module:
    return small()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.pt"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model.net.0."])
def test_a_prefix_that_all_names_share_is_removed(prefix, saved, path):
    torch.save(prefixed(prefix, saved.state_dict()), path)
    assert loaded(path, saved) == [f"prefix '{prefix}' removed from the names"]


def test_a_plain_state_dict_needs_no_word(saved, path):
    torch.save(saved.state_dict(), path)
    assert loaded(path, saved) == []


def test_networks_that_pytorch_wraps_are_taken(saved, path):
    torch.save(nn.DataParallel(saved).state_dict(), path)
    assert loaded(path, saved) == ["prefix 'module.' removed from the names"]
    torch.save(AveragedModel(saved).state_dict(), path)
    assert loaded(path, saved) == ["prefix 'module.' removed from the names", "not used: n_averaged"]


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "ema_state_dict", "model_ema", "net"])
def test_the_one_dict_that_fits_is_taken_and_the_rest_is_named(name, saved, path):
    optimizer = torch.optim.SGD(saved.parameters(), lr=0.1, momentum=0.9)
    sum(weights.sum() for weights in saved.parameters()).backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])  # it has a Counter
    content = {name: saved.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.5, "names": ["a"]}
    torch.save({**content, "schedule": schedule.state_dict(), "shape": torch.Size([1, 2]), "of": torch.float32}, path)
    assert loaded(path, saved) == [
        f"taken from '{name}' of the file",
        "not used: optimizer, epoch, best, names, schedule, shape, of",
    ]


def test_a_file_of_lightning_is_taken(saved, path):
    state = prefixed("model.", saved.state_dict()) | {"accuracy.total": torch.zeros(())}
    content = {"epoch": 1, "global_step": 9, "pytorch-lightning_version": "2.5", "state_dict": state, "loops": {}}
    torch.save({**content, "callbacks": {}, "optimizer_states": [{"state": {0: {"step": torch.ones(())}}}]}, path)
    assert loaded(path, saved) == [
        "taken from 'state_dict' of the file",
        "prefix 'model.' removed from the names",
        "not used: epoch, global_step, pytorch-lightning_version and 4 more",
    ]


def test_several_that_fit_must_be_chosen(saved, path):
    other = small()
    torch.save({"model": saved.state_dict(), "model_ema": other.state_dict(), "epoch": 3}, path)
    assert refusal(path) == (
        "x.pt has several weights that fit: model, model_ema; choose: train.init_from=x.pt::model_ema"
    )
    assert loaded(path, saved, "model")[0] == "taken from 'model' of the file"
    assert loaded(path, other, "model_ema")[1] == "not used: model, epoch"
    assert refusal(path, "ema") == "x.pt has no weights that fit named 'ema'; those that fit: model, model_ema"
    torch.save(
        {"state_dict": prefixed("student.", saved.state_dict()) | prefixed("teacher.", other.state_dict())}, path
    )
    assert refusal(path).startswith("x.pt has several weights that fit: state_dict.student, state_dict.teacher; choose")
    assert "prefix 'teacher.' removed from the names" in loaded(path, other, "state_dict.teacher")


def test_a_choice_stands_behind_two_colons(path):
    assert file_and_choice("a/b.ckpt") == (Path("a/b.ckpt"), None)
    assert file_and_choice("a/b.ckpt::state_dict.net") == (Path("a/b.ckpt"), "state_dict.net")
    named = path.with_name("odd::name.pt")
    named.touch()
    assert file_and_choice(str(named)) == (named, None)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_safetensors_are_read(prefix, saved, tmp_path):
    path = tmp_path / "any name"
    save_file(prefixed(prefix, saved.state_dict()), path, metadata={"format": "pt"})
    assert loaded(path, saved) == ([f"prefix '{prefix}' removed from the names"] if prefix else [])


def test_damaged_safetensors_are_one_line(saved, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(saved.state_dict(), path)
    content = path.read_bytes()
    network = small()
    for damaged in (content[:-1], content + b"\0", content[:20], content[:8] + b"{" * (len(content) - 8)):
        path.write_bytes(damaged)
        with pytest.raises(StrataError, match=r"is not safe to load: it is damaged"):
            load_checkpoint(network, path)
    for place in range(0, 400, 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        try:
            load_checkpoint(network, path)
        except StrataError as error:
            assert "\n" not in str(error)


def test_counts_of_batches_may_be_missing_as_in_old_files(saved, path):
    state = saved.state_dict()
    del state["norm.num_batches_tracked"]
    torch.save(dict(state), path)
    assert loaded(path, saved) == []


def without(state: dict[str, torch.Tensor], *names: str) -> dict[str, torch.Tensor]:
    return {key: tensor for key, tensor in state.items() if key not in names}


def test_what_does_not_fit_is_told_by_its_nearest_weights(saved, path):
    state = dict(saved.state_dict())
    start = "x.pt does not fit the network of params.yaml: "
    for content, said in (
        (without(state, "fc.bias"), "it lacks fc.bias"),
        ({**state, "fc2.bias": torch.zeros(1)}, "it has, but the network lacks, fc2.bias"),
        ({**without(state, "fc.bias"), "b": torch.zeros(1)}, "it lacks fc.bias; the network lacks b"),
        ({**state, "fc.bias": torch.zeros(4)}, "fc.bias is 4, but the network's 3"),
        ({**state, "fc.weight": torch.zeros(())}, "fc.weight is one number, but the network's 3 x 2"),
        (prefixed("net.", without(state, "fc.bias")), "it lacks fc.bias"),
        ({"epoch": 1, "net": without(state, "fc.bias", "fc.weight")}, "in 'net' it lacks fc.weight, fc.bias"),
        ({"epoch": 1}, "it has no dict of tensors, but a dict"),
        ([1], "it has no dict of tensors, but a list"),
        ({"\n" * 300: torch.zeros(1)}, "it lacks conv.weight, conv.bias, norm.weight, norm.bias and 4 more; the"),
    ):
        torch.save(content, path)
        message = refusal(path)
        assert message.startswith(start + said)
        assert message.endswith("; check train.init_from")


def test_dicts_in_many_places_are_looked_at_once():
    state = small().state_dict()
    nested: dict[str, object] = {"weights": dict(state)}
    for _ in range(60):  # a few hundred bytes, and 2^60 ways through them
        nested = {"a": nested, "b": nested}
    assert fitting_weights(nested, state) == []
    nested["itself"] = nested
    nested["found"] = dict(state)
    assert [weights.place for weights in fitting_weights(nested, state)] == ["found"]
