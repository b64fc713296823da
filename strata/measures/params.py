"""Section `measure` of params.yaml."""

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from strata.core.params import Device, Section, Threads


def _different(values: list[float]) -> list[float]:
    if len(set(values)) < len(values):
        raise ValueError("each perplexity may be named once")
    return values


def _descending(values: list[float]) -> list[float]:
    if any(weaker >= stronger for stronger, weaker in pairwise(values)):
        raise ValueError("penalties descend, each once")
    return values


class MeasureParams(Section):
    """How many points and neighbours are measured, the linear probe, and the sizes of what is repeated at random."""

    samples: Annotated[int, Field(ge=24, le=100_000)]
    neighbours: Annotated[int, Field(ge=1, le=1000)]
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
    stability_perplexities: Annotated[
        list[Annotated[float, Field(ge=1, le=1000)]], Field(min_length=1, max_length=8), AfterValidator(_different)
    ]
    stability_exaggeration_iterations: Annotated[int, Field(ge=1, le=10_000)]
    stability_iterations: Annotated[int, Field(ge=1, le=100_000)]
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    device: Device
    threads: Threads
