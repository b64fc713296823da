"""Section `layers` of params.yaml: which of a network's outputs are looked at, and what is taken of each."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from strata.core.params import Section

AUTO = "auto"
RESERVED = ("samples", "checkpoints")  # other names in data/activations
TAKE, POOL = r"flat|cls|mean|last|token:-?\d{1,6}", r"mean|max|[1-9]\d{0,3}x[1-9]\d{0,3}"


def _of_form(pattern: str, form: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"should be {form}")
        return text

    return AfterValidator(check)


Take = Annotated[str, _of_form(TAKE, "flat, cls, mean, last or token:5")]
Pool = Annotated[str, _of_form(POOL, "mean, max, or a size such as 4x4")]


class Layer(Section):
    """One layer: the path of a module or step in the network, and what is taken of its output, in this order.

    `part` is the place or name of one of several outputs, "1.0" for one inside another. `take` reads tokens (n, T, D):
    the class token, which is the first, their mean, the last, or one by its place. `pool` shrinks maps (n, C, H, W) to
    one number each, or to H x W of them. `project` is the number of dimensions of a sparse random projection.
    """

    module: Annotated[str, Field(min_length=1)]
    part: Annotated[int, Field(ge=0)] | str | None = None
    take: Take | None = None
    pool: Pool | None = None
    project: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def __str__(self) -> str:
        chosen = [f"{name} {value}" for name in ("part", "take", "pool") if (value := getattr(self, name)) is not None]
        projected = [] if self.project is None else [f"projected to {self.project}"]
        return ", ".join([self.module, *chosen, *projected])

    @property
    def is_whole(self) -> bool:
        """Whether the module's output is the layer, as it is."""
        return self == Layer(module=self.module)

    @property
    def taken(self) -> str:
        """What is taken, as text; empty where the module's whole output is."""
        return "" if self.is_whole else str(self)


def as_layers(layers: Mapping[str, str | Mapping[str, Any] | Layer]) -> dict[str, Layer]:
    """Return layers by name from paths of modules, or mappings of `Layer`'s names. Raises ValueError for others."""
    return {
        name: chosen
        if isinstance(chosen, Layer)
        else Layer.model_validate({"module": chosen} if isinstance(chosen, str) else dict(chosen))
        for name, chosen in layers.items()
    }


def _by_name(layers: Any) -> dict[str, Any]:
    """Return layers as name -> what is taken, names checked; in a list, each name is also the module's path.

    None stand for `auto`: stage extract proposes them then.
    """
    if isinstance(layers, list):
        pairs = [(name, name) for name in layers]
    else:
        pairs = list(layers.items()) if isinstance(layers, dict) else []
    if isinstance(layers, str) and layers == AUTO:
        return {}
    if not pairs:
        raise ValueError(f"should be a list of names, or a map from names to modules, or auto (got {layers!r})")
    for name, chosen in pairs:
        if not isinstance(name, str) or not isinstance(chosen, str | dict):
            other = chosen if isinstance(name, str) else name
            raise ValueError(f"names and modules must be text: write '{other}' in quotes (got {other!r})")
        # A layer's name becomes a file name in the same folder as samples.parquet.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) or name.casefold() in RESERVED:
            raise ValueError(
                f"a layer's name has letters, digits and _ . - and is not {' or '.join(RESERVED)} (got {name!r})"
            )
        if not chosen:
            raise ValueError(f"layer {name} has no module")
    # On some file systems H1.parquet and h1.parquet are the same file.
    if len({name.casefold() for name, _ in pairs}) < len(pairs):
        raise ValueError("each layer may be named once")
    return {name: {"module": chosen} if isinstance(chosen, str) else chosen for name, chosen in pairs}


# Layer's name -> what is taken; a list of names where each is also the path of a module or step in the network. Empty
# for `auto`: the layers of such a run are in its data/activations, see `strata.artifacts.proposed_layers`.
Layers = Annotated[dict[str, Layer], BeforeValidator(_by_name)]
