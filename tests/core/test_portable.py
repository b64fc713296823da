"""The portable mode: a stage restarts once, under limits that its libraries obey, or says why it cannot."""

import os
import subprocess
import sys

import pytest

from strata.core import portable
from strata.core.errors import StrataError
from strata.core.params import Reproducible
from strata.core.portable import LIMITS, LimitsMissingError, check_portable, has_avx2, in_force, limited

needs_avx2 = pytest.mark.skipif(not has_avx2(), reason="portable mode is for processors with AVX2")

STAGE = """
import os, sys
{first}
from strata.core.stage import run_stage
from strata.core.params import Reproducible
from strata.core.portable import check_portable, in_force

def main():
    print("begins", os.getpid(), in_force(), sys.argv[1:])
    check_portable(Reproducible(sys.argv[1]))
    print("computes", in_force(), sys.flags.optimize)

run_stage(main)
"""


def without_limits():
    return {name: value for name, value in os.environ.items() if name not in LIMITS}


def run_script(mode, first="", **variables):
    """Run a stage that says when it begins and when it computes."""
    command = [sys.executable, "-O", "-c", STAGE.format(first=first), mode, "a b"]
    process = subprocess.Popen(
        command, env=without_limits() | variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    out, error = process.communicate(timeout=60)
    return process, out.splitlines(), error


@needs_avx2
@pytest.mark.parametrize("variables", [{}, {"MKL_CBWR": "AVX2"}, {"NPY_DISABLE_CPU_FEATURES": "X86_V4"}])
def test_a_portable_stage_starts_anew_once_as_the_same_process_with_the_same_arguments(variables):
    process, lines, error = run_script("portable", **variables)
    began = f"begins {process.pid}"
    assert lines == [f"{began} False ['portable', 'a b']", f"{began} True ['portable', 'a b']", "computes True 1"]
    assert (process.returncode, error) == (0, "")


@needs_avx2
def test_a_portable_stage_that_has_the_limits_does_not_start_anew():
    process, lines, _ = run_script("portable", **LIMITS)
    assert lines == [f"begins {process.pid} True ['portable', 'a b']", "computes True 1"]


def test_a_stage_in_machine_mode_does_not_start_anew():
    process, lines, _ = run_script("machine")
    assert lines == [f"begins {process.pid} False ['machine', 'a b']", "computes False 1"]


@needs_avx2
def test_limits_that_are_taken_away_again_end_in_one_line():
    process, lines, error = run_script("portable", first="os.environ.pop('MKL_CBWR', None)")
    assert len(lines) == 2
    assert process.returncode == 1
    assert error.startswith("error: reproducible: portable: something at Python's start changes ATEN_CPU_CAPABILITY")
    assert len(error.splitlines()) == 1


@needs_avx2
def test_the_libraries_obey():
    """NumPy chooses among the loops it was built with, `__cpu_dispatch__`: none of them is left."""
    code = (
        "import numpy, torch; from strata.report.environment import linear_algebra;"
        "from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__;"
        "print(torch.backends.cpu.get_cpu_capability());"
        "print(len(__cpu_dispatch__) > 1, [name for name in __cpu_dispatch__ if __cpu_features__[name]]);"
        "print(*linear_algebra())"
    )
    done = subprocess.run([sys.executable, "-c", code], env=limited(os.environ), capture_output=True, text=True)
    capability, loops, algebra = done.stdout.splitlines()
    assert (capability, loops) == ("AVX2", "True []")
    assert algebra.endswith("for Haswell")


@needs_avx2
def test_a_command_that_runs_others_under_the_limits():
    asked = "from strata.core.portable import *; print(in_force())"
    command = f'env $({sys.executable} -m strata.core.portable) "$0" -c "{asked}"'
    done = subprocess.run(["sh", "-c", command, sys.executable], env=without_limits(), capture_output=True, text=True)
    assert done.stdout == "True\n"


def test_limits_are_in_force_only_all_together_and_alone():
    assert in_force(LIMITS)
    assert not in_force({})
    assert not in_force(LIMITS | {"MKL_CBWR": "AUTO"})
    assert not in_force(LIMITS | {"NPY_DISABLE_CPU_FEATURES": "AVX2"})
    assert limited({"A": "1", "MKL_CBWR": "AUTO", "NPY_DISABLE_CPU_FEATURES": "AVX2"}) == {"A": "1", **LIMITS}


def test_what_portable_cannot_keep_is_refused(monkeypatch):
    for device in ("cuda", "mps"):
        with pytest.raises(StrataError, match=f"portable works on CPUs only, not on device '{device}'"):
            check_portable(Reproducible.PORTABLE, device)
    with pytest.raises(StrataError, match=r"does not allow train\.precision bfloat16"):
        check_portable(Reproducible.PORTABLE, "cpu", "bfloat16")
    check_portable(Reproducible.MACHINE, "cuda", "bfloat16")
    monkeypatch.setattr(portable, "has_avx2", lambda: False)
    with pytest.raises(StrataError, match="needs an x86-64 processor with AVX2 and FMA, unlike this one"):
        check_portable(Reproducible.PORTABLE)


def test_another_architecture_is_refused(monkeypatch):
    monkeypatch.setattr(portable.platform, "machine", lambda: "aarch64")
    with pytest.raises(StrataError, match="needs an x86-64 processor"):
        check_portable(Reproducible.PORTABLE)


@needs_avx2
def test_a_process_without_the_limits_does_not_compute(monkeypatch):
    monkeypatch.delenv("MKL_CBWR", raising=False)
    with pytest.raises(LimitsMissingError):
        check_portable(Reproducible.PORTABLE)
