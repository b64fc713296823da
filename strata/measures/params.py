"""Section `measure` of params.yaml."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from strata.core.params import Device, Section, Threads
from strata.maps.embedder import few_neighbours
from strata.maps.tsne import largest_perplexity

USUAL_NEIGHBOURS, USUAL_PERPLEXITIES = 15, (5.0, 30.0, 100.0)


def _different(values: list[float]) -> list[float]:
    if len(set(values)) < len(values):
        raise ValueError("each perplexity may be named once")
    return values


def _descending(values: list[float]) -> list[float]:
    if any(weaker >= stronger for stronger, weaker in pairwise(values)):
        raise ValueError("penalties descend, each once")
    return values


class MeasureParams(Section):
    """How many points and neighbours are measured, the linear probe, and the sizes of what is repeated at random.

    `auto` stands for numbers that suit the number of points; `for_points` has them.
    """

    samples: Annotated[int, Field(ge=24, le=100_000)]
    neighbours: Literal["auto"] | Annotated[int, Field(ge=1, le=1000)]
    probe_validation: Annotated[float, Field(ge=0.05, le=0.5)]
    probe_penalties: Annotated[
        list[Annotated[float, Field(gt=0, le=1e6)]], Field(min_length=1, max_length=16), AfterValidator(_descending)
    ]
    probe_search_components: Annotated[int, Field(ge=1, le=1000)]
    half_samples: Annotated[int, Field(ge=2, le=1000, multiple_of=2)]
    correlation_samples: Annotated[int, Field(ge=3, le=5000)]
    late_layers: Annotated[int, Field(ge=1, le=100)]
    stability_samples: Annotated[int, Field(ge=24, le=10_000)]
    stability_seeds: Annotated[int, Field(ge=2, le=20)]
    stability_perplexities: (
        Literal["auto"]
        | Annotated[
            list[Annotated[float, Field(ge=1, le=1000)]], Field(min_length=1, max_length=8), AfterValidator(_different)
        ]
    )
    stability_exaggeration_iterations: Annotated[int, Field(ge=1, le=10_000)]
    stability_iterations: Annotated[int, Field(ge=1, le=100_000)]
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    device: Device
    threads: Threads

    def for_points(self, count: int) -> "NumberedMeasureParams":
        """Return the section with numbers in place of `auto`, for n measured points."""
        again = min(count, self.stability_samples)
        largest = largest_perplexity(again)
        numbers = {
            "neighbours": few_neighbours(again, USUAL_NEIGHBOURS) if self.neighbours == "auto" else self.neighbours,
            "stability_perplexities": [
                each for each in USUAL_PERPLEXITIES if each <= max(largest, USUAL_PERPLEXITIES[0])
            ]
            if self.stability_perplexities == "auto"
            else self.stability_perplexities,
        }
        return NumberedMeasureParams.model_validate(self.model_dump() | numbers)


class NumberedMeasureParams(MeasureParams):
    """The section without `auto`."""

    neighbours: int
    stability_perplexities: list[float]
