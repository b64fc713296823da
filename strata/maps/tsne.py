"""t-SNE (van der Maaten & Hinton 2008) of one layer, by one of several engines."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.maps.embedder import Embedder, Embedding
from strata.maps.engines import TsneSettings, chosen_engine, run_engine

# The affinities of a point reach to this many times its perplexity neighbours.
NEIGHBOURS_PER_PERPLEXITY = 3
# The divergence as the engine reports it, by its own approximation; figures show the exact sum of stage measure.
ENGINE_KL = "kl_divergence_by_engine"


class Tsne(TsneSettings, Embedder):
    """t-SNE: its settings stand in section `embed` itself.

    Caveats after Wattenberg et al. 2016 and Kobak & Berens 2019.
    """

    title: ClassVar[str] = "t-SNE"
    caption: ClassVar[str] = "t-SNE with perplexity {perplexity}"
    details: ClassVar[str] = "t-SNE by {engine}, {iterations} iterations."
    caveats: ClassVar[tuple[str, ...]] = (
        "How large a cluster is means nothing; how far clusters are from each other might not mean anything.",
        "The picture depends on the perplexity; look at more than one.",
        "t-SNE exaggerates separation: gaps on the map may not be gaps in the layer.",
        "The KL divergence that t-SNE minimizes does not compare across layers.",
    )

    def check_count(self, count: int) -> None:
        """Raise StrataError where the perplexity asks for more neighbours than there are points."""
        largest = largest_perplexity(count)
        if self.perplexity > largest:
            can = f"at most {largest:g} with these" if largest >= 1 else "too few points for any: extract more"
            raise StrataError(f"embed.perplexity {self.perplexity:g} is too large for {count} points: {can}")

    def portable(self) -> Self:
        """Return the embedder with the engine scikit-learn instead of `auto`: its code is one for all processors.

        Raises StrataError for oneDAL: it chooses code by the processor, and cannot be told not to.
        """
        if self.engine == "onedal":
            raise StrataError(
                "embed.engine onedal chooses its code by the processor: for `reproducible: portable` choose auto or"
                " sklearn"
            )
        return self.model_copy(update={"engine": "sklearn"}) if self.engine == "auto" else self

    def rate(self, count: int) -> float:
        """Return the learning rate for n points: as given, or n / exaggeration (Belkina et al. 2019), at least 200."""
        if self.learning_rate == "auto":
            return max(200.0, count / self.early_exaggeration)
        return self.learning_rate

    def embed(self, values: NDArray[np.float32], start: NDArray[np.float64], seed: int) -> Embedding:
        """Return the t-SNE map of values (n, k) that starts at `start` (n, 2), with the engine's own KL divergence.

        Raises StrataError where it diverges, or where the engine cannot run.
        """
        rate = self.rate(len(values))
        points, divergence = run_engine(values, start, self, rate, seed)
        if not np.isfinite(points).all():
            raise StrataError(f"t-SNE diverged; lower embed.learning_rate (now {rate:g})")
        settings = {
            "engine": chosen_engine(self.engine),
            "perplexity": f"{self.perplexity:g}",
            "iterations": f"{self.early_exaggeration_iterations} + {self.iterations}",
            "learning_rate": f"{rate:g}",
            ENGINE_KL: f"{divergence:.6f}",
        }
        return Embedding(points.astype(np.float64), settings, {ENGINE_KL: divergence})


def largest_perplexity(count: int) -> float:
    """Return the largest perplexity that n points allow; below 1, none does."""
    return (count - 1) / NEIGHBOURS_PER_PERPLEXITY
