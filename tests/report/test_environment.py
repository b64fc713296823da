"""What is recorded of the machine and the libraries, and how two records differ."""

import platform
from importlib.metadata import version

from strata.core.params import Reproducible
from strata.report.environment import differences, environment


def test_the_record_names_python_packages_processor_and_linear_algebra():
    found = environment(Reproducible.MACHINE)
    assert found["python"] == platform.python_version()
    assert found["torch"] == version("torch")
    assert found["machine"] == platform.machine()
    assert found["linear algebra"]
    assert found["instruction sets"] or platform.machine() not in {"x86_64", "AMD64"}
    assert environment(Reproducible.MACHINE) == found


def test_in_portable_mode_the_limits_stand_for_the_instruction_sets():
    found = environment(Reproducible.PORTABLE)
    assert found["reproducible"] == "portable"
    assert found["instruction sets"].startswith("ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE")
    assert found.keys() == environment(Reproducible.MACHINE).keys()


def test_differences_name_both_sides_and_what_only_one_has():
    assert differences({"numpy": "2.4", "torch": "2.14"}, {"numpy": "2.5", "torch": "2.14", "bokeh": "3"}) == [
        "numpy: 2.4 recorded, 2.5 now",
        "bokeh: unknown recorded, 3 now",
    ]
    assert differences({"a": "1"}, {"a": "1"}) == []
