"""The methods that draw maps, a row each: a new one is a file beside this, and a row here (see CONTRIBUTING.md)."""

from collections.abc import Mapping

from strata.maps.embedder import Embedder
from strata.maps.pacmap import Pacmap
from strata.maps.tsne import Tsne
from strata.maps.umap import Umap

# Name in `embed.method` -> method. t-SNE's settings stand in section `embed` itself, another method's in a map of its
# name.
EMBEDDERS: Mapping[str, type[Embedder]] = {
    "tsne": Tsne,
    "umap": Umap,
    "pacmap": Pacmap,
}
