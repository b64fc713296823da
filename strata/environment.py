"""The machine and the libraries that a result was computed with, as far as they can change its bits."""

import platform
from importlib.metadata import PackageNotFoundError, version

# Packages whose version may change the numbers.
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "openTSNE",
    "pandas",
    "pyarrow",
    "matplotlib",
    "bokeh",
)


def environment() -> dict[str, str]:
    """Return name -> text: Python, packages, processor and its instruction sets, and the linear algebra libraries."""
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    found["instruction sets"] = " ".join(instruction_sets())
    found["linear algebra"] = "; ".join(linear_algebra())
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def instruction_sets() -> list[str]:
    """Return the instruction sets that NumPy found in this processor, of those that it has code for."""
    from numpy._core._multiarray_umath import __cpu_features__

    return sorted(name for name, present in __cpu_features__.items() if present)


def linear_algebra() -> list[str]:
    """Return the BLAS libraries that are loaded, with their versions and the processor kind they chose, sorted."""
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return sorted(
        {
            f"{library['internal_api']} {library.get('version')} for {library.get('architecture', 'any processor')}"
            for library in threadpool_info()
            if library["user_api"] == "blas"
        }
    )


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """Return a line for every entry in which two environments differ."""
    names = [*first, *(name for name in second if name not in first)]
    return [
        f"{name}: {first.get(name, 'unknown')} there, {second.get(name, 'unknown')} here"
        for name in names
        if first.get(name) != second.get(name)
    ]
