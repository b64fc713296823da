"""Token ids and their mask: what the network gets, and which tokens are taken."""

import numpy as np
import pytest
import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.layers import Layer
from strata.network.extraction import stream_activations
from strata.network.input_form import TokenShape, blank_inputs, pass_mask, random_inputs
from strata.network.preprocessing import token_counts
from strata.network.taking import taken

IDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0]], dtype=np.int32)
MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], dtype=np.int32)
PACKED = np.stack([IDS, MASK], axis=1)


class Recorder(nn.Module):
    """Repeats each id three times, and keeps what it was called with."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Identity()

    def forward(self, ids, attention_mask=None):
        self.seen = ids, attention_mask
        return self.tokens(ids[:, :, None].expand(-1, -1, 3).float()).sum(dim=(1, 2))[:, None]


def stream(network, layers):
    chosen = {name: Layer.model_validate(layer) for name, layer in layers.items()}
    (batch,) = stream_activations(network, PACKED, chosen, lambda each: torch.from_numpy(each).long(), 8, "features")
    return batch.activations


def test_the_mask_is_passed_by_its_name_and_chooses_the_tokens():
    network = Recorder()
    pass_mask(network, "attention_mask")
    found = stream(
        network,
        {
            "input": {"module": "input"},
            "mean": {"module": "tokens", "take": "mean"},
            "last": {"module": "tokens", "take": "last"},
            "cls": {"module": "tokens", "take": "cls"},
        },
    )
    ids, mask = network.seen
    assert ids.dtype == torch.int64 and ids.tolist() == IDS.tolist() and mask.tolist() == MASK.tolist()
    np.testing.assert_array_equal(found["input"], IDS)
    np.testing.assert_allclose(found["mean"], [[2, 2, 2], [4, 4, 4]])  # (1 + 2 + 3) / 3, and 4
    np.testing.assert_array_equal(found["last"], [[3, 3, 3], [4, 4, 4]])
    np.testing.assert_array_equal(found["cls"], [[1, 1, 1], [4, 4, 4]])


def test_a_network_that_takes_no_mask_gets_the_ids_and_the_mask_still_counts():
    network = Recorder()
    pass_mask(network, None)
    found = stream(network, {"mean": {"module": "tokens", "take": "mean"}})
    assert network.seen[1] is None
    np.testing.assert_allclose(found["mean"][:, 0], [2, 4])


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(StrataError, match=r"^layer 'a': 'x, take mean': take mean needs the mask's 4 tokens"):
        taken(torch.zeros(2, 3, 5), "a", Layer(module="x", take="mean"), 2, torch.ones(2, 4, dtype=torch.int64))


def test_blank_and_random_inputs_are_of_the_form():
    plain, masked = TokenShape.of(5, 7, masked=False), TokenShape.of(5, 7, masked=True)
    assert plain == (5,) and blank_inputs(plain, 2).dtype == torch.int64
    assert blank_inputs(plain, 2).tolist() == [[0] * 5] * 2
    assert blank_inputs(masked, 2).tolist() == [[[0] * 5, [1] * 5]] * 2
    drawn = random_inputs(masked, 50, torch.Generator().manual_seed(0))
    assert drawn.shape == (50, 2, 5) and set(drawn[:, 0].flatten().tolist()) == set(range(7))
    assert drawn[:, 1].min() == 1
    assert blank_inputs((1, 4, 4), 2).shape == (2, 1, 4, 4)


def test_tokens_are_counted_where_the_mask_is_1():
    counts = token_counts(torch.from_numpy(PACKED).long(), TokenShape.of(4, 5, masked=True))
    assert counts.tolist() == [[0, 1, 1, 1, 0], [0, 0, 0, 0, 1]]
    plain = token_counts(torch.from_numpy(IDS).long(), TokenShape.of(4, 5, masked=False))
    assert plain.tolist() == [[1, 1, 1, 1, 0], [3, 0, 0, 0, 1]]
