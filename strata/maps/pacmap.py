"""PaCMAP (Wang, Huang, Rudin & Shaposhnik 2021) of one layer, with its authors' package, in one thread."""

import logging
import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from strata.core.errors import StrataError
from strata.maps.embedder import Embedder, Embedding, few_neighbours, one_numba_thread

# Iterations of the two phases before the last, as published.
EARLIER_PHASES = (100, 100)
USUAL_NEIGHBOURS, FEW_POINTS, NEIGHBOURS_PER_DECADE = 10, 10_000, 15  # as published
MIN_POINTS = 8  # the package scales distances by those to a point's fourth to sixth neighbours


class Pacmap(Embedder):
    """PaCMAP, with the settings of `pacmap` in section `embed`. The defaults are those of the package and the paper.

    `neighbours: auto` is 10 for up to 10,000 points, then 15 more for each tenfold; for fewer than 200 a twentieth.
    `mid_near_ratio` and `further_ratio` are the numbers of such pairs per pair of neighbours. `iterations` are those of
    the last phase. The caveats follow Wang et al. 2021.
    """

    neighbours: Literal["auto"] | Annotated[int, Field(ge=1, le=1000)] = "auto"
    mid_near_ratio: Annotated[float, Field(ge=0, le=20)] = 0.5
    further_ratio: Annotated[float, Field(gt=0, le=20)] = 2.0
    iterations: Annotated[int, Field(ge=1, le=100_000)] = 250

    title: ClassVar[str] = "PaCMAP"
    caption: ClassVar[str] = "PaCMAP with {neighbours} neighbours"
    details: ClassVar[str] = "PaCMAP by {engine}, {iterations} iterations."
    caveats: ClassVar[tuple[str, ...]] = (
        "Where clusters lie to one another follows the layer roughly at best; how large or dense one is means little.",
        "The picture depends on the numbers of neighbours, mid-near pairs and further pairs; look at more than one.",
        "PaCMAP pushes apart what it does not pair: gaps on the map may not be gaps in the layer.",
        "It weighs near against far: the map's kNN recall says how many neighbours it keeps.",
    )

    def check_count(self, count: int) -> None:
        """Raise StrataError unless each point has fewer pairs than there are points."""
        if (pairs := self.pairs(count)) >= count or count < MIN_POINTS:
            each = 1 + self.mid_near_ratio + self.further_ratio
            largest = int((count - 2) / each)
            advice = (
                f"at most {largest} with these" if count >= MIN_POINTS and largest else "too few points: extract more"
            )
            raise StrataError(
                f"embed.pacmap.neighbours {self.chosen_neighbours(count)}, with {pairs} pairs for each point, is too"
                f" large for {count} points: {advice}"
            )

    def chosen_neighbours(self, count: int) -> int:
        """Return the number of neighbours for n points: as given, or `auto`."""
        if self.neighbours != "auto":
            return self.neighbours
        if count <= FEW_POINTS:
            return few_neighbours(count, USUAL_NEIGHBOURS)
        return round(USUAL_NEIGHBOURS + NEIGHBOURS_PER_DECADE * math.log10(count / FEW_POINTS))

    def pairs(self, count: int) -> int:
        """Return the number of pairs of all three kinds of each of n points."""
        ratios = (1, self.mid_near_ratio, self.further_ratio)
        return sum(round(self.chosen_neighbours(count) * ratio) for ratio in ratios)

    def embed(self, values: NDArray[np.float32], start: NDArray[np.float64], seed: int) -> Embedding:
        """Return the PaCMAP map of values (n, k), from `start` (n, 2) with each axis scaled to deviation 1e-4."""
        points = _pacmap(values, start, self, seed)
        settings = {
            "engine": "pacmap",
            "neighbours": f"{self.chosen_neighbours(len(values))}",
            "mid_near_ratio": f"{self.mid_near_ratio:g}",
            "further_ratio": f"{self.further_ratio:g}",
            "iterations": " + ".join(map(str, (*EARLIER_PHASES, self.iterations))),
        }
        return Embedding(points.astype(np.float64), settings)


def _pacmap(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: Pacmap, seed: int
) -> NDArray[np.float32]:
    # The package warns that a seed is set, and that it does not reduce the data itself.
    logging.getLogger("pacmap").setLevel(logging.ERROR)
    with one_numba_thread():
        # Imported here: it takes seconds, and other methods do not need it.
        from pacmap import PaCMAP

        return PaCMAP(
            n_neighbors=settings.chosen_neighbours(len(values)),
            MN_ratio=settings.mid_near_ratio,
            FP_ratio=settings.further_ratio,
            num_iters=(*EARLIER_PHASES, settings.iterations),
            apply_pca=False,  # the layer is reduced already
            # The package seeds each point with seed + row: the seeds of streams are far enough apart.
            random_state=seed,
        ).fit_transform(_at_least_two_columns(values), init=start)


def _at_least_two_columns(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values (n, k), with a column of zeros added if k is 1: the package's own reduction needs two columns."""
    return np.pad(values, ((0, 0), (0, max(0, 2 - values.shape[1]))))
