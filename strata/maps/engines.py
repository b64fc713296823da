"""t-SNE (van der Maaten & Hinton 2008) of one layer, by one of several engines under the same settings."""

import math
import platform
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.params import Reproducible
from strata.maps.params import EmbedParams, Engine
from strata.maps.pca import principal_components

# The affinities of a point reach to this many times its perplexity neighbours.
NEIGHBOURS_PER_PERPLEXITY = 3
INITIAL_DEVIATION = 1e-4
# oneDAL takes cells for points sooner than scikit-learn does: with these angles the KL divergence is within 3% of that
# of scikit-learn's angle 0.5 (docs/decisions.md). Up to so many points -> angle.
ONEDAL_ANGLES = {5_000: 0.2, 20_000: 0.25, math.inf: 0.3}
ChosenEngine = Literal["sklearn", "opentsne", "onedal"]


@dataclass(frozen=True)
class Embedding:
    """A map: points float64 (n, 2), the engine's own KL divergence, and the learning rate used.

    The KL divergence does not compare across layers or perplexities; engines approximate it in their own ways.
    """

    points: NDArray[np.float64]
    kl_divergence: float
    learning_rate: float


def initial_map(values: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Return the two leading principal components of values (n, D), the first scaled to a deviation of 1e-4.

    Informative initialization keeps the global structure (Kobak & Linderman 2021). Raises StrataError where the values
    span less than two dimensions.
    """
    scores = principal_components(values, 2, seed).astype(np.float64)
    if scores.shape[1] < 2 or scores.std(axis=0).min() <= 1e-6 * max(1.0, float(np.abs(values).max())):
        raise StrataError(
            "embed.initialization_layer: its activations vary in fewer than two directions; choose another layer"
        )
    return scores / scores[:, 0].std() * INITIAL_DEVIATION


def check_points(count: int, constant: bool, layer: str, params: EmbedParams) -> None:
    """Raise StrataError where t-SNE cannot say anything: too few points for the perplexity, or all the same."""
    largest = (count - 1) / NEIGHBOURS_PER_PERPLEXITY
    if params.perplexity > largest:
        can = f"at most {largest:g} with these" if largest >= 1 else "too few points for any: extract more"
        raise StrataError(f"embed.perplexity {params.perplexity:g} is too large for {count} points: {can}")
    if constant:
        raise StrataError(
            f"layer '{layer}' puts out the same for all {count} samples (dead units?): there is nothing to embed;"
            " look at the training, or take the layer out of `layers`"
        )


def with_engine(params: EmbedParams, mode: Reproducible) -> EmbedParams:
    """Return the parameters for a mode: in portable mode the engine `auto` is scikit-learn, whose code is one for all.

    Raises StrataError for oneDAL in portable mode: it chooses code by the processor, and cannot be told not to.
    """
    if mode == Reproducible.MACHINE:
        return params
    if params.engine == "onedal":
        raise StrataError(
            "embed.engine onedal chooses its code by the processor: for `reproducible: portable` choose auto or sklearn"
        )
    return params.model_copy(update={"engine": "sklearn"}) if params.engine == "auto" else params


def chosen_engine(engine: Engine, machine: str | None = None) -> ChosenEngine:
    """Return the engine that runs: as named, or, for 'auto', oneDAL where its wheels exist (x86-64), else scikit-learn.

    oneDAL is the faster at every number of points that was measured; both are Barnes-Hut, as exact as each other (see
    docs/decisions.md). `machine` is the processor's kind, by default this one's.
    """
    if engine != "auto":
        return engine
    return "onedal" if (machine or platform.machine()).lower() in {"x86_64", "amd64"} else "sklearn"


def learning_rate(params: EmbedParams, count: int) -> float:
    """Return the learning rate for n points: as given, or n / exaggeration (Belkina et al. 2019), at least 200."""
    if params.learning_rate == "auto":
        return max(200.0, count / params.early_exaggeration)
    return params.learning_rate


def embed(values: NDArray[np.float32], start: NDArray[np.float64], params: EmbedParams, seed: int) -> Embedding:
    """Return the t-SNE map of values (n, k) that starts at `start` (n, 2), by the engine that `params` name."""
    rate = learning_rate(params, len(values))
    engine = {"sklearn": _by_sklearn, "opentsne": _by_opentsne, "onedal": _by_onedal}[chosen_engine(params.engine)]
    points, divergence = engine(values, start, params, rate, seed)
    if not np.isfinite(points).all():
        raise StrataError(f"t-SNE diverged; lower embed.learning_rate (now {rate:g})")
    return Embedding(points.astype(np.float64), divergence, rate)


def _by_sklearn(
    values: NDArray[np.float32], start: NDArray[np.float64], params: EmbedParams, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    from sklearn.manifold import TSNE

    tsne = TSNE(
        perplexity=params.perplexity,
        early_exaggeration=params.early_exaggeration,
        learning_rate=rate / 4,  # its gradient lacks the factor 4 of the paper's
        max_iter=params.early_exaggeration_iterations + params.iterations,
        n_iter_without_progress=params.iterations,
        min_grad_norm=0,
        init=start.astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    # Its number of exaggerated iterations is a constant of the class, not an argument.
    tsne._EXPLORATION_MAX_ITER = params.early_exaggeration_iterations
    return tsne.fit_transform(values), float(tsne.kl_divergence_)


def _by_onedal(
    values: NDArray[np.float32], start: NDArray[np.float64], params: EmbedParams, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    try:
        import daal4py
        from daal4py.sklearn.manifold import TSNE
    except ImportError:
        raise StrataError(
            "embed.engine onedal needs the package scikit-learn-intelex, which is for x86-64 only; choose sklearn or"
            " opentsne"
        ) from None
    daal4py.daalinit(1)  # its result depends on the number of threads, whatever n_jobs says

    class Accelerated(TSNE):  # type: ignore[misc]
        ran = False

        def _daal_tsne(self, *arguments: Any, **named: Any) -> Any:
            self.ran = True
            return super()._daal_tsne(*arguments, **named)

    tsne = Accelerated(
        perplexity=params.perplexity,
        early_exaggeration=params.early_exaggeration,
        learning_rate=rate / 4,
        max_iter=params.early_exaggeration_iterations + params.iterations,
        n_iter_without_progress=params.iterations,
        min_grad_norm=0,
        angle=next(angle for most, angle in ONEDAL_ANGLES.items() if len(values) <= most),
        init=start.astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    tsne._EXPLORATION_MAX_ITER = params.early_exaggeration_iterations
    points = tsne.fit_transform(values)
    if not tsne.ran:
        raise StrataError("embed.engine onedal: scikit-learn-intelex fell back to scikit-learn; choose another engine")
    return points, float(tsne.kl_divergence_)


def _by_opentsne(
    values: NDArray[np.float32], start: NDArray[np.float64], params: EmbedParams, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    # Imported here, as either engine takes a second to import and a process needs one.
    from openTSNE import TSNE

    with warnings.catch_warnings():
        # The start's second axis is narrower than 1e-4 by design; openTSNE advises about its scale.
        warnings.filterwarnings("ignore", message="Standard deviation of embedding")
        embedding = TSNE(
            perplexity=params.perplexity,
            early_exaggeration=params.early_exaggeration,
            early_exaggeration_iter=params.early_exaggeration_iterations,
            n_iter=params.iterations,
            learning_rate=rate,
            initialization=start,
            neighbors="exact",
            # The FFT's bytes do not depend on the number of threads; Barnes-Hut's do.
            negative_gradient_method="fft",
            random_state=seed,
            n_jobs=1,
        ).fit(values)
    return np.asarray(embedding), float(embedding.kl_divergence)
