"""Section `embed` of params.yaml: the method, t-SNE's settings, and a mapping of settings for every other method."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, create_model

from strata.core.params import Reproducible, Section
from strata.maps.embedder import Embedder
from strata.maps.embedders import EMBEDDERS
from strata.maps.engines import TsneSettings
from strata.maps.tsne import Tsne

TSNE = "tsne"


def _known(method: str) -> str:
    if method not in EMBEDDERS:
        *others, last = EMBEDDERS
        raise ValueError(f"should be {', '.join(others)} or {last}")
    return method


class _Method(Section):
    method: Annotated[str, AfterValidator(_known)]


class _FixedParams(TsneSettings, _Method):
    """The keys that do not depend on the list of methods."""

    pca_components: Annotated[int, Field(ge=2, le=1000)]
    initialization_layer: str

    @property
    def tsne(self) -> Tsne:
        """t-SNE with the section's settings."""
        return Tsne(**{name: getattr(self, name) for name in Tsne.model_fields})

    def embedder(self, mode: Reproducible = Reproducible.MACHINE) -> Embedder:
        """Return the method with its settings, for a mode. Raises StrataError if it cannot run in that mode."""
        chosen: Embedder = getattr(self, self.method)
        return chosen.in_mode(mode)


def _with_every_method() -> Any:
    """Return the schema with an optional mapping of settings for every method but t-SNE, with their defaults."""
    mappings: dict[str, Any] = {name: (schema, schema()) for name, schema in EMBEDDERS.items() if name != TSNE}
    return create_model("EmbedParams", __base__=_FixedParams, __module__=__name__, **mappings)


if TYPE_CHECKING:
    EmbedParams = _FixedParams
else:
    EmbedParams = _with_every_method()
