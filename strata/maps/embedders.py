"""The methods that draw maps, one row each. To add one, write a file here and add a row: see CONTRIBUTING.md."""

from collections.abc import Mapping

from strata.maps.embedder import Embedder
from strata.maps.pacmap import Pacmap
from strata.maps.tsne import Tsne
from strata.maps.umap import Umap

# Name in `embed.method` -> method. t-SNE's settings are in section `embed` itself, another method's in a mapping of its
# name.
EMBEDDERS: Mapping[str, type[Embedder]] = {
    "tsne": Tsne,
    "umap": Umap,
    "pacmap": Pacmap,
}
