"""Section `network` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field

from strata.params.section import Section

Outputs = Literal["log-probabilities", "logits"]
Target = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]


class NetworkParams(Section):
    """The class or function that makes the network, `package.module:name`, its arguments, and what its outputs are."""

    target: Target
    arguments: dict[str, Any]
    outputs: Outputs
