"""UMAP (McInnes, Healy & Melville 2018) of one layer, with umap-learn in one thread, from exact neighbours."""

import warnings
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from strata.core.errors import StrataError
from strata.maps.embedder import Embedder, Embedding, few_neighbours, one_numba_thread

# The number of points up to which umap-learn runs 500 epochs by default; with more points it runs 200.
FEW_POINTS, EPOCHS_OF_FEW, EPOCHS_OF_MANY = 10_000, 500, 200
USUAL_NEIGHBOURS = 15


class Umap(Embedder):
    """UMAP, with the settings of `umap` in section `embed`. Defaults are umap-learn's; a point is its own neighbour.

    `neighbours: auto` is 15, or a twentieth of fewer than 300 points.

    The caveats follow McInnes et al. 2018, Coenen & Pearce 2019 (Understanding UMAP), Damrich & Hamprecht 2021 (how
    tightly neighbours are drawn together), and Kobak & Linderman 2021 (the arrangement of groups depends on the start).
    """

    neighbours: Literal["auto"] | Annotated[int, Field(ge=2, le=1000)] = "auto"
    minimum_distance: Annotated[float, Field(ge=0, le=1)] = 0.1
    epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = "auto"

    title: ClassVar[str] = "UMAP"
    caption: ClassVar[str] = "UMAP with {neighbours} neighbours and minimum distance {minimum_distance}"
    details: ClassVar[str] = "UMAP by {engine}, {epochs} epochs."
    caveats: ClassVar[tuple[str, ...]] = (
        "How large or dense a cluster is means nothing; how far clusters are from each other might not mean anything.",
        "The picture depends on the number of neighbours and on the minimum distance; look at more than one of each.",
        "UMAP draws neighbours tightly together: gaps on the map may not be gaps in the layer.",
        "Where groups lie to one another comes mostly from the start, not from UMAP.",
    )

    def check_count(self, count: int) -> None:
        """Raise StrataError unless there are more points than neighbours."""
        if (neighbours := self.chosen_neighbours(count)) >= count:
            advice = f"at most {count - 1} with these" if count > 2 else "too few points for any: extract more"
            raise StrataError(f"embed.umap.neighbours {neighbours} is too large for {count} points: {advice}")

    def chosen_neighbours(self, count: int) -> int:
        """Return the number of neighbours for n points: as given, or `auto`."""
        return few_neighbours(count, USUAL_NEIGHBOURS) if self.neighbours == "auto" else self.neighbours

    def embed(self, values: NDArray[np.float32], start: NDArray[np.float64], seed: int) -> Embedding:
        """Return the UMAP map of values (n, k), from `start` (n, 2) with each axis scaled to run from 0 to 10."""
        epochs = self.epochs
        if epochs == "auto":
            epochs = EPOCHS_OF_FEW if len(values) <= FEW_POINTS else EPOCHS_OF_MANY
        points = _umap(values, start, self, epochs, seed)
        settings = {
            "engine": "umap-learn",
            "neighbours": f"{self.chosen_neighbours(len(values))}",
            "minimum_distance": f"{self.minimum_distance:g}",
            "epochs": f"{epochs}",
        }
        return Embedding(points.astype(np.float64), settings)


def _umap(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: Umap, epochs: int, seed: int
) -> NDArray[np.float32]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        # Imported here: it takes seconds, and other methods do not need it.
        from umap import UMAP
    neighbours = settings.chosen_neighbours(len(values))
    with one_numba_thread(), warnings.catch_warnings():
        # It warns that new points cannot be added to the map later; Strata never does that.
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")
        return UMAP(
            n_neighbors=neighbours,
            min_dist=settings.minimum_distance,
            n_epochs=epochs,
            init=start,
            precomputed_knn=_neighbours(values, neighbours),
            random_state=seed,
            n_jobs=1,
        ).fit_transform(values)


def _neighbours(values: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the nearest rows (n, count) of values (n, k), starting with the row itself, and their distances.

    They are exact for any n. umap-learn's own search is approximate from 4,096 points on, and compiles for ten seconds
    even for a few points.
    """
    from sklearn.neighbors import NearestNeighbors

    distances, rows = NearestNeighbors(n_neighbors=count - 1, n_jobs=1).fit(values).kneighbors()
    own = np.arange(len(values))[:, None]
    return np.hstack([own, rows]), np.hstack([np.zeros(own.shape), distances]).astype(np.float32)
