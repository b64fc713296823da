"""The parameters that several stages share: the seed, the names of the layers, the device."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Device = Literal["cpu", "cuda", "mps"]
Threads = Annotated[int, Field(strict=True, ge=1, le=256)]


def _layer_names(names: list[str]) -> list[str]:
    for name in names:
        # A layer's name becomes a file's name, beside samples.parquet.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) or name.casefold() == "samples":
            raise ValueError(f"a layer is named with letters, digits and _ . - and not 'samples', unlike {name!r}")
    # On some file systems H1.parquet and h1.parquet are one file.
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("each layer may be named once")
    return names


Layers = Annotated[list[Annotated[str, Field(strict=True)]], Field(min_length=1), AfterValidator(_layer_names)]
