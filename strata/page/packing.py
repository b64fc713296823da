"""Arrays as text for the page: their bytes in base64, with type and shape."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = ("float32", "int32", "int16", "uint8")


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as a mapping of type, shape and base64 of its little-endian bytes.

    Raises ValueError for a type that the page's script cannot read.
    """
    if values.dtype.name not in TYPES:
        raise ValueError(f"the page reads {', '.join(TYPES)}, not {values.dtype.name}")
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return {
        "type": values.dtype.name,
        "shape": list(values.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def unpacked(text: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array that `packed` made a mapping of."""
    kind = np.dtype(text["type"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(text["base64"]), dtype=kind).reshape(text["shape"])
