"""The processor that this process runs on."""


def instruction_sets() -> list[str]:
    """Return the instruction sets that NumPy found in this processor, of those that it has code for."""
    from numpy._core._multiarray_umath import __cpu_features__

    return sorted(name for name, present in __cpu_features__.items() if present)
