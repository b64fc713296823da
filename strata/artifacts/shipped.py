"""`network.safetensors`: the trained network as plain steps with their weights, for the page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError
from strata.core.files import whole_file


@dataclass(frozen=True)
class Step:
    """A step of a network: its name in it, its kind ("conv", "relu", ...), settings such as the stride, and weights."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class ShippedNetwork:
    """Steps that follow one another, and the place of each layer among them; -1 is the input.

    Inputs are pixels in [0, 1], less `mean`, divided by `std`. Without steps, `reason` says why there are none.
    """

    steps: tuple[Step, ...]
    layers: Mapping[str, int]
    mean: float
    std: float
    reason: str | None


def write_shipped(path: Path, network: ShippedNetwork, provenance: Provenance) -> None:
    """Write network.safetensors, whole or not at all."""
    from safetensors.numpy import save

    tensors = {
        f"{place}.{name}": np.ascontiguousarray(values, dtype=np.float32)
        for place, step in enumerate(network.steps)
        for name, values in step.tensors.items()
    }
    steps = [{"name": step.name, "kind": step.kind, "settings": dict(step.settings)} for step in network.steps]
    content = {
        "steps": steps,
        "layers": dict(network.layers),
        "mean": network.mean,
        "std": network.std,
        "reason": network.reason,
        "origin": provenance.metadata(),
    }
    with whole_file(path) as part:  # one entry of metadata: safetensors writes several in a random order
        part.write_bytes(save(tensors, {"network": json.dumps(content, sort_keys=True)}))


def read_shipped(path: Path) -> tuple[ShippedNetwork, Provenance]:
    """Return the content of network.safetensors and its origin. Raises StrataError if it is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            content = json.loads((file.metadata() or {})["network"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        steps = tuple(
            Step(
                step["name"],
                step["kind"],
                step["settings"],
                {
                    name.partition(".")[2]: values
                    for name, values in tensors.items()
                    if name.partition(".")[0] == str(place)
                },
            )
            for place, step in enumerate(content["steps"])
        )
        network = ShippedNetwork(steps, content["layers"], content["mean"], content["std"], content["reason"])
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StrataError(f"{path} is damaged; run `dvc repro -f extract`") from None
    return network, Provenance.from_metadata(content.get("origin", {}), path)
