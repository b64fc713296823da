"""Engines of t-SNE: several implementations with the same settings, each in one thread."""

import math
import warnings
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from strata.core.errors import StrataError
from strata.core.limits import THREADS_EACH, number_in_environment
from strata.core.params import Section

# oneDAL summarizes cells sooner than scikit-learn does: with these angles its KL divergence is within 3% of that of
# scikit-learn at angle 0.5 (docs/decisions.md). Largest number of points -> angle.
ONEDAL_ANGLES = {5_000: 0.2, 20_000: 0.25, math.inf: 0.3}
Engine = Literal["auto", "onedal", "opentsne", "sklearn", "strata"]
ChosenEngine = Literal["sklearn", "opentsne", "onedal", "strata"]
# With so many points Strata's own engine sums over all pairs, or over cells (EXACT_POINTS in barnes_hut/descent.py).
FEW_POINTS, MANY_POINTS = 100, 3_001
STRATA_MODULES = ("strata.maps.barnes_hut.affinities", "strata.maps.barnes_hut.descent")
# Threads help where each has this many points. They change no byte.
POINTS_PER_THREAD = 2_000
Perplexity = Annotated[float, Field(ge=1, le=1000)] | Literal["auto"]


class TsneSettings(Section):
    """t-SNE as the field does it; `learning_rate: auto` is N / early_exaggeration, at least 200.

    `perplexity: auto` is N / 100, at least 30 (Kobak & Berens 2019).
    """

    engine: Engine
    perplexity: Perplexity
    early_exaggeration: Annotated[float, Field(ge=1, le=100)]
    early_exaggeration_iterations: Annotated[int, Field(ge=1, le=10_000)]
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    learning_rate: Literal["auto"] | Annotated[float, Field(gt=0, le=1e6)]  # much larger rates crash scikit-learn

    @model_validator(mode="after")
    def _enough_for_scikit_learn(self) -> Self:
        total = self.early_exaggeration_iterations + self.iterations
        if self.engine in ("onedal", "sklearn") and total < 250:
            raise ValueError(
                f"engine {self.engine} needs at least 250 iterations, exaggerated and plain together, not {total}"
            )
        return self


def chosen_engine(engine: Engine) -> ChosenEngine:
    """Return the engine to run: the named one, or, for 'auto', Strata's own, the fastest (docs/decisions.md)."""
    return "strata" if engine == "auto" else engine


def run_engine(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: TsneSettings, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    """Return the t-SNE map (n, 2) of values (n, k), and the KL divergence that the engine reports.

    `rate` is the learning rate for van der Maaten's gradient, whatever the engine. Each engine approximates the
    divergence in its own way. Raises StrataError if the engine is not installed, or did not run.
    """
    engines = {"sklearn": _by_sklearn, "opentsne": _by_opentsne, "onedal": _by_onedal, "strata": _by_strata}
    return engines[chosen_engine(settings.engine)](values, start, settings, rate, seed)


def _by_sklearn(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: TsneSettings, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    from sklearn.manifold import TSNE

    tsne = TSNE(
        perplexity=settings.perplexity,
        early_exaggeration=settings.early_exaggeration,
        learning_rate=rate / 4,  # its gradient lacks the paper's factor 4
        max_iter=settings.early_exaggeration_iterations + settings.iterations,
        n_iter_without_progress=settings.iterations,
        min_grad_norm=0,
        init=start.astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    # The number of exaggerated iterations is a constant of the class, not an argument.
    tsne._EXPLORATION_MAX_ITER = settings.early_exaggeration_iterations
    return tsne.fit_transform(values), float(tsne.kl_divergence_)


def _by_onedal(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: TsneSettings, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    try:
        import daal4py
        from daal4py.sklearn.manifold import TSNE
    except ImportError:
        raise StrataError(
            "embed.engine onedal needs the package scikit-learn-intelex, which exists for x86-64 only; choose sklearn"
            " or opentsne"
        ) from None
    daal4py.daalinit(1)  # the result depends on the number of threads, whatever n_jobs says

    class Accelerated(TSNE):  # type: ignore[misc]
        ran = False

        def _daal_tsne(self, *arguments: Any, **named: Any) -> Any:
            self.ran = True
            return super()._daal_tsne(*arguments, **named)

    tsne = Accelerated(
        perplexity=settings.perplexity,
        early_exaggeration=settings.early_exaggeration,
        learning_rate=rate / 4,
        max_iter=settings.early_exaggeration_iterations + settings.iterations,
        n_iter_without_progress=settings.iterations,
        min_grad_norm=0,
        angle=next(angle for limit, angle in ONEDAL_ANGLES.items() if len(values) <= limit),
        init=start.astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    tsne._EXPLORATION_MAX_ITER = settings.early_exaggeration_iterations
    points = tsne.fit_transform(values)
    if not tsne.ran:
        raise StrataError("embed.engine onedal: scikit-learn-intelex fell back to scikit-learn; choose another engine")
    return points, float(tsne.kl_divergence_)


def _by_opentsne(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: TsneSettings, rate: float, seed: int
) -> tuple[NDArray[np.floating], float]:
    # Imported here: each engine takes a second to import, and a process needs only one.
    from openTSNE import TSNE

    with warnings.catch_warnings():
        # The second axis of the start is narrower than 1e-4 by design; openTSNE warns about its scale.
        warnings.filterwarnings("ignore", message="Standard deviation of embedding")
        embedding = TSNE(
            perplexity=settings.perplexity,
            early_exaggeration=settings.early_exaggeration,
            early_exaggeration_iter=settings.early_exaggeration_iterations,
            n_iter=settings.iterations,
            learning_rate=rate,
            initialization=start,
            neighbors="exact",
            # The FFT's bytes do not depend on the number of threads; Barnes-Hut's do.
            negative_gradient_method="fft",
            random_state=seed,
            n_jobs=1,
        ).fit(values)
    return np.asarray(embedding), float(embedding.kl_divergence)


def _by_strata(
    values: NDArray[np.float32], start: NDArray[np.float64], settings: TsneSettings, rate: float, _seed: int
) -> tuple[NDArray[np.floating], float]:
    try:
        from numba import config
    except ImportError:
        raise StrataError("embed.engine strata needs the package numba; choose sklearn or opentsne") from None
    from strata.maps.barnes_hut.affinities import affinities
    from strata.maps.barnes_hut.compiled import divided
    from strata.maps.barnes_hut.descent import EXACT_POINTS, THETA, Phase, descend, divergence

    if not np.isfinite(values).all():
        raise StrataError("embed.engine strata: the values to draw a map of are not all finite")
    count = len(values)
    phases = (
        Phase(settings.early_exaggeration_iterations, settings.early_exaggeration, momentum=0.5, rate=rate),
        Phase(settings.iterations, 1, momentum=0.8, rate=rate),
    )
    threads = number_in_environment(THREADS_EACH) or config.NUMBA_NUM_THREADS
    with divided(min(threads, 1 + count // POINTS_PER_THREAD)) as run:
        joint = affinities(np.ascontiguousarray(values, dtype=np.float32), float(settings.perplexity), run)
        points = descend(joint, start.T.astype(np.float32), phases, 0 if count <= EXACT_POINTS else THETA, run)
        return points.T, divergence(joint, points, run)


def compile_ahead() -> None:
    """Compile what the engine strata runs for few and for many points, and keep it, so that no run waits for it."""
    settings = TsneSettings(
        engine="strata",
        perplexity=5,
        early_exaggeration=4,
        early_exaggeration_iterations=1,
        iterations=1,
        learning_rate="auto",
    )
    for count in (FEW_POINTS, MANY_POINTS):
        values = np.sin(np.arange(4 * count, dtype=np.float32).reshape(count, 4))
        run_engine(values, values[:, :2].astype(np.float64), settings, 200, 0)


if __name__ == "__main__":  # the Makefile's set-up
    compile_ahead()
