"""`reproducible: portable`: the same bytes on all x86-64 processors with AVX2, with one code path in every library.

env $(python -m strata.core.portable) COMMAND    # run a command, such as a Dask worker, under the limits
"""

import os
import platform
import sys
from collections.abc import Mapping
from typing import NoReturn

from strata.core.errors import StrataError
from strata.core.params import Device, Precision, Reproducible

# Variables that stop the libraries from choosing code by the processor. They read them when they are loaded.
LIMITS = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's convolutions
    "MKL_CBWR": "COMPATIBLE",  # PyTorch's matrix products and functions; AVX2 is for Intel's processors only
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's and SciPy's linear algebra
    "NPY_ENABLE_CPU_FEATURES": "X86_V2",  # NumPy's loops: those that every x86-64 build has
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
# Other variables that a user may have set for the same purpose: NumPy refuses two such variables together.
REPLACED = ("NPY_DISABLE_CPU_FEATURES", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
RESTARTED = "STRATA_RESTARTED"
NEEDED = ("AVX2", "FMA3")


class LimitsMissingError(Exception):
    """This process has loaded its libraries without the limits, and must restart with them."""


def check_portable(mode: Reproducible, device: Device = "cpu", precision: Precision = "float32") -> None:
    """Check that this process can keep the promise of `mode`, on a device and with a precision.

    Raises StrataError if it cannot, and LimitsMissingError if the stage has to restart under the limits.
    """
    if mode == Reproducible.MACHINE:
        return
    if device != "cpu":
        raise StrataError(f"reproducible: portable works on CPUs only, not on device '{device}'; choose cpu")
    if precision != "float32":
        raise StrataError(
            f"reproducible: portable does not allow train.precision {precision}, which each processor computes in its"
            " own way; choose float32"
        )
    if in_force():  # under the limits NumPy no longer reports AVX2
        return
    if platform.machine().lower() not in {"x86_64", "amd64"} or not has_avx2():
        raise StrataError(
            "reproducible: portable needs an x86-64 processor with AVX2 and FMA, unlike this one; choose machine"
        )
    raise LimitsMissingError


def has_avx2() -> bool:
    """Return whether this processor has the instructions that portable mode uses."""
    return set(NEEDED) <= set(instruction_sets())


def in_force(variables: Mapping[str, str] | None = None) -> bool:
    """Return whether environment variables, by default this process's, set every limit."""
    variables = os.environ if variables is None else variables
    return all(variables.get(name) == value for name, value in LIMITS.items()) and not any(map(variables.get, REPLACED))


def limits_as_text() -> str:
    """Return the limits as arguments for `env`."""
    return " ".join(f"{name}={value}" for name, value in LIMITS.items())


def limited(variables: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables with the limits added."""
    return {name: value for name, value in variables.items() if name not in REPLACED} | LIMITS


def restart_under_limits() -> NoReturn:
    """Replace this process by the same command under the limits. It keeps its process id, so DVC still watches it.

    Raises StrataError if this has been done already, and something removed the limits again.
    """
    process_id = str(os.getpid())
    if os.environ.get(RESTARTED) == process_id:
        raise StrataError(f"reproducible: portable: something at Python's start changes {', '.join(LIMITS)}; remove it")
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, command, limited(os.environ) | {RESTARTED: process_id})  # noqa: S606, no shell


if __name__ == "__main__":
    print(limits_as_text())


def instruction_sets() -> list[str]:
    """Return the processor's instruction sets that NumPy has code for."""
    from numpy._core._multiarray_umath import __cpu_features__

    return sorted(name for name, present in __cpu_features__.items() if present)
