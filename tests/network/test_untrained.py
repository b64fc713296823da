"""The untrained twin: the constructor's if that draws, drawn again if it does not, refused if neither works."""

import itertools

import pytest
import torch
from torch import nn

from strata.core.errors import StrataError
from strata.network.make import initialized_network
from strata.network.params import NetworkParams
from strata.network.untrained import untrained_network

NUMBERS = itertools.count()
HEAD = """import torch
from torch import nn


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(48, 5)

    def forward(self, images):
        return self.head(self.body(images))


"""
SEEDED = """class Net(Base):
    def __init__(self):
        torch.manual_seed(3)
        super().__init__()
"""
LOADED = """class Net(Base):
    def __init__(self, path):
        super().__init__()
        self.load_state_dict(torch.load(path, weights_only=True))
"""
LOADED_BODY = """class Net(Base):
    def __init__(self, path):
        super().__init__()
        state = torch.load(path, weights_only=True)
        self.body.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("body")})
"""
CONSTANT = """class Net(Base):
    def __init__(self):
        super().__init__()
        self.gains = nn.Parameter(torch.linspace(0.5, 1.5, 5))
        self.mixing = nn.Parameter(torch.eye(5))

    def forward(self, images):
        return super().forward(images) * self.gains @ self.mixing
"""
OWN_RESET = """class Mixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(5))

    def reset_parameters(self):
        nn.init.normal_(self.weight)

    def forward(self, values):
        return values @ self.weight


class Net(Base):
    def __init__(self):
        super().__init__()
        self.mixing = Mixing()

    def forward(self, images):
        return self.mixing(super().forward(images))
"""


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A function that writes a module with a class Net and returns the target, another each time."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        name = f"own_twin_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
        return f"{name}:Net"

    return write


@pytest.fixture
def pretrained(tmp_path, target):
    """A file of weights, and of running statistics that are those of some training."""
    network = made(target("class Net(Base):\n    pass\n"))
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    return str(tmp_path / "weights.pt")


def params_of(target: str, **arguments: str) -> NetworkParams:
    return NetworkParams(target=target, arguments=arguments, outputs="logits")


def made(target: str, seed: int = 0, **arguments: str) -> nn.Module:
    """Return the network that training starts from."""
    return initialized_network(params_of(target, **arguments), (1, 3, 4), 5, seed)


def twin(target: str, seed: int = 0, **arguments: str) -> nn.Module:
    return untrained_network(params_of(target, **arguments), (1, 3, 4), 5, seed)


def same(one: nn.Module, other: nn.Module) -> dict[str, bool]:
    """Return by name which tensors of the states are equal."""
    others = other.state_dict()
    return {key: torch.equal(tensor, others[key]) for key, tensor in one.state_dict().items()}


def test_where_the_constructor_draws_the_twin_is_what_it_was():
    params = NetworkParams(target="networks.mnist_cnn:MnistCnn", arguments={}, outputs="log-probabilities")
    made_with = (params, (1, 28, 28), 10, 7)
    assert all(same(untrained_network(*made_with), initialized_network(*made_with)).values())


def test_norms_that_start_at_one_number_are_no_sign_of_loaded_weights(target):
    where = target("class Net(Base):\n    pass\n")
    assert all(same(twin(where), made(where)).values())


def test_a_seed_in_the_constructor_does_not_make_the_twin_the_network(target):
    where = target(SEEDED)
    assert all(same(made(where, 0), made(where, 1)).values())  # what training starts from is left as it is
    drawn = {key for key, equal in same(twin(where), made(where)).items() if not equal}
    assert drawn == {"body.0.weight", "body.0.bias", "head.weight", "head.bias"}
    assert all(same(twin(where), twin(where)).values())
    assert not same(twin(where, 0), twin(where, 1))["head.weight"]


def test_loaded_weights_and_running_statistics_are_drawn_anew(target, pretrained):
    where = target(LOADED)
    network, untrained = made(where, path=pretrained), twin(where, path=pretrained)
    assert [key for key, equal in same(network, untrained).items() if equal] == ["body.1.num_batches_tracked"]
    norm = untrained.body[1]
    assert norm.weight.tolist() == [1] * 4 and norm.bias.tolist() == [0] * 4
    assert norm.running_mean.tolist() == [0] * 4 and norm.running_var.tolist() == [1] * 4
    assert 0 < untrained.head.weight.std() < 0.2  # as torch draws it: uniform within 1 / sqrt(48)
    assert not untrained.training and untrained.head.weight.requires_grad


def test_a_new_head_on_a_loaded_body_stays_as_it_was_drawn(target, pretrained):
    where = target(LOADED_BODY)
    found = same(made(where, path=pretrained), twin(where, path=pretrained))
    assert found["head.weight"] and found["head.bias"]
    assert not (found["body.0.weight"] or found["body.1.running_mean"])


def test_weights_that_nothing_draws_are_refused_by_name(target):
    where = target(CONSTANT)
    with pytest.raises(StrataError) as caught:
        twin(where)
    assert str(caught.value) == (
        f"network.target {where}: no seed changes gains, mixing, so there is no untrained network; make it without"
        " loaded weights, or give it a reset_parameters"
    )


def test_a_long_list_of_weights_is_cut(target):
    weights = "\n".join(f"        self.w{number} = nn.Parameter(torch.eye(2))" for number in range(20))
    where = target(f"class Net(Base):\n    def __init__(self):\n        super().__init__()\n{weights}\n")
    with pytest.raises(StrataError, match=r"no seed changes w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 and 10 more, so"):
        twin(where)


def test_a_modules_own_reset_is_used(target):
    where = target(OWN_RESET)
    assert [key for key, equal in same(made(where), twin(where)).items() if not equal] == ["mixing.weight"]
    assert not same(twin(where, 0), twin(where, 1))["mixing.weight"]


def test_the_reset_of_a_module_around_the_weights_is_used(target):
    """Attention owns a weight that its own private reset draws."""
    text = """class Net(Base):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.attention = nn.MultiheadAttention(5, 1)
        with torch.no_grad():
            self.attention.in_proj_weight.copy_(torch.rand(15, 5, generator=generator))
"""
    where = target(text)
    assert same(made(where, 0), made(where, 1))["attention.in_proj_weight"]
    assert not same(made(where), twin(where))["attention.in_proj_weight"]


def test_a_reset_that_fails_is_one_line(target):
    where = target(OWN_RESET.replace("nn.init.normal_(self.weight)", "raise RuntimeError('no\\nway')"))
    with pytest.raises(StrataError) as caught:
        twin(where)
    assert str(caught.value) == f"network.target {where}: reset_parameters of 'mixing': RuntimeError: no way"


def test_the_global_generator_is_left_alone(target, pretrained):
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    twin(target(LOADED), path=pretrained)
    assert torch.equal(torch.random.get_rng_state(), before)
