"""What training keeps of a sample, against a count by hand."""

import pytest
import torch
from torch import nn

from strata.commands.plan.training_trial import bytes_kept, bytes_passing
from strata.core.errors import StrataError


def test_a_linear_layer_keeps_its_input_and_a_relu_its_output():
    """Linear(6, 5) keeps 6 numbers, ReLU 5, which the next Linear(5, 2) keeps too: float32 of 4 bytes."""
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    assert bytes_kept(network, (6,)) == 4 * (6 + 5)
    assert bytes_passing(network, (6,)) == 4 * (6 + 5)


def test_running_means_and_the_mode_are_as_they_were():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).eval()
    network[0].running_mean.fill_(7)
    bytes_kept(network, (3,))
    assert network[0].running_mean.tolist() == [7, 7, 7] and not network.training
    assert network[0].num_batches_tracked == 0


def test_what_cannot_be_trained_is_one_line():
    class Broken(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            if self.training:
                raise RuntimeError("not here")
            return values

    with pytest.raises(StrataError, match="train: the network cannot be trained on 2 samples: RuntimeError: not here"):
        bytes_kept(Broken(), (3,))
