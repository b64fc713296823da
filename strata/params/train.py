"""Section `train` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from strata.params.common import Device, Threads
from strata.params.section import Section

Precision = Literal["float32", "bfloat16"]


class TrainParams(Section):
    """Stochastic gradient descent with the exercise's settings; `threads` is here because it changes the bits."""

    epochs: Annotated[int, Field(ge=1, le=1000)]
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    test_batch_size: Annotated[int, Field(ge=1, le=100_000)]
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    momentum: Annotated[float, Field(ge=0, lt=1)]
    log_interval: Annotated[int, Field(ge=1)]
    precision: Precision
    device: Device
    threads: Threads
