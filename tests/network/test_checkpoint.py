"""Checkpoints: the same bytes for the same weights, and nothing unsafe or damaged loaded."""

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from networks.mnist_cnn import MnistCnn
from strata.core.errors import StrataError
from strata.network.checkpoint import load_checkpoint, save_checkpoint


class Touch:
    """Unpickled without care, this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def small_network(seed: int = 0, fc1_units: int = 4) -> MnistCnn:
    widths = {"conv1_channels": 2, "conv2_channels": 3, "kernel_size": 3, "fc1_units": fc1_units}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MnistCnn(image_shape=(1, 10, 10), classes=5, **widths)


def unsafe_message(path: Path) -> str:
    return f"{path} is not safe to load: it is damaged, or has more than tensors; run `dvc repro -f train`"


def load_error(path: Path) -> str:
    """Return the text of the StrataError that loading ends in."""
    with pytest.raises(StrataError) as caught:
        load_checkpoint(small_network(), path)
    return str(caught.value)


def test_weights_survive_the_round_trip(tmp_path):
    saved, loaded = small_network(0), small_network(1)
    save_checkpoint(saved, tmp_path / "model.pt")
    load_checkpoint(loaded, tmp_path / "model.pt")
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_the_file_is_a_plain_state_dict(tmp_path):
    save_checkpoint(small_network(), tmp_path / "model.pt")
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert list(state) == [
        f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weight", "bias")
    ]


def test_the_same_weights_give_the_same_bytes_under_any_name(tmp_path):
    first, second = tmp_path / "a/model.pt", tmp_path / "b/c/another name.bin"
    save_checkpoint(small_network(), first)
    save_checkpoint(small_network(), second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("in_archive", [True, False])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, in_archive):
    path, victim = tmp_path / "model.pt", tmp_path / "victim"
    content = {"conv1.weight": Touch(victim)}
    if in_archive:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    message = load_error(path)
    assert message.startswith(f"{path} is not safe to load: ") and "\n" not in message
    assert not victim.exists()


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_truncated_file_is_refused(tmp_path, length):
    path = tmp_path / "model.pt"
    save_checkpoint(small_network(), path)
    path.write_bytes(path.read_bytes()[:length])
    assert load_error(path) == (unsafe_message(path) if length else f"{path} is empty: copy it again")


@given(content=st.binary(max_size=80) | st.binary(max_size=80).map(b"\x80\x02".__add__))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_other_bytes_are_refused(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    assert str(path) in load_error(path)


def test_a_missing_file_is_named(tmp_path):
    assert load_error(tmp_path / "model.pt") == f"{tmp_path / 'model.pt'} is missing; run `dvc repro -f train`"


def test_weights_of_another_width_are_refused_in_one_line(tmp_path):
    path = tmp_path / "model.pt"
    save_checkpoint(small_network(fc1_units=6), path)
    message = load_error(path)
    assert message.startswith(f"{path} does not fit the network of params.yaml: ")
    assert "fc1.weight is 6 x 3, but the network's 4 x 3" in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [torch.zeros(3), {1: torch.zeros(1)}, {"conv1.weight": 3}, [1], None])
def test_what_is_no_state_dict_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "model.pt"
    torch.save(content, path)
    message = load_error(path)
    assert message.startswith(f"{path} does not fit the network of params.yaml: ")
    assert "\n" not in message


def test_a_failed_load_leaves_the_other_weights_reported_not_silent(tmp_path):
    path = tmp_path / "model.pt"
    state = small_network().state_dict()
    del state["fc2.bias"]
    torch.save(state, path)
    assert "it lacks fc2.bias" in load_error(path)
