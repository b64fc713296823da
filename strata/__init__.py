"""Strata: what every layer of a neural network represents.

    import strata

    run = strata.open_run(".")              # or a Git revision or experiment: strata.open_run(".", "HEAD~1")
    run.layers                              # {'input': ..., 'h1': ..., ...}: shapes and numbers of units
    run.activations("h4").values            # float32 (n, D)
    run.map("h4").points                    # float32 (n, 2)
    run.measures.table                      # every measure by layer and control, with its interval

This file only lists the public names. Each is imported when it is first used, because the stages import the packages
below and should not pay for more than they use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strata.core.errors import StrataError
    from strata.observed import ObservedRun, observe
    from strata.run import Run, draw_channels, draw_map, draw_maps, draw_output, layer_outputs, open_run, summary

# Public name -> the module that defines it.
_MODULES = {
    "open_run": "strata.run",
    "Run": "strata.run",
    "layer_outputs": "strata.run",
    "observe": "strata.observed",
    "ObservedRun": "strata.observed",
    "summary": "strata.run",
    "draw_maps": "strata.run",
    "draw_map": "strata.run",
    "draw_output": "strata.run",
    "draw_channels": "strata.run",
    "StrataError": "strata.core.errors",
}
__all__ = [
    "ObservedRun",
    "Run",
    "StrataError",
    "draw_channels",
    "draw_map",
    "draw_maps",
    "draw_output",
    "layer_outputs",
    "observe",
    "open_run",
    "summary",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'strata' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
