"""Section `report` of params.yaml."""

from typing import Annotated

from pydantic import Field

from strata.core.errors import StrataError
from strata.core.params import Section


class ReportParams(Section):
    """Which sample the close-ups show, how many images the galleries have, and the figures' resolution."""

    sample_id: Annotated[int, Field(ge=0)]
    misclassified: Annotated[int, Field(ge=1, le=200)]
    late_deciders: Annotated[int, Field(ge=1, le=200)]
    page_samples: Annotated[int, Field(ge=10, le=100_000)]
    dpi: Annotated[int, Field(ge=50, le=600)]


def check_sample(sample_id: int, count: int, split: str) -> None:
    """Raise StrataError unless the sample is one of the `count` of a split, whose ids begin at 0."""
    if sample_id >= count:
        raise StrataError(
            f"report.sample_id {sample_id} is not among the {count} samples of extract.split {split}; choose another"
        )
