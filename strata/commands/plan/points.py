"""How many points each setting needs, found by the checks of the stages themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from strata.core.errors import StrataError
from strata.maps.embedder import Embedder
from strata.maps.tsne import Tsne
from strata.measures.params import NumberedMeasureParams
from strata.measures.preparation import check_enough
from strata.measures.stability import Embedders, check_stability_points

MOST = 1 << 24  # points; a setting that more would not help needs another value of a setting


@dataclass(frozen=True)
class PointsNeeded:
    """A setting with its value, the fewest points that it needs (None: no number is enough), and how many there are."""

    stage: str
    setting: str
    needed: int | None
    available: int


def fewest(check: Callable[[int], None]) -> int | None:
    """Return the fewest points, up to MOST, for which `check` raises no StrataError; None if it always does."""

    def passes(count: int) -> bool:
        try:
            check(count)
        except StrataError:
            return False
        return True

    if not passes(MOST):
        return None
    low, high = 0, MOST  # what is enough stays enough with more points
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def points_needed(
    mapped: int, params: NumberedMeasureParams, embedder: Embedder, method: str, again: Embedders
) -> list[PointsNeeded]:
    """Return what the stages embed and measure need, where `mapped` points are on the maps."""
    measured = min(mapped, params.samples)
    redrawn = min(measured, params.stability_samples)
    all_redrawn = params.model_copy(update={"stability_samples": MOST})
    of_map = f"perplexity {embedder.perplexity}" if isinstance(embedder, Tsne) else f"method {method}"
    rows = [
        PointsNeeded("embed", f"embed.{of_map}", fewest(embedder.check_count), mapped),
        PointsNeeded(
            "measure",
            f"measure.neighbours {params.neighbours}",
            fewest(lambda count: check_enough(count, all_redrawn, {})),
            redrawn,
        ),
    ]
    for perplexity, each in again.items():
        name = "the map again" if perplexity is None else f"measure.stability_perplexities {perplexity:g}"
        enough = partial(check_stability_points, {perplexity: each})
        rows.append(PointsNeeded("measure", name, fewest(enough), redrawn))
    return rows


def check_points(mapped: int, params: NumberedMeasureParams, embedder: Embedder, again: Embedders) -> None:
    """Raise StrataError where a stage would, for too few points."""
    embedder.check_count(mapped)
    check_enough(min(mapped, params.samples), params, again)
