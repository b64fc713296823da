"""The device that torch computes on."""

import subprocess
import sys

import pytest
import torch

from strata.core.errors import StrataError
from strata.network.device import device_of, prepare_torch

# In a process of its own, because torch keeps these settings. Nothing is computed, so no GPU has to be there.
AS_IF_THERE_WERE_A_GPU = """
import torch
torch.cuda.is_available = lambda: True
from strata.network.device import prepare_torch
print(prepare_torch("cuda", 1, training=False).type)
backends = torch.backends
print(*(each.fp32_precision for each in (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul)))
print(torch.get_deterministic_debug_mode())
"""


def test_a_gpu_computes_in_float32_and_repeatably():
    done = subprocess.run([sys.executable, "-c", AS_IF_THERE_WERE_A_GPU], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cuda", "ieee", "ieee", "ieee", "2"]


def test_a_device_that_is_absent_is_refused():
    absent = "cuda" if torch.backends.mps.is_available() else "mps"
    with pytest.raises(StrataError, match=f"device '{absent}' is not available .*; available: cpu"):
        prepare_torch(absent, 1, training=False)


def test_the_device_of_a_network_is_that_of_its_weights():
    assert device_of(torch.nn.Linear(2, 1, device="meta")).type == "meta"
    assert device_of(torch.nn.ReLU()).type == "cpu"
