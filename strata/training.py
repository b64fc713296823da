"""Train a classifier by stochastic gradient descent on tensors held in memory."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from strata.errors import StrataError
from strata.params.train import Precision, TrainParams


@dataclass(frozen=True)
class Examples:
    """Normalized images, float32 (n, C, H, W), and labels, int64 (n,), on the device that trains."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class BatchRecord:
    """A point of the learning curve: means over the batches since the point before."""

    epoch: float
    images_seen: int
    train_loss: float
    train_accuracy: float


@dataclass(frozen=True)
class EpochRecord:
    """An epoch: training means over its batches, while the weights changed; test means after it."""

    epoch: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class History:
    """What training went through."""

    batches: list[BatchRecord]
    epochs: list[EpochRecord]


@dataclass(frozen=True)
class Predictions:
    """Log-probabilities of every class, float32 (n, classes)."""

    log_probabilities: torch.Tensor

    def loss(self, labels: torch.Tensor) -> float:
        """Return the mean negative log-likelihood of the labels, in nats."""
        return F.nll_loss(self.log_probabilities.double(), labels).item()

    def accuracy(self, labels: torch.Tensor) -> float:
        """Return the share of samples whose most probable class is the label."""
        return (self.log_probabilities.argmax(dim=1) == labels).double().mean().item()


def train(
    network: nn.Module,
    examples: Examples,
    test: Examples,
    params: TrainParams,
    generator: torch.Generator,
    on_epoch: Callable[[EpochRecord], None],
) -> History:
    """Train `network`, which returns log-probabilities, in place; the generator (of the CPU) draws each epoch's order.

    `on_epoch` is told of each epoch as it ends. While it trains, channels lie last in memory: convolutions on CPUs are
    faster so. With `params.precision` bfloat16 the layers compute in it (autocast); weights, loss and the test after
    each epoch stay in float32.

    Raises StrataError as soon as the loss of a batch is not finite.
    """
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=params.lr, momentum=params.momentum)
    history = History([], [])
    total = len(examples.labels)
    for epoch in range(1, params.epochs + 1):
        network.train()
        whole, since = _Means(), _Means()
        order = torch.randperm(total, generator=generator).to(examples.labels.device)
        batches = order.split(params.batch_size)
        for number, chosen in enumerate(batches, start=1):
            loss, correct = _step(
                network, optimizer, examples.images[chosen], examples.labels[chosen], params.precision
            )
            if not math.isfinite(loss):
                raise StrataError(
                    f"training diverged: the loss is {loss} at epoch {epoch}, batch {number} of {len(batches)};"
                    f" lower train.lr (now {params.lr:g}) or train.momentum (now {params.momentum:g})"
                )
            whole.add(loss, correct, len(chosen))
            since.add(loss, correct, len(chosen))
            if number % params.log_interval == 0 or number == len(batches):
                seen = (epoch - 1) * total + whole.count
                history.batches.append(BatchRecord(seen / total, seen, since.loss, since.accuracy))
                since = _Means()
        predicted = predict(network, test.images, params.test_batch_size)
        record = EpochRecord(
            epoch, whole.loss, predicted.loss(test.labels), whole.accuracy, predicted.accuracy(test.labels)
        )
        history.epochs.append(record)
        on_epoch(record)
    network.to(memory_format=torch.contiguous_format)
    return history


def predict(network: nn.Module, images: torch.Tensor, batch_size: int) -> Predictions:
    """Return the network's log-probabilities for all images, in evaluation mode and without gradients."""
    return Predictions(torch.cat(list(_outputs(network, images, batch_size))))


def _outputs(network: nn.Module, images: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    network.eval()
    with torch.inference_mode():
        for batch in images.split(batch_size):
            yield network(batch)


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    precision: Precision,
) -> tuple[float, int]:
    optimizer.zero_grad()
    if images.ndim == 4:
        images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        output = network(images)
    loss = F.nll_loss(output.float(), labels)
    loss.backward()
    optimizer.step()
    return loss.item(), int((output.argmax(dim=1) == labels).sum())


class _Means:
    """Running means of loss and accuracy, each image counting once."""

    def __init__(self) -> None:
        self.count, self._loss, self._correct = 0, 0.0, 0

    def add(self, loss: float, correct: int, count: int) -> None:
        self.count += count
        self._loss += loss * count
        self._correct += correct

    @property
    def loss(self) -> float:
        return self._loss / self.count

    @property
    def accuracy(self) -> float:
        return self._correct / self.count
