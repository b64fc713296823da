"""The machine and the libraries that computed a result, as far as they can change its bits."""

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
)


def environment(mode: Reproducible) -> dict[str, str]:
    """Return name -> text: Python, packages, processor and its instruction sets, and the linear algebra libraries.

    In portable mode the limits replace the instruction sets, which no longer matter.
    """
    entries = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    entries["reproducible"] = mode.value
    entries["instruction sets"] = limits_as_text() if mode == Reproducible.PORTABLE else " ".join(instruction_sets())
    entries["linear algebra"] = "; ".join(linear_algebra())
    for package in PACKAGES:
        try:
            entries[package] = version(package)
        except PackageNotFoundError:
            entries[package] = "not installed"
    return entries


def linear_algebra() -> list[str]:
    """Return the loaded BLAS libraries, sorted, with their versions and the kind of processor that each chose."""
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
    """Return one line per entry in which two environments differ: the first was recorded, the second is this one."""
    names = [*first, *(name for name in second if name not in first)]
    return [
        f"{name}: {first.get(name, 'unknown')} recorded, {second.get(name, 'unknown')} now"
        for name in names
        if first.get(name) != second.get(name)
    ]
