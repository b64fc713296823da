"""The parameters that several stages share: the seed, what is reproducible where, the layers' names, the device."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Device = Literal["cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16"]
RESERVED = ("samples", "checkpoints")  # names beside the layers' in data/activations
Threads = Annotated[int, Field(strict=True, ge=1, le=256)]


class Reproducible(StrEnum):
    """Where a run gives the same bytes: on machines of one kind, or on all x86-64 processors with AVX2."""

    MACHINE = "machine"
    PORTABLE = "portable"


def _layer_names(layers: Mapping[str, str]) -> Mapping[str, str]:
    for name in layers:
        # A layer's name becomes a file's name, beside samples.parquet.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) or name.casefold() in RESERVED:
            raise ValueError(
                f"a layer is named with letters, digits and _ . - and not {' or '.join(RESERVED)}, unlike {name!r}"
            )
    # On some file systems H1.parquet and h1.parquet are one file.
    if len({name.casefold() for name in layers}) < len(layers):
        raise ValueError("each layer may be named once")
    return layers


def _by_name(layers: Any) -> Any:
    """A list of names stands for the paths of the same names."""
    if isinstance(layers, list) and all(isinstance(name, str) for name in layers):
        if len(set(layers)) < len(layers):
            raise ValueError("each layer may be named once")
        return {name: name for name in layers}
    return layers


Text = Annotated[str, Field(strict=True, min_length=1)]
# Layer's name -> the path of a module or step in the network; a list of names where both are the same.
Layers = Annotated[dict[Text, Text], Field(min_length=1), BeforeValidator(_by_name), AfterValidator(_layer_names)]
