"""`reproducible: portable`: the same bytes on all x86-64 processors with AVX2, by one code path in every library.

env $(python -m strata.core.portable) COMMAND    # run a command, such as a Dask worker, under the limits
"""

import os
import platform
import sys
from collections.abc import Mapping
from typing import NoReturn

from strata.core.errors import StrataError
from strata.core.params import Device, Precision, Reproducible

# What keeps the libraries from choosing code by the processor. They read it when they are loaded.
LIMITS = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's convolutions
    "MKL_CBWR": "COMPATIBLE",  # PyTorch's matrix products and functions; AVX2 is for Intel's processors only
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's and SciPy's linear algebra
    "NPY_ENABLE_CPU_FEATURES": "X86_V2",  # NumPy's loops: those that every x86-64 build has
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
# Others by which a person may have limited NumPy: it refuses both together.
REPLACED = ("NPY_DISABLE_CPU_FEATURES", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
STARTED_ANEW = "STRATA_STARTED_ANEW"
NEEDED = ("AVX2", "FMA3")


class LimitsMissingError(Exception):
    """This process has loaded its libraries without the limits: it must start anew with them."""


def check_portable(mode: Reproducible, device: Device = "cpu", precision: Precision = "float32") -> None:
    """Check that this process may compute what `mode` promises, on a device and with a precision.

    Raises StrataError where `portable` cannot be kept, and LimitsMissingError, on which the stage is to start anew.
    """
    if mode == Reproducible.MACHINE:
        return
    if device != "cpu":
        raise StrataError(f"reproducible: portable is for processors only, not for device '{device}'; choose cpu")
    if precision != "float32":
        raise StrataError(
            f"reproducible: portable does not go with train.precision {precision}, which each processor computes in its"
            " own way; choose float32"
        )
    if in_force():  # NumPy no longer tells of AVX2
        return
    if platform.machine().lower() not in {"x86_64", "amd64"} or not has_avx2():
        raise StrataError(
            "reproducible: portable needs an x86-64 processor with AVX2 and FMA, which this is not; choose machine"
        )
    raise LimitsMissingError


def has_avx2() -> bool:
    """Return whether this processor has the instructions that all of portable mode's code uses."""
    return set(NEEDED) <= set(instruction_sets())


def in_force(variables: Mapping[str, str] | None = None) -> bool:
    """Return whether variables, by default this process's, hold every limit."""
    found = os.environ if variables is None else variables
    return all(found.get(name) == value for name, value in LIMITS.items()) and not any(map(found.get, REPLACED))


def limits_as_text() -> str:
    """Return the limits as words that `env` takes."""
    return " ".join(f"{name}={value}" for name, value in LIMITS.items())


def limited(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables with the limits."""
    return {name: value for name, value in variables.items() if name not in REPLACED} | LIMITS


def start_anew() -> NoReturn:
    """Replace this process by the same command under the limits: the number stays, and so do signals and DVC's watch.

    Raises StrataError where that has been done already, and something took the limits away again.
    """
    number = str(os.getpid())
    if os.environ.get(STARTED_ANEW) == number:
        raise StrataError(f"reproducible: portable: something at Python's start changes {', '.join(LIMITS)}; remove it")
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, command, limited(os.environ) | {STARTED_ANEW: number})  # noqa: S606, no shell


if __name__ == "__main__":
    print(limits_as_text())


def instruction_sets() -> list[str]:
    """Return the instruction sets that NumPy found in this processor, of those that it has code for."""
    from numpy._core._multiarray_umath import __cpu_features__

    return sorted(name for name, present in __cpu_features__.items() if present)
