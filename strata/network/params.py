"""Sections `network` and `extract` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field

from strata.core.params import Device, Section, Threads

Outputs = Literal["log-probabilities", "logits", "probabilities"]
Target = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]


class NetworkParams(Section):
    """The class or function that makes the network, `package.module:name`, its arguments, and its kind of output.

    `part` is the place or name of the output with the classes, where there are several; `transforms` names the
    torchvision weights whose transforms images get in place of the data set's normalization.
    """

    target: Target
    arguments: dict[str, Any]
    outputs: Outputs
    part: Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None = None
    transforms: Annotated[str, Field(pattern=r"^\w+\.\w+$")] | None = None


Split = Literal["train", "test", "both"]


class ExtractParams(Section):
    """Which images go through the network, how many at a time (one Parquet row group each), and on which device."""

    split: Split
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    device: Device
    threads: Threads
