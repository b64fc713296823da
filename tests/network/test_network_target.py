"""Making the network that params.yaml names: what it is given, and one line for every way in which it does not fit."""

import itertools

import pytest
import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.layers import as_layers
from strata.network.capture import captured
from strata.network.io import log_probabilities
from strata.network.make import initialized_network
from strata.network.params import NetworkParams

NUMBERS = itertools.count()
HEAD = "import torch\nfrom torch import nn\n\n\n"
LINEAR = """class Linear(nn.Module):
    def __init__(self, image_shape, classes, bias=True):
        super().__init__()
        self.layer = nn.Linear(image_shape[0] * image_shape[1] * image_shape[2], classes, bias=bias)
        self.given = image_shape

    def forward(self, images):
        return self.layer(images.flatten(1))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module and returns its name, another each time: an import is remembered."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        name = f"own_network_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
        return name

    return write


def made(target: str, outputs: str = "logits", image_shape=(1, 3, 4), part=None, **arguments) -> nn.Module:
    """Return the network of a target for five classes."""
    params = NetworkParams(target=target, arguments=arguments, outputs=outputs, part=part)
    return initialized_network(params, image_shape, 5, seed=0)


def refusal(target: str, outputs: str = "logits", part=None, **arguments) -> str:
    with pytest.raises(StrataError) as caught:
        made(target, outputs, part=part, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_data_give_image_shape_and_classes_and_params_the_rest(module):
    network = made(f"{module(LINEAR)}:Linear", bias=False)
    assert network.given == (1, 3, 4) and network.layer.bias is None
    assert network.layer.weight.shape == (5, 12)
    assert not network.training


def test_an_argument_comes_before_what_the_data_give(module):
    text = "def net(classes=3):\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, classes))\n"
    name = module(text)
    assert made(f"{name}:net")[1].out_features == 5
    assert refusal(f"{name}:net", classes=4) == (
        f"network.target {name}:net: it must output 5 numbers per image, one per class;"
        " for two images its output is (2, 4); without a head, set network.outputs: features"
    )


def test_a_function_and_an_installed_package_will_do():
    network = made("torchvision.models:resnet18", image_shape=(3, 32, 32), num_classes=5)
    assert network.fc.out_features == 5


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_lazy_weights_come_from_the_seed_too(module):
    name = module("def net():\n    return nn.Sequential(nn.Flatten(), nn.LazyLinear(5))\n")
    torch.manual_seed(9)
    first, second = made(f"{name}:net"), made(f"{name}:net")
    assert torch.equal(first[1].weight, second[1].weight)


@pytest.mark.parametrize("target", ["no_such_module:Net", "networks.no_such_module:Net", "no_such.module:Net"])
def test_a_module_that_is_not_there(target):
    missing = target.partition(":")[0] if target.startswith("networks") else target.partition(":")[0].partition(".")[0]
    assert refusal(target) == (
        f"network.target {target}: no module '{missing}'; write package.module:Class, from the project's folder or an"
        " installed package"
    )


@pytest.mark.parametrize(
    ("name", "hint"), [("Liner", "; did you mean Linear?"), ("zzz", ""), ("nn", ""), ("HEIGHT", "")]
)
def test_a_class_that_is_not_there(module, name, hint):
    where = module(LINEAR + "\n\nHEIGHT = 3\n")
    assert (
        refusal(f"{where}:{name}") == f"network.target {where}:{name}: {where} has no class or function '{name}'{hint}"
    )


def test_a_module_with_a_mistake(module):
    name = module("def net(:\n    pass\n")
    assert refusal(f"{name}:net").startswith(f"network.target {name}:net: the module cannot be imported: SyntaxError: ")
    name = module("x = 1 / 0\n")
    assert refusal(f"{name}:net") == (
        f"network.target {name}:net: the module cannot be imported: ZeroDivisionError: division by zero"
    )


QUANTIZED = """
def net(image_shape, classes):
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, classes))
    return torch.ao.quantization.quantize_dynamic(network, {nn.Linear})
"""
OF_ITS_OWN = """
class Net(nn.Linear):
    def get_extra_state(self):
        return {"a": 1}
    def set_extra_state(self, state):
        pass
def net(image_shape, classes):
    return nn.Sequential(nn.Flatten(), Net(12, classes))
"""


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of quantization
@pytest.mark.parametrize(
    ("code", "key"), [(QUANTIZED, "1._packed_params.dtype"), (OF_ITS_OWN, "1._extra_state")], ids=["quantized", "extra"]
)
def test_a_state_that_is_more_than_tensors_is_one_line(module, code, key):
    name = module("import torch\n" + code)
    line = refusal(f"{name}:net")
    assert line == (
        f"network.target {name}:net: '{key}' of its state_dict is no plain tensor, as in a quantized network; return it"
        " as it is before quantization"
    )
    assert len(line) <= 200


def test_a_package_that_the_module_needs_is_named(module):
    assert "no module 'no_such_package'" in refusal(f"{module('import no_such_package')}:net")


def test_wrong_arguments(module):
    target = f"{module(LINEAR)}:Linear"
    assert refusal(target, width=3) == (
        f"network.arguments: {target}: got an unexpected keyword argument 'width'; it takes: bias"
    )
    target = f"{module('def net(width):' + chr(10) + '    return nn.Linear(width, 1)')}:net"
    assert refusal(target) == f"network.arguments: {target}: missing a required argument: 'width'; it takes: width"


def test_an_error_in_the_class_is_one_line(module):
    target = f"{module('def net():' + chr(10) + '    raise KeyError(chr(10).join([chr(97), chr(98)]))')}:net"
    assert refusal(target).startswith(f"network.target {target}: KeyError: ")


def test_what_is_no_torch_module(module):
    target = f"{module('def net():' + chr(10) + '    return 3')}:net"
    assert refusal(target) == f"network.target {target} makes a int, not a torch module"


@pytest.mark.parametrize(
    ("made_of", "shape"),
    [("nn.Flatten()", "(2, 12)"), ("nn.Conv2d(1, 5, 1)", "(2, 5, 3, 4)"), ("nn.Flatten(0)", "(24,)")],
)
def test_outputs_of_another_shape(module, made_of, shape):
    target = f"{module('def net():' + chr(10) + '    return ' + made_of)}:net"
    assert refusal(target) == (
        f"network.target {target}: it must output 5 numbers per image, one per class;"
        f" for two images its output is {shape}; without a head, set network.outputs: features"
    )


def test_outputs_that_are_several(module):
    text = "class Net(nn.Module):\n    def forward(self, x):\n        return x, x\n"
    target = f"{module(text)}:Net"
    expected = f"network.part: {target} outputs 2 parts, not one tensor: add `part`, one of 0, 1"
    assert refusal(target) == expected


PARTS = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return {"features": x.flatten(1), "logits": self.head(x.flatten(1))}
"""


def test_one_of_several_outputs_has_the_classes(module):
    target = f"{module(PARTS)}:Net"
    params = NetworkParams(target=target, arguments={}, outputs="logits", part="logits")
    network = initialized_network(params, (1, 3, 4), 5, seed=0)
    images = torch.randn(6, 1, 3, 4)
    assert torch.equal(network(images), network.head(images.flatten(1)))
    assert list(network.state_dict()) == ["head.weight", "head.bias"]
    with captured(network, as_layers({"input": "input", "head": "head"})) as observed:
        output, layers = observed(images)
    assert torch.equal(output, layers["head"])
    with captured(network, as_layers({"flat": "flatten"})) as observed:
        assert torch.equal(observed(images)[0], network(images))


def test_a_part_with_other_numbers_or_none_of_that_name(module):
    target = f"{module(PARTS)}:Net"
    assert refusal(target, part="features").endswith(
        "its output is (2, 12); without a head, set network.outputs: features"
    )
    assert refusal(target, part=1) == (
        f"network.part: {target} outputs 2 named parts, without part 1; it has features, logits"
    )


def test_images_that_do_not_fit(module):
    target = f"{module('def net():' + chr(10) + '    return nn.Conv2d(3, 5, 1)')}:net"
    assert refusal(target).startswith(f"network.target {target} does not take images of shape (1, 3, 4): RuntimeError:")


SOFTMAX = """class Softmax(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 5)

    def forward(self, images):
        return self.layer(images.flatten(1)).softmax(dim=1)
"""


def test_probabilities_are_taken_as_such(module):
    name = module(SOFTMAX)
    network = made(f"{name}:Softmax", "probabilities")
    images = torch.randn(3, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    found = log_probabilities(network(images), "probabilities")
    torch.testing.assert_close(found, network.layer(images.flatten(1)).log_softmax(dim=1))
    assert refusal(f"{module(LINEAR)}:Linear", "probabilities") == (
        "network.outputs: the outputs are not probabilities; perhaps they are `logits` or `log-probabilities`"
    )


def test_a_softmax_is_not_taken_for_logits_or_logarithms(module):
    target = f"{module(SOFTMAX)}:Softmax"
    assert refusal(target, "logits") == (
        f"network.outputs: `logits` of {target} are probabilities, none below 0 and summing to 1: set"
        " `network.outputs: probabilities`, or leave out its softmax"
    )
    assert refusal(target, "log-probabilities") == (
        "network.outputs: the outputs are not log-probabilities; perhaps they are `probabilities`"
    )


def test_logits_that_look_like_probabilities_for_an_empty_image_are_logits(module):
    """Without content only the biases are left, and those may be anything."""
    text = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 5)
        nn.init.constant_(self.layer.bias, 0.2)

    def forward(self, images):
        return self.layer(images.flatten(1))
"""
    network = made(f"{module(text)}:Net")
    assert network(torch.zeros(2, 1, 3, 4)).sum(dim=1).tolist() == pytest.approx([1, 1])


def test_a_probability_of_0_has_a_logarithm_and_the_others_a_gradient():
    values = torch.tensor([[1.0, 0.0], [0.25, 0.75]], requires_grad=True)
    found = log_probabilities(values, "probabilities")
    assert found.isfinite().all() and found[0, 1] < -87 and found[1, 0].item() == pytest.approx(-1.386294, abs=1e-6)
    found[1, 0].backward()
    assert values.grad.tolist() == [[0, 0], [4, 0]]


def test_outputs_that_are_not_finite_are_left_to_the_loss():
    values = torch.full((2, 3), torch.nan)
    for form in ("log-probabilities", "probabilities", "logits"):
        assert log_probabilities(values, form).isnan().all()


def test_outputs_are_told_apart(module):
    name = module(LINEAR)
    assert refusal(f"{name}:Linear", "log-probabilities") == (
        "network.outputs: the outputs are not log-probabilities; perhaps they are `logits`"
    )
    values = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    found = log_probabilities(values, "logits")
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(2))
    torch.testing.assert_close(found[1], torch.full((3,), 1 / 3).log())
    assert log_probabilities(found, "log-probabilities") is found
    # Logits of log-probabilities are the same once more.
    torch.testing.assert_close(log_probabilities(found, "logits"), found)
