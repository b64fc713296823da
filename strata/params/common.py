"""The parameters that several stages share: the seed, what is reproducible where, the layers' names, the device."""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Device = Literal["cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16"]
RESERVED = ("samples", "checkpoints")  # names beside the layers' in data/activations
Threads = Annotated[int, Field(strict=True, ge=1, le=256)]


class Reproducible(StrEnum):
    """Where a run gives the same bytes: on machines of one kind, or on all x86-64 processors with AVX2."""

    MACHINE = "machine"
    PORTABLE = "portable"


def _by_name(layers: Any) -> dict[str, str]:
    """Check layers; a list of names stands for the paths of the same names."""
    if isinstance(layers, list):
        pairs = [(name, name) for name in layers]
    else:
        pairs = list(layers.items()) if isinstance(layers, dict) else []
    if not pairs:
        raise ValueError(f"should be a list of names, or a map from names to modules, and not empty (got {layers!r})")
    for name, path in pairs:
        if not isinstance(name, str) or not isinstance(path, str):
            odd = path if isinstance(name, str) else name
            raise ValueError(f"names and modules are texts: write '{odd}' in quotes (got {odd!r})")
        # A layer's name becomes a file's name, beside samples.parquet.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) or name.casefold() in RESERVED:
            raise ValueError(
                f"a layer is named with letters, digits and _ . - and not {' or '.join(RESERVED)}, unlike {name!r}"
            )
        if not path:
            raise ValueError(f"layer {name} has no module")
    # On some file systems H1.parquet and h1.parquet are one file.
    if len({name.casefold() for name, _ in pairs}) < len(pairs):
        raise ValueError("each layer may be named once")
    return dict(pairs)


# Layer's name -> the path of a module or step in the network; a list of names where both are the same.
Layers = Annotated[dict[str, str], BeforeValidator(_by_name)]
