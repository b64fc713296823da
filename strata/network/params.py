"""Sections `network` and `extract` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field

from strata.core.params import Device, Dtype, Section, Threads

Outputs = Literal["log-probabilities", "logits", "probabilities", "values", "multi-label", "features"]
OF_CLASSES = ("log-probabilities", "logits", "probabilities")
Target = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]


class NetworkParams(Section):
    """The class or function that makes the network, `package.module:name`, its arguments, and its kind of output.

    That is one number per class, the `values` of the data's targets, one logit per label (`multi-label`), or `features`
    of any form, which are not read. `part` is the place or name of the output, where there are several; `transforms`
    names the torchvision weights whose transforms images get in place of the data set's normalization. `mask` is the
    name of the argument that gets the mask of token ids.
    """

    target: Target
    arguments: dict[str, Any]
    outputs: Outputs
    part: Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None = None
    transforms: Annotated[str, Field(pattern=r"^\w+\.\w+$")] | None = None
    mask: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = None

    @property
    def predicts_classes(self) -> bool:
        """Whether the network predicts a class for each sample."""
        return self.outputs in OF_CLASSES

    @property
    def predicts_targets(self) -> bool:
        """Whether the network predicts numbers, or which labels apply."""
        return self.outputs in ("values", "multi-label")


Split = Literal["train", "test", "both"]


class ExtractParams(Section):
    """Which images go through the network, how many at a time (one Parquet row group each), and on which device.

    `dtype` is that of the files; layers that are measured but not written are rounded to it, too.
    """

    split: Split
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    dtype: Dtype = "float32"
    device: Device
    threads: Threads
