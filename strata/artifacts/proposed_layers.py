"""`layers.json`: the layers that stage extract proposed for a network, where params.yaml says `layers: auto`."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError
from strata.core.files import write_json
from strata.core.layers import Layer, Layers
from strata.core.params import load_section
from strata.core.paths import Paths


def write_proposed_layers(path: Path, layers: Mapping[str, Layer], origin: Provenance) -> None:
    """Write layers.json: each layer's name and what is taken, in order, and the origin of the activations."""
    chosen = [{"name": name, **layer.model_dump(exclude_none=True)} for name, layer in layers.items()]
    write_json(path, {"layers": chosen, "origin": origin.metadata()})


def read_proposed_layers(path: Path) -> tuple[dict[str, Layer], Provenance]:
    """Return the content of layers.json. Raises StrataError if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        named = {each.pop("name"): each for each in content["layers"]}
        layers: dict[str, Layer] = TypeAdapter(Layers).validate_python(named)
        origin = dict(content["origin"])
    except FileNotFoundError:
        raise StrataError(f"{path} is missing, with the layers of `layers: auto`; run `dvc repro extract`") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise StrataError(f"{path} is damaged; run `dvc repro -f extract`") from None
    return layers, Provenance.from_metadata(origin, path)


def layers_of_run(params_path: Path, paths: Paths) -> tuple[dict[str, Layer], Provenance | None]:
    """Return the layers of a run by name: those of params.yaml, or the proposed ones, with their origin.

    Every stage after extract reads them here. Raises StrataError as `read_proposed_layers` does.
    """
    layers = load_section(params_path, "layers", Layers)
    return (layers, None) if layers else read_proposed_layers(paths.proposed_layers)
