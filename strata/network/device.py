"""Choose the device on which torch computes, and make its results repeatable."""

import itertools
import os
from operator import attrgetter

import torch
from torch import nn

from strata.core.errors import StrataError
from strata.core.params import Device
from strata.network.thread_limit import check_thread_limit


def prepare_torch(device: Device, threads: int, *, training: bool) -> torch.device:
    """Return the torch device, with `threads` CPU threads and deterministic algorithms for the whole process.

    A forward pass on the CPU is repeatable anyway, so there the switch, which takes torch 2 s, is left alone. A GPU
    computes in float32, not in TensorFloat-32, which is cuDNN's default for convolutions and has 11 bits of precision.

    Raises StrataError if this machine or this build of torch lacks the device, as there is no fallback, or if the
    environment allows fewer threads.
    """
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[device]:
        usable = ", ".join(name for name, usable in available.items() if usable)
        raise StrataError(f"device '{device}' is not available to this torch on this machine; available: {usable}")
    check_thread_limit(threads)
    # cuBLAS is repeatable only with a fixed workspace (CUDA's documentation, "Results reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    if device != "cpu":
        # By operation: in some versions of torch (2.11) the setting for all leaves convolutions as they are.
        for operation in ("cudnn.conv", "cudnn.rnn", "cuda.matmul"):
            attrgetter(operation)(torch.backends).fp32_precision = "ieee"
    if training or device != "cpu":
        torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, without its import of 2 s
        # To fill new tensors takes a tenth of a training, and nothing reads them before they are written.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(device)


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's weights; the CPU if it has none."""
    weights = next(itertools.chain(network.parameters(), network.buffers()), None)
    return torch.device("cpu") if weights is None else weights.device
