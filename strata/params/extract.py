"""Section `extract` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from strata.params.common import Device, Threads
from strata.params.section import Section

Split = Literal["train", "test", "both"]


class ExtractParams(Section):
    """Which images go through the network, how many at a time (one Parquet row group each), and on what."""

    split: Split
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    device: Device
    threads: Threads
