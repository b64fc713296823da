"""The machine and the libraries that a result was computed with, as far as they can change its bits."""

import platform
from importlib.metadata import PackageNotFoundError, version

from strata.core.params import Reproducible
from strata.core.portable import instruction_sets, limits_as_text

# Packages whose version may change the numbers.
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "openTSNE",
    "umap-learn",
    "pacmap",
    "faiss-cpu",
    "numba",
    "pandas",
    "pyarrow",
    "matplotlib",
    "bokeh",
)


def environment(mode: Reproducible) -> dict[str, str]:
    """Return name -> text: Python, packages, processor and its instruction sets, and the linear algebra libraries.

    In portable mode the limits in force stand for the instruction sets, which no longer matter.
    """
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    found["reproducible"] = mode.value
    found["instruction sets"] = limits_as_text() if mode == Reproducible.PORTABLE else " ".join(instruction_sets())
    found["linear algebra"] = "; ".join(linear_algebra())
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


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
