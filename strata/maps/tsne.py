"""t-SNE (van der Maaten & Hinton 2008) of one layer, with one of several engines."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.maps.embedder import Embedder, Embedding
from strata.maps.engines import STRATA_MODULES, Perplexity, TsneSettings, chosen_engine, run_engine

# A point has affinities to this many neighbours, times the perplexity.
NEIGHBOURS_PER_PERPLEXITY = 3
# Memory for one of these affinities at its peak, measured with oneDAL and openTSNE.
BYTES_PER_AFFINITY = 60
# `perplexity: auto` (Kobak & Berens 2019): the usual, or a hundredth of many points, up to what is still fast. For few
# points it is a tenth of them: at 30, a point would have affinities to most of the others.
USUAL_PERPLEXITY, LARGEST_AUTO, POINTS_PER_PERPLEXITY, FEW_POINTS_PER_PERPLEXITY = 30, 100, 100, 10
# The divergence that the engine reports: Strata's own by the exact sum, which figures show, others by an approximation.
ENGINE_KL, EXACT_ENGINE = "kl_divergence_by_engine", "strata"


class Tsne(TsneSettings, Embedder):
    """t-SNE, with the settings in section `embed` itself.

    The caveats follow Wattenberg et al. 2016 and Kobak & Berens 2019.
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
        """Raise StrataError if the perplexity needs more neighbours than there are points."""
        perplexity, largest = chosen_perplexity(self.perplexity, count), largest_perplexity(count)
        if perplexity > largest:
            name = f"auto ({perplexity:g})" if self.perplexity == "auto" else f"{perplexity:g}"
            advice = f"at most {largest:g} with these" if largest >= 1 else "too few points for any: extract more"
            raise StrataError(f"embed.perplexity {name} is too large for {count} points: {advice}")

    def bytes_needed(self, count: int) -> float:
        """Return about how many bytes the affinities of n points take."""
        return BYTES_PER_AFFINITY * NEIGHBOURS_PER_PERPLEXITY * chosen_perplexity(self.perplexity, count) * count

    @property
    def modules(self) -> Sequence[str]:
        """Those of Strata's own engine, if that is the one."""
        return STRATA_MODULES if chosen_engine(self.engine) == "strata" else ()

    def portable(self) -> Self:
        """Return the embedder with Strata's own engine instead of `auto`: all processors give the same bytes.

        Raises StrataError for oneDAL, which chooses its code by the processor and has no switch to prevent it.
        """
        if self.engine == "onedal":
            raise StrataError(
                "embed.engine onedal chooses its code by the processor: for `reproducible: portable` choose auto,"
                " strata or sklearn"
            )
        return self.model_copy(update={"engine": "strata"}) if self.engine == "auto" else self

    def rate(self, count: int) -> float:
        """Return the learning rate for n points: as given, or n / exaggeration (Belkina et al. 2019), at least 200."""
        if self.learning_rate == "auto":
            return max(200.0, count / self.early_exaggeration)
        return self.learning_rate

    def embed(self, values: NDArray[np.float32], start: NDArray[np.float64], seed: int) -> Embedding:
        """Return the t-SNE map of values (n, k) from `start` (n, 2), with the engine's KL divergence if it has one.

        Raises StrataError if it diverges, or if the engine cannot run.
        """
        rate = self.rate(len(values))
        numbers = self.model_copy(update={"perplexity": chosen_perplexity(self.perplexity, len(values))})
        points, divergence = run_engine(values, start, numbers, rate, seed)
        if not np.isfinite(points).all():
            raise StrataError(f"t-SNE diverged; lower embed.learning_rate (now {rate:g})")
        settings = {
            "engine": chosen_engine(self.engine),
            "perplexity": f"{numbers.perplexity:g}",
            "iterations": f"{self.early_exaggeration_iterations} + {self.iterations}",
            "learning_rate": f"{rate:g}",
        }
        # oneDAL reports NaN where an affinity is too small for its numbers; the map is as good as any.
        reported = {ENGINE_KL: divergence} if np.isfinite(divergence) else {}
        settings |= {name: f"{value:.6f}" for name, value in reported.items()}
        return Embedding(points.astype(np.float64), settings, reported)


def exact_divergence(settings: Mapping[str, str]) -> float | None:
    """Return the KL divergence of a map by the exact sum over all pairs, if its settings record it, to six decimals."""
    return float(settings[ENGINE_KL]) if settings.get("engine") == EXACT_ENGINE and ENGINE_KL in settings else None


def chosen_perplexity(setting: Perplexity, count: int) -> float:
    """Return the perplexity for n points: as given, or for `auto` 30.

    Up to 300 points `auto` is n / 10, at least 1; from 3,000 on n / 100 (Kobak & Berens 2019), at most 100.
    """
    if setting != "auto":
        return setting
    few = max(1.0, count / FEW_POINTS_PER_PERPLEXITY)
    return min(few, max(USUAL_PERPLEXITY, count / POINTS_PER_PERPLEXITY), LARGEST_AUTO)


def largest_perplexity(count: int) -> float:
    """Return the largest perplexity that n points allow; a result below 1 means that none is possible."""
    return (count - 1) / NEIGHBOURS_PER_PERPLEXITY
