"""Section `download` of params.yaml."""

from typing import Annotated

from pydantic import Field

from strata.params.section import Section


class DownloadParams(Section):
    """Patience with a source: seconds without a byte, attempts at one file, seconds before the second attempt."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)]
    attempts: Annotated[int, Field(ge=1, le=20)]
    backoff_seconds: Annotated[float, Field(ge=0, le=60)]
