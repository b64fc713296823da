"""What is taken of layers: parts, tokens, pooled maps and projections, on values that are easy to compute."""

import numpy as np
import pytest
import torch
from torch import nn

from networks.lstm import Lstm
from networks.vit import vit
from strata import layer_outputs
from strata.core.errors import StrataError
from strata.core.layers import Layer
from strata.network.extraction import stream_activations
from strata.network.preprocessing import normalized
from strata.network.taking import projection, taken

IMAGES = np.random.default_rng(0).integers(0, 256, size=(6, 14, 14), dtype=np.uint8)


def streamed(network, layers, batch_size=4, images=IMAGES):
    """Return what is taken of all images, batches put together."""
    batches = list(
        stream_activations(
            network,
            images,
            {name: Layer(**chosen) for name, chosen in layers.items()},
            lambda each: normalized(each, 0.5, 0.5),
            batch_size,
            "logits",
        )
    )
    return {layer: np.concatenate([batch.activations[layer] for batch in batches]) for layer in layers}


def take(values, **chosen):
    return taken(torch.as_tensor(values, dtype=torch.float32), "x", Layer(module="m", **chosen), len(values))


def refused(values, samples=None, **chosen):
    with pytest.raises(StrataError) as caught:
        taken(torch.as_tensor(values), "x", Layer(module="m", **chosen), len(values) if samples is None else samples)
    assert len(str(caught.value)) <= 200
    return str(caught.value)


TOKENS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("cls", TOKENS[:, 0]),
        ("last", TOKENS[:, 2]),
        ("token:1", TOKENS[:, 1]),
        ("token:-2", TOKENS[:, 1]),
        ("mean", TOKENS[:, 1]),  # of three equal steps
        ("flat", TOKENS),
    ],
)
def test_tokens_are_taken_by_their_place_or_averaged(chosen, expected):
    found = take(TOKENS, take=chosen)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


MAPS = np.array([[[[1, 2, 3, 4], [5, 6, 7, 8]], [[0, 0, 0, -4], [0, 0, 0, 0]]]])


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("mean", [[4.5, -0.5]]),
        ("max", [[8, 0]]),
        ("1x2", [[[[3.5, 5.5]], [[0, -1]]]]),
        ("2x4", MAPS),
    ],
)
def test_maps_are_pooled(chosen, expected):
    np.testing.assert_array_equal(take(MAPS, pool=chosen), expected)


def test_a_projection_keeps_squared_distances_on_average_and_is_the_same_every_time():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 20, 10, 10)).astype(np.float32)
    found = take(values, project=800)
    assert found.shape == (40, 800)
    flat = values.reshape(40, -1)
    np.testing.assert_allclose(found, flat @ projection(2000, 800).toarray().T, rtol=1e-4, atol=1e-4)
    ratios = ((found[1:] - found[:-1]) ** 2).sum(axis=1) / ((flat[1:] - flat[:-1]) ** 2).sum(axis=1)
    assert ratios.mean() == pytest.approx(1, abs=0.05)
    projection.cache_clear()
    np.testing.assert_array_equal(take(values, project=800), found)
    share = projection(2000, 800).nnz / (2000 * 800)
    assert share == pytest.approx(2000**-0.5, rel=0.05)


def test_a_projection_follows_the_pooling():
    values = np.random.default_rng(1).normal(size=(5, 30, 6, 6))
    np.testing.assert_array_equal(take(values, pool="2x2", project=7), take(take(values, pool="2x2"), project=7))


@pytest.mark.parametrize(
    ("shape", "chosen", "expected"),
    [
        ((2, 5), {"take": "cls"}, "take needs tokens (n, T, D), but the size is 2 x 5; `pool` is for maps"),
        ((2, 3, 4), {"take": "token:3"}, "there are 3 tokens, from 0 to 2"),
        ((2, 3, 4), {"pool": "mean"}, "pool needs maps (n, C, H, W), but the size is 2 x 3 x 4; `take` is for tokens"),
        ((2, 3, 4, 4), {"pool": "5x2"}, "its maps are 4x4, no larger than that"),
        ((2, 3, 4), {"project": 12}, "the layer has 12 units, no more than that; leave out project"),
    ],
)
def test_what_is_not_there_is_one_line(shape, chosen, expected):
    layer = Layer(module="m", **chosen)
    assert refused(torch.zeros(shape), **chosen) == f"layer 'x': '{layer}': {expected}"


def test_samples_must_come_first():
    line = refused(torch.zeros(7, 3, 4), samples=3, take="cls")
    assert line == "layer 'x': 'm, take cls': for 3 samples its size is 7 x 3 x 4; the first must be the samples"


class TimeFirst(nn.Module):
    """Outputs 4 steps, then samples: for batches of 4 the sizes alone look right."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Unflatten(1, (4, 49))
        self.turned = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.turned(self.steps(images.flatten(1)).transpose(0, 1)).transpose(0, 1).sum(dim=2)


@pytest.mark.parametrize("batch_size", [2, 3, 4, 6])
def test_steps_before_samples_are_refused_whatever_the_batch_size(batch_size):
    with pytest.raises(StrataError, match="the first must be the samples"):
        streamed(TimeFirst(), {"x": {"module": "turned", "take": "mean"}}, batch_size)


class Recurrent(nn.Module):
    """A recurrent network that reads images (n, 1, H, W) row by row, with samples first or second."""

    def __init__(self, kind: type[nn.RNNBase], batch_first: bool) -> None:
        super().__init__()
        self.recurrent = kind(14, 5, num_layers=2, batch_first=batch_first)
        self.head = nn.Linear(5, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images[:, 0]
        if self.recurrent.batch_first:
            return self.head(self.recurrent(rows)[0][:, -1])
        return self.head(self.recurrent(rows.transpose(0, 1))[0][-1])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_parts_of_a_recurrent_network_have_the_samples_first(kind, batch_first):
    """Also where there are as many samples as layers, and so two sizes that could be the samples'."""
    torch.manual_seed(0)
    network, images = Recurrent(kind, batch_first), IMAGES[:2]
    rows = normalized(images, 0.5, 0.5)[:, 0]
    with torch.no_grad():
        steps, states = network.recurrent(rows if batch_first else rows.transpose(0, 1))
    state = states[0] if kind is nn.LSTM else states
    found = streamed(
        network,
        {
            "mean": {"module": "recurrent", "part": 0, "take": "mean"},
            "last": {"module": "recurrent", "part": "1.0" if kind is nn.LSTM else 1, "take": "last"},
        },
        images=images,
    )
    np.testing.assert_allclose(found["mean"], (steps if batch_first else steps.transpose(0, 1)).mean(dim=1), rtol=1e-5)
    np.testing.assert_allclose(found["last"], state[-1], rtol=1e-5)
    assert found["mean"].shape == found["last"].shape == (2, 5)


@pytest.mark.parametrize("batch_first", [True, False])
def test_attention_and_transformer_layers_have_the_samples_first(batch_first):
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(14, 2, batch_first=batch_first)
            self.block = nn.TransformerEncoderLayer(14, 2, 20, batch_first=batch_first)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            rows = images[:, 0] if batch_first else images[:, 0].transpose(0, 1)
            rows = self.block(self.attention(rows, rows, rows)[0])
            return rows.mean(dim=1 if batch_first else 0)

    torch.manual_seed(0)
    network = Attending().eval()
    layers = {
        "attention": {"module": "attention", "part": 0, "take": "token:3"},
        "block": {"module": "block", "take": "mean"},
    }
    found = streamed(network, layers)
    rows = normalized(IMAGES, 0.5, 0.5)[:, 0]
    turned = rows if batch_first else rows.transpose(0, 1)
    with torch.no_grad():
        attended = network.attention(turned, turned, turned)[0]
        expected = attended if batch_first else attended.transpose(0, 1)
        np.testing.assert_allclose(found["attention"], expected[:, 3], atol=1e-5)
        np.testing.assert_allclose(found["block"], network(normalized(IMAGES, 0.5, 0.5)), atol=1e-5)


class Named(nn.Module):
    """A module of named outputs, as those of Hugging Face, and a head."""

    class Encoder(nn.Module):
        def forward(self, images: torch.Tensor) -> dict[str, object]:
            flat = images.flatten(1)
            return {"last_hidden_state": flat, "hidden_states": (flat + 1, flat + 2), "name": "x"}

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = self.Encoder(), nn.Linear(196, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(images)["last_hidden_state"])


def test_parts_are_found_by_name_and_inside_each_other():
    flat = normalized(IMAGES, 0.5, 0.5).flatten(1).numpy()
    layers = {"named": {"module": "encoder", "part": "last_hidden_state"}}
    layers["inner"] = {"module": "encoder", "part": "hidden_states.1"}
    found = streamed(Named(), layers)
    np.testing.assert_array_equal(found["named"], flat)
    np.testing.assert_array_equal(found["inner"], flat + 2)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (None, "outputs 3 named parts, not one tensor: add `part`, one of last_hidden_state, hidden_states, name"),
        ("hidden_states", "outputs 2 parts, not one tensor: add `part`, one of hidden_states.0, hidden_states.1"),
        ("name", "outputs a str, not one tensor: name another layer"),
        ("hidden_states.2", "outputs 3 named parts, without part hidden_states.2; it has 0, 1"),
        (0, "outputs 3 named parts, without part 0; it has last_hidden_state, hidden_states, name"),
    ],
)
def test_a_part_that_is_not_there_is_one_line_with_those_that_are(part, expected):
    with pytest.raises(StrataError) as caught:
        streamed(Named(), {"x": {"module": "encoder", "part": part}})
    assert str(caught.value) == f"layer 'x': 'encoder' {expected}"


def test_a_vision_transformer_gives_its_class_token():
    torch.manual_seed(0)
    network = vit((1, 14, 14), 3, width=16, depth=2, heads=2)
    block = "encoder.layers.encoder_layer_1"
    layers = {"block": {"module": block}, "cls": {"module": block, "take": "cls"}, "heads": {"module": "heads"}}
    found = streamed(network, layers)
    assert found["block"].shape == (6, 5, 16)
    np.testing.assert_array_equal(found["cls"], found["block"][:, 0])
    np.testing.assert_array_equal(found["heads"], network(normalized(IMAGES, 0.5, 0.5)).detach().numpy())


def test_the_last_step_of_the_lstm_decides():
    torch.manual_seed(0)
    network = Lstm((1, 14, 14), 3, width=8)
    layers = {"last": {"module": "lstm", "part": 0, "take": "last"}, "head": {"module": "head"}}
    found = streamed(network, layers)
    np.testing.assert_allclose(
        found["head"], network.head(torch.from_numpy(found["last"])).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_observe_takes_what_params_would():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    inputs = torch.randn(4, 1, 9, 9)
    found = layer_outputs(network, inputs, {"maps": "1", "means": {"module": "1", "pool": "mean"}})
    torch.testing.assert_close(found["means"], found["maps"].mean(dim=(2, 3)))
