"""The interface of every method that draws maps: the method with its settings, and the map that it returns."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.maps import MapMethod
from strata.core.errors import StrataError
from strata.core.params import Reproducible, Section
from strata.maps.pca import principal_components

INITIAL_DEVIATION = 1e-4
POINTS_PER_NEIGHBOUR = 20


@dataclass(frozen=True)
class Embedding:
    """A map: points float64 (n, 2), its settings as text, and numbers that the method reports.

    `metrics` go to reports/embedding.json, by layer. They depend on the method: t-SNE has a KL divergence, others none.
    """

    points: NDArray[np.float64]
    settings: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)


class Embedder(Section, ABC):
    """A method that draws maps, with its settings: the fields are the keys of the method's mapping in section `embed`.

    `title` is the name to show. `caption` and `details` are texts for figures, in which {name} is replaced by a setting
    of the embedding; the caption describes all maps, the details one. `caveats` say what its maps do not show.
    """

    title: ClassVar[str]
    caption: ClassVar[str]
    details: ClassVar[str]
    caveats: ClassVar[tuple[str, ...]]

    @abstractmethod
    def check_count(self, count: int) -> None:
        """Raise StrataError if `count` points are too few for the settings; name the parameter to change."""

    @abstractmethod
    def embed(self, values: NDArray[np.float32], start: NDArray[np.float64], seed: int) -> Embedding:
        """Return the map of values (n, k), starting from `start` (n, 2); the same seed gives the same bytes."""

    def bytes_needed(self, count: int) -> float:  # noqa: ARG002 - methods that need more use it
        """Return about how many bytes a map of n points takes, where that grows with the settings; otherwise 0."""
        return 0.0

    @property
    def modules(self) -> Sequence[str]:
        """The modules that `embed` imports, which processes can import ahead; no threads may start with them."""
        return ()

    def portable(self) -> Self:
        """Return the embedder with settings that use the same code on every processor.

        Raises StrataError if no such settings are known.
        """
        raise StrataError(
            f"embed.method: {self.title} is not known to give the same bytes on every processor: for"
            " `reproducible: portable` choose tsne"
        )

    def in_mode(self, mode: Reproducible) -> Self:
        """Return the embedder as it runs in a mode. Raises StrataError if it cannot run in that mode."""
        return self.portable() if mode == Reproducible.PORTABLE else self

    def check_points(self, count: int, constant: bool, layer: str) -> None:
        """Raise StrataError if there is nothing to embed: too few points for the settings, or all points equal."""
        self.check_count(count)
        if constant:
            raise StrataError(
                f"layer '{layer}' outputs the same for all {count} samples (dead units?): there is nothing to embed;"
                " check the training, or remove the layer from `layers`"
            )

    def described(self, name: str, embedding: Embedding) -> MapMethod:
        """Return the description that goes into a map's file; `name` is the method's name in `embed.method`."""
        caption, details = (text.format_map(embedding.settings) for text in (self.caption, self.details))
        return MapMethod(name, self.title, caption, details, self.caveats, dict(embedding.settings))


def few_neighbours(count: int, usual: int) -> int:
    """Return a number of neighbours that suits n points: the usual one, or where they are few a twentieth of them.

    More would reach beyond a point's class. At least 2.
    """
    return max(2, min(usual, count // POINTS_PER_NEIGHBOUR))


def initial_map(values: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Return the two leading principal components of values (n, D), scaled so that the first has a deviation of 1e-4.

    Informative initialization keeps the global structure (Kobak & Linderman 2021). Raises StrataError if the values
    span fewer than two dimensions.
    """
    scores = principal_components(values, 2, seed).astype(np.float64)
    if scores.shape[1] < 2 or scores.std(axis=0).min() <= 1e-6 * max(1.0, float(np.abs(values).max())):
        raise StrataError(
            "embed.initialization_layer: its activations vary in fewer than two directions; choose another layer"
        )
    return scores / scores[:, 0].std() * INITIAL_DEVIATION


@contextmanager
def one_numba_thread() -> Iterator[None]:
    """Context in which numba's parallel code runs in one thread, like every numerical job."""
    # Imported here: it takes half a second, and t-SNE does not need it.
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
