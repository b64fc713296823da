"""Sections `train` and `replicate` of params.yaml."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from strata.core.params import Device, Precision, Section, Threads


class TrainParams(Section):
    """Stochastic gradient descent with the exercise's settings; `threads` is a parameter because it changes the bits.

    `init_from` is a checkpoint to start from. `freeze` names modules whose weights stay. With `epochs` 0 the network is
    not trained. `checkpoints` are the times, in epochs, at which weights are kept.
    """

    epochs: Annotated[int, Field(ge=0, le=1000)]
    batch_size: Annotated[int, Field(ge=1, le=100_000)]
    test_batch_size: Annotated[int, Field(ge=1, le=100_000)]
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    momentum: Annotated[float, Field(ge=0, lt=1)]
    log_interval: Annotated[int, Field(ge=1)]
    precision: Precision
    device: Device
    threads: Threads
    init_from: Annotated[str, Field(min_length=1)] | None
    freeze: list[Annotated[str, Field(strict=True, min_length=1)]]
    checkpoints: list[Annotated[float, Field(ge=0, le=1000)]]

    @model_validator(mode="after")
    def _checkpoints_within_training(self) -> Self:
        times = self.checkpoints
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("checkpoints must ascend, without repeats")
        if times and times[-1] > self.epochs:
            raise ValueError(f"the checkpoint at {times[-1]:g} epochs comes after the last of {self.epochs}")
        return self


class ReplicateParams(Section):
    """How many networks are trained in all, from different seeds: the one that is looked at, and its replicates.

    This is a section of its own because DVC tracks whole sections: another number must not train the first again.
    """

    networks: Annotated[int, Field(ge=1, le=20)]


def networks_to_train(replicate: ReplicateParams, train: TrainParams) -> int:
    """Return how many networks there are in all: one where all would have the weights of one checkpoint."""
    return 1 if train.epochs == 0 and train.init_from is not None else replicate.networks
