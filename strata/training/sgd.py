"""Train a network by stochastic gradient descent on tensors held in memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.sgd import sgd

from strata.core.errors import StrataError
from strata.core.params import Precision
from strata.network.params import Outputs
from strata.training.losses import mean_loss, raw_output, right
from strata.training.params import TrainParams


@dataclass(frozen=True)
class Examples:
    """Normalized images, float32 (n, C, H, W), and labels, int64 (n,), on the device that trains.

    Or, in their place, targets float32 (n, k).
    """

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class BatchRecord:
    """A point of the learning curve: means over the batches since the previous point; accuracy is NaN for values."""

    epoch: float
    images_seen: int
    train_loss: float
    train_accuracy: float


@dataclass(frozen=True)
class EpochRecord:
    """An epoch: training means over its batches, while the weights change; test means after it.

    Epoch 0 is the network before training: its training means are NaN. So are accuracies of values.
    """

    epoch: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class History:
    """The records of a training."""

    batches: list[BatchRecord]
    epochs: list[EpochRecord]


@dataclass(frozen=True)
class Predictions:
    """Log-probabilities of every class, float32 (n, classes); or values, or logits of labels, by their form."""

    output: torch.Tensor
    form: Outputs = "log-probabilities"

    def loss(self, labels: torch.Tensor) -> float:
        """Return the mean loss against the labels, or targets; of classes the negative log-likelihood, in nats."""
        return mean_loss(self.output.double(), labels, self.form).item()

    def accuracy(self, labels: torch.Tensor) -> float:
        """Return the share of samples whose most probable class is the label; see `right` for other targets."""
        return right(self.output, labels, self.form).mean().item()


class _Momentum:
    """Gradient descent with momentum, by PyTorch's function: its class takes a second to load the compiler."""

    def __init__(self, parameters: Sequence[nn.Parameter], lr: float, momentum: float) -> None:
        self._parameters, self._lr, self._momentum = parameters, lr, momentum
        self._velocities: list[torch.Tensor | None] = [None] * len(parameters)

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters in place and forget their gradients."""
        for place, parameter in enumerate(self._parameters):
            if parameter.grad is None:
                continue
            velocity = [self._velocities[place]]
            sgd(
                [parameter],
                [parameter.grad],
                velocity,
                lr=self._lr,
                momentum=self._momentum,
                weight_decay=0,
                dampening=0,
                nesterov=False,
                maximize=False,
            )
            self._velocities[place], parameter.grad = velocity[0], None


def train(
    network: nn.Module,
    examples: Examples,
    test: Examples,
    params: TrainParams,
    generator: torch.Generator,
    on_epoch: Callable[[EpochRecord], None],
    outputs: Outputs = "log-probabilities",
    on_checkpoint: Callable[[float], None] = lambda _: None,
    each_epoch: bool = True,
) -> History:
    """Train `network` in place; the CPU generator draws each epoch's order.

    `on_epoch` is called after each epoch, and `on_checkpoint` after the batch nearest to each of `params.checkpoints`.
    The modules of `params.freeze`, which `freeze` must have frozen, do not change. With 0 epochs, the history has only
    the untrained network. During training, channels are last in memory if the network allows it: convolutions on CPUs
    are faster that way. With `params.precision` bfloat16 the layers compute in it (autocast); weights, loss and the
    test after each epoch stay in float32. Without `each_epoch` only the last epoch is tested and recorded.

    Raises StrataError as soon as the loss of a batch is not finite, or if everything is frozen.
    """
    history = History([], [])
    due = _due_checkpoints(params, len(examples.labels))
    if 0 in due:
        on_checkpoint(due[0])
    if params.epochs == 0:
        predictions = predict(network, test.images, params.test_batch_size, outputs)
        nan = math.nan
        history.epochs.append(
            EpochRecord(0, nan, predictions.loss(test.labels), nan, predictions.accuracy(test.labels))
        )
        on_epoch(history.epochs[0])
        return history
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not trainable:
        raise StrataError("train.freeze: every weight is frozen; freeze less, or set train.epochs to 0")
    layout = _layout(network, examples.images[:2])
    optimizer = _Momentum(trainable, params.lr, params.momentum)
    total, steps = len(examples.labels), 0
    for epoch in range(1, params.epochs + 1):
        _training_mode(network, params.freeze)
        epoch_means, curve_means = _Means(), _Means()
        order = torch.randperm(total, generator=generator).to(examples.labels.device)
        batches = order.split(params.batch_size)
        for number, chosen in enumerate(batches, start=1):
            batch = Examples(examples.images[chosen], examples.labels[chosen])
            loss, correct = _step(network, optimizer, batch, layout, params.precision, outputs)
            if not math.isfinite(loss):
                raise StrataError(
                    f"training diverged: the loss is {loss} at epoch {epoch}, batch {number} of {len(batches)};"
                    f" lower train.lr (now {params.lr:g}) or train.momentum (now {params.momentum:g})"
                )
            epoch_means.add(loss, correct, len(chosen))
            curve_means.add(loss, correct, len(chosen))
            if number % params.log_interval == 0 or number == len(batches):
                seen = (epoch - 1) * total + epoch_means.count
                history.batches.append(BatchRecord(seen / total, seen, curve_means.loss, curve_means.accuracy))
                curve_means = _Means()
            steps += 1
            if steps in due:
                on_checkpoint(due[steps])
        if not each_epoch and epoch < params.epochs:
            continue
        predicted = predict(network, test.images, params.test_batch_size, outputs)
        record = EpochRecord(
            epoch, epoch_means.loss, predicted.loss(test.labels), epoch_means.accuracy, predicted.accuracy(test.labels)
        )
        history.epochs.append(record)
        on_epoch(record)
    network.to(memory_format=torch.contiguous_format)
    return history


def freeze(network: nn.Module, paths: Sequence[str]) -> None:
    """Freeze the weights and running means of the modules at the paths during training.

    Raises StrataError if a path is not a module.
    """
    modules = dict(network.named_modules())
    for path in paths:
        if not path or path not in modules:
            raise StrataError(
                f"train.freeze: the network has no module '{path}'; it has {', '.join(filter(None, modules))}"
            )
        modules[path].requires_grad_(False)


def predict(
    network: nn.Module, images: torch.Tensor, batch_size: int, outputs: Outputs = "log-probabilities"
) -> Predictions:
    """Return the network's log-probabilities for all images, in evaluation mode and without gradients.

    Or, in their place, its values or its logits of labels.
    """
    return Predictions(
        torch.cat([raw_output(each, outputs) for each in _outputs(network, images, batch_size)]), outputs
    )


def _outputs(network: nn.Module, images: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    network.eval()
    with torch.inference_mode():
        for batch in images.split(batch_size):
            yield network(batch)


def _layout(network: nn.Module, images: torch.Tensor) -> torch.memory_format:
    """Set the memory layout of the network's weights and return it: channels last, unless the forward pass then fails.

    It fails if it flattens with `view`, which needs values in their logical order, as in the exercise's class.
    """
    layout = torch.channels_last if images.ndim == 4 else torch.contiguous_format
    network.to(memory_format=layout).eval()
    try:
        with torch.no_grad():
            network(images.contiguous(memory_format=layout))
    except RuntimeError:
        layout = torch.contiguous_format
        network.to(memory_format=layout)
    return layout


def _training_mode(network: nn.Module, frozen: Sequence[str]) -> None:
    """Set training mode, except for the frozen modules, so that their running means stay too."""
    network.train()
    for path in frozen:
        network.get_submodule(path).eval()


def _due_checkpoints(params: TrainParams, images: int) -> dict[int, float]:
    """Return a mapping: number of steps -> the checkpoint, in epochs, that is due after them."""
    steps = -(-images // params.batch_size)
    due = {round(time * steps): time for time in params.checkpoints}
    if len(due) < len(params.checkpoints):
        raise StrataError(f"train.checkpoints: two fall on the same batch of {steps} per epoch; move them apart")
    return due


def _step(
    network: nn.Module,
    optimizer: _Momentum,
    batch: Examples,
    layout: torch.memory_format,
    precision: Precision,
    outputs: Outputs,
) -> tuple[float, float]:
    images = batch.images.contiguous(memory_format=layout)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        output = network(images)
    predictions = raw_output(output, outputs)
    loss = mean_loss(predictions, batch.labels, outputs)
    loss.backward()
    optimizer.step()
    return loss.item(), right(output.detach(), batch.labels, outputs).sum().item()


class _Means:
    """Running means of loss and accuracy over images."""

    def __init__(self) -> None:
        self.count, self._loss, self._correct = 0, 0.0, 0.0

    def add(self, loss: float, correct: float, count: int) -> None:
        self.count += count
        self._loss += loss * count
        self._correct += correct

    @property
    def loss(self) -> float:
        return self._loss / self.count

    @property
    def accuracy(self) -> float:
        return self._correct / self.count
