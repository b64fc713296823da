"""Section `network` of params.yaml."""

from typing import Annotated

from pydantic import Field

from strata.params.section import Section

Width = Annotated[int, Field(ge=1, le=4096)]


class NetworkParams(Section):
    """The widths of the exercise's convolutional network and the side of its square filters."""

    conv1_channels: Width
    conv2_channels: Width
    kernel_size: Annotated[int, Field(ge=1, le=7)]
    fc1_units: Width
