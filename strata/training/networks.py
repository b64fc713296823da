"""A network before and after training, as params.yaml says: the one that is looked at, and its replicates."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from strata.core import streams
from strata.dataset.description import DatasetDescription, load_images
from strata.network.checkpoint import file_and_choice, load_checkpoint
from strata.network.io import normalized
from strata.network.make import initialized_network
from strata.network.params import NetworkParams, Outputs
from strata.training.params import TrainParams
from strata.training.sgd import EpochRecord, Examples, History, freeze, train


def load_examples(folder: Path, split: str, description: DatasetDescription, device: torch.device) -> Examples:
    """Return the normalized images and labels of `train` or `test`, on a device."""
    loaded = load_images(folder, split)
    images = normalized(loaded.images, description.mean, description.std)
    return Examples(images.to(device), torch.from_numpy(loaded.labels).long().to(device))


def network_to_train(
    network: NetworkParams,
    params: TrainParams,
    description: DatasetDescription,
    seed: int,
    device: torch.device,
    on_change: Callable[[str], None] = lambda _: None,
) -> nn.Module:
    """Return the network that training starts from: drawn from `seed`, or loaded, with some modules frozen.

    `on_change` gets a sentence for each change that made the content of `train.init_from` fit the network.
    Raises StrataError if there is no such network, checkpoint or module.
    """
    made = initialized_network(network, description.image_shape, len(description.classes), seed)
    if params.init_from is not None:
        file, choice = file_and_choice(params.init_from)
        for change in load_checkpoint(made, file, "check train.init_from", choice):
            on_change(change)
    freeze(made, params.freeze)
    return made.to(device)


def train_from_seed(
    network: nn.Module,
    examples: Examples,
    test: Examples,
    params: TrainParams,
    seed: int,
    outputs: Outputs,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    on_checkpoint: Callable[[float], None] = lambda _: None,
) -> History:
    """Train a network in place, with the order of images and the network's own noise drawn from `seed`.

    Raises StrataError as `train` does.
    """
    torch.manual_seed(streams.training_noise(seed))
    generator = torch.Generator().manual_seed(streams.batch_order(seed))
    return train(network, examples, test, params, generator, on_epoch, outputs, on_checkpoint)
