"""A network before and after training, as params.yaml says: the one that is looked at, and its replicates."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from strata.core import streams
from strata.core.temporary_folder import left_behind
from strata.dataset.description import DatasetDescription, load_images
from strata.network.checkpoint import file_and_choice, load_checkpoint
from strata.network.make import initialized_network
from strata.network.params import NetworkParams, Outputs
from strata.network.preprocessing import Preprocessing
from strata.training.losses import has_answers
from strata.training.params import TrainParams
from strata.training.sgd import EpochRecord, Examples, History, freeze, train

FULL_PATH = "write the full path of train.init_from"


def load_examples(folder: Path, split: str, before: Preprocessing, device: torch.device) -> Examples:
    """Return the images of `train` or `test`, as the network's input, and their labels or targets, on a device.

    Raises ValueError where there are neither.
    """
    loaded = load_images(folder, split)
    if loaded.labels is not None:
        answers = torch.from_numpy(loaded.labels).long()
    elif loaded.targets is not None:
        answers = torch.from_numpy(loaded.targets)
    else:
        raise ValueError(f"the {split} images have neither labels nor targets")
    return Examples(before.prepared(loaded.images).to(device), answers.to(device))


def answered_examples(
    folder: Path, description: DatasetDescription, network: NetworkParams, before: Preprocessing, device: torch.device
) -> tuple[Examples | None, Examples | None]:
    """Return the training and the test examples; None where the data does not say what the network should output."""
    if not has_answers(description, network):
        return None, None
    test = load_examples(folder, "test", before, device)
    if not description.counts["train"]:
        return Examples(test.images[:0], test.labels[:0]), test
    return load_examples(folder, "train", before, device), test


def network_to_train(
    network: NetworkParams,
    params: TrainParams,
    shape: Sequence[int],
    classes: int | None,
    seed: int,
    device: torch.device,
    on_change: Callable[[str], None] = lambda _: None,
) -> nn.Module:
    """Return the network that training starts from, for images (C, H, W): drawn from `seed`, or loaded.

    Some of its modules may be frozen. `on_change` gets a sentence for each change that made the content of
    `train.init_from` fit the network. Raises StrataError if there is no such network, checkpoint or module.
    """
    made = initialized_network(network, shape, classes, seed)
    if params.init_from is not None:
        file, choice = file_and_choice(params.init_from)
        remedy = left_behind(file, FULL_PATH) or "check train.init_from"
        for change in load_checkpoint(made, file, remedy, choice):
            on_change(change)
    freeze(made, params.freeze)
    return made.to(device)


def train_from_seed(
    network: nn.Module,
    examples: Examples | None,
    test: Examples | None,
    params: TrainParams,
    seed: int,
    outputs: Outputs,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    on_checkpoint: Callable[[float], None] = lambda _: None,
    each_epoch: bool = True,
) -> History:
    """Train a network in place, with the order of images and the network's own noise drawn from `seed`.

    Without examples, where nothing is trained, the history is empty. Raises StrataError as `train` does.
    """
    if examples is None or test is None:
        for time in params.checkpoints:  # at most one, before training
            on_checkpoint(time)
        return History([], [])
    torch.manual_seed(streams.training_noise(seed))
    generator = torch.Generator().manual_seed(streams.batch_order(seed))
    return train(network, examples, test, params, generator, on_epoch, outputs, on_checkpoint, each_epoch)
