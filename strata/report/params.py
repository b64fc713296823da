"""Section `report` of params.yaml."""

from typing import Annotated

from pydantic import Field

from strata.core.params import Section


class ReportParams(Section):
    """Which sample the close-ups show, how many images the galleries have, and the figures' resolution."""

    sample_id: Annotated[int, Field(ge=0)]
    misclassified: Annotated[int, Field(ge=1, le=200)]
    late_deciders: Annotated[int, Field(ge=1, le=200)]
    page_samples: Annotated[int, Field(ge=10, le=100_000)]
    dpi: Annotated[int, Field(ge=50, le=600)]
