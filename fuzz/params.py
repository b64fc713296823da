"""The loader of params.yaml: any bytes give sections that fit their schemas, or a one-line error."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from fuzz.scratch import content_or_refusal, file_of
from strata.core.layers import Layers
from strata.core.params import Reproducible, Seed, load_section, sections_as_text

PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"
SHARED: dict[str, Any] = {"seed": Seed, "layers": Layers, "reproducible": Reproducible}
# Section -> the package that it configures.
PACKAGES = {
    "dataset": "sources",
    "download": "sources",
    "network": "network",
    "extract": "network",
    "train": "training",
    "replicate": "training",
    "embed": "maps",
    "measure": "measures",
    "report": "report",
}
LONGEST = 600  # bytes of an input; instrumented, ruamel.yaml reads some 10,000 bytes per second


@cache
def schemas() -> dict[str, Any]:
    """Return section's name -> schema, for every section of the project's params.yaml."""
    names = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    return {
        name: SHARED.get(name) or getattr(import_module(f"strata.{PACKAGES[name]}.params"), f"{name.title()}Params")
        for name in names
    }


def one_input(data: bytes) -> None:
    """Load every section that `data` may contain as a params file, and show them as text."""
    path = file_of(data)
    for name, schema in schemas().items():
        if name.encode() not in data and name != "train":  # a missing section gives the same error for every name
            continue
        content_or_refusal(lambda name=name, schema=schema: load_section(path, name, schema))
    content_or_refusal(lambda: sections_as_text(path, list(schemas())))


def seeds() -> list[bytes]:
    """Return each section of the project's params.yaml, and YAML's less common forms."""
    content = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    sections = [yaml.safe_dump({name: section}).encode() for name, section in content.items()]
    rare = ["seed: &a [*a]", "train: {<<: {epochs: !!int 1}}", "layers: !!set {a, b}", "seed: 2020-01-02 03:04:05Z"]
    return [*sections, *(text.encode() for text in rare)]
