"""One finding, and the values with intervals that it is made of."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from strata.report.page.inputs import ReportInputs


@dataclass(frozen=True)
class Headline:
    """A finding: a sentence, how sure it is, the layer to show, and how the maps show it.

    `colour` is a choice of the page's colours. `classes` are selected if there are any; `kept` names the samples to
    select otherwise: "wrong", or "" for all.
    """

    key: str
    sentence: str
    sure: str
    layer: str
    colour: str = "label"
    classes: list[int] = field(default_factory=list)
    kept: str = ""
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """A value with its 95% interval, NaN where it has none."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1f} ({self.low:.1f} to {self.high:.1f})"

    @property
    def percent(self) -> str:
        """The value and its interval as shares."""
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"

    def change_to(self, other: "Measured") -> "Measured | None":
        """Return by how much the other value is larger, with a 95% interval; None where one has no interval.

        The two are taken as independent, which is too wide an interval where they go up and down together.
        """
        half = float(np.hypot(self.high - self.low, other.high - other.low)) / 2
        change = other.value - self.value
        return Measured(change, change - half, change + half) if np.isfinite(half) else None


def course_of(inputs: ReportInputs, measure: str, control: str) -> dict[str, Measured]:
    """Return layer -> a measure's value under a control, for the layers that have one."""
    table = inputs.measures.table
    rows = table[(table["measure"] == measure) & (table["control"] == control)].dropna(subset=["value"])
    columns = (rows[name].to_numpy(np.float64).tolist() for name in ("value", "low", "high"))
    found = {str(layer): Measured(*row) for layer, *row in zip(rows["layer"], *columns, strict=True)}
    return {layer: found[layer] for layer in inputs.maps if layer in found}


def share_of(hits: int, total: int) -> Measured:
    """Return a share with its 95% interval. Wilson 1927."""
    z = float(ndtri(0.975))
    share, weight = hits / total, z**2 / total
    middle = share + weight / 2
    half = z * float(np.sqrt(share * (1 - share) / total + weight / (4 * total)))
    return Measured(share, (middle - half) / (1 + weight), (middle + half) / (1 + weight))
