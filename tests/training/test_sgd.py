"""Training by gradient descent, against steps computed by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from strata.core.errors import StrataError
from strata.training.losses import raw_output
from strata.training.params import TrainParams
from strata.training.sgd import EpochRecord, Examples, History, Predictions, freeze, predict, train

LN2 = math.log(2)


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine the threads of such small steps spend seconds waiting for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def settings(**changes) -> TrainParams:
    base = {"epochs": 1, "batch_size": 3, "test_batch_size": 4, "lr": 0.1, "momentum": 0.0, "log_interval": 1}
    base |= {"precision": "float32", "device": "cpu", "threads": 1, "init_from": None, "freeze": [], "checkpoints": []}
    return TrainParams(**{**base, **changes})


def linear(seed: int | None = None) -> nn.Sequential:
    """Two inputs, two classes; all weights zero, or drawn from a seed."""
    network = nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(dim=1))
    generator = torch.Generator().manual_seed(seed or 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(
                torch.zeros_like(parameter) if seed is None else torch.randn(parameter.shape, generator=generator)
            )
    return network


def clouds(count: int = 10) -> Examples:
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(count) % 2
    return Examples(torch.randn(count, 2, generator=generator) + labels[:, None] * 2.0, labels)


def run(
    network: nn.Module,
    examples: Examples,
    params: TrainParams,
    seed: int = 0,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> History:
    return train(network, examples, examples, params, torch.Generator().manual_seed(seed), on_epoch)


def test_one_step_is_the_one_computed_by_hand():
    # x = (1, 2), class 0, zero weights: p = (1/2, 1/2), so dL/dz = (-1/2, 1/2) and dL/dW is its outer product with x.
    network, one = linear(), Examples(torch.tensor([[1.0, 2.0]]), torch.tensor([0]))
    history = run(network, one, settings())
    torch.testing.assert_close(network[0].weight.data, torch.tensor([[0.05, 0.1], [-0.05, -0.1]]))
    torch.testing.assert_close(network[0].bias.data, torch.tensor([0.05, -0.05]))
    assert history.batches[0].train_loss == pytest.approx(LN2)


def test_momentum_carries_the_first_step_into_the_second():
    # After the step above z = (0.3, -0.3), p0 = 1 / (1 + e^-0.6) = 0.645656, dL/dz0 = -0.354344;
    # velocity 0.9 x -0.5 - 0.354344 = -0.804344; W00 = 0.05 + 0.1 x 0.804344.
    network, one = linear(), Examples(torch.tensor([[1.0, 2.0]]), torch.tensor([0]))
    history = run(network, one, settings(epochs=2, momentum=0.9))
    assert network[0].weight[0, 0].item() == pytest.approx(0.1304344, abs=1e-6)
    assert history.batches[1].train_loss == pytest.approx(-math.log(0.645656), abs=1e-6)


def test_the_loss_of_a_batch_is_the_mean_over_its_images():
    network = linear()
    two = Examples(torch.tensor([[1.0, 2.0], [1.0, 2.0]]), torch.tensor([0, 0]))
    history = run(network, two, settings())
    torch.testing.assert_close(network[0].bias.data, torch.tensor([0.05, -0.05]))
    assert history.batches[0].train_loss == history.epochs[0].train_loss == pytest.approx(LN2)


def test_the_same_seed_gives_the_same_weights_bitwise_and_another_does_not():
    networks = [linear(7) for _ in range(3)]
    for network, seed in zip(networks, (3, 3, 4), strict=True):
        run(network, clouds(), settings(epochs=3, momentum=0.9), seed)
    first, again, other = (torch.cat([p.data.ravel() for p in network.parameters()]) for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("log_interval", "seen"),
    [(1, [3, 6, 9, 10, 13, 16, 19, 20]), (2, [6, 10, 16, 20]), (3, [9, 10, 19, 20]), (99, [10, 20])],
)
def test_a_point_every_log_interval_and_at_the_end_of_an_epoch(log_interval, seen):
    history = run(linear(7), clouds(), settings(epochs=2, log_interval=log_interval))
    assert [record.images_seen for record in history.batches] == seen
    assert [record.epoch for record in history.batches] == [images / 10 for images in seen]


def test_epochs_are_numbered_and_told_as_they_end():
    told: list[EpochRecord] = []
    history = run(linear(7), clouds(), settings(epochs=3), on_epoch=told.append)
    assert [record.epoch for record in told] == [1, 2, 3]
    assert history.epochs == told


def test_every_image_counts_once_in_the_means_of_an_epoch():
    history = run(linear(7), clouds(), settings())
    sizes = (3, 3, 3, 1)
    for name in ("train_loss", "train_accuracy"):
        total = sum(size * getattr(record, name) for size, record in zip(sizes, history.batches, strict=True))
        assert getattr(history.epochs[0], name) == pytest.approx(total / 10)


def test_the_test_means_are_those_after_the_epoch():
    network, examples = linear(7), clouds()
    record = run(network, examples, settings()).epochs[0]
    predicted = predict(network, examples.images, 4)
    assert record.test_loss == predicted.loss(examples.labels)
    assert record.test_accuracy == predicted.accuracy(examples.labels)


def test_testing_the_last_epoch_only_changes_no_weight_and_no_number():
    examples, params = clouds(), settings(epochs=3)
    networks = [linear(7), linear(7)]
    one, other = (
        train(network, examples, examples, params, torch.Generator().manual_seed(1), lambda _: None, each_epoch=each)
        for network, each in zip(networks, (True, False), strict=True)
    )
    assert one.epochs[-1:] == other.epochs and one.batches == other.batches
    for first, second in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.equal(first, second)


def test_training_learns_two_separate_clouds():
    far = Examples(clouds(40).images + clouds(40).labels[:, None] * 6.0, clouds(40).labels)
    assert run(linear(7), far, settings(epochs=30)).epochs[-1].test_accuracy == 1.0


def test_a_loss_that_is_not_finite_ends_training_with_one_line():
    with pytest.raises(StrataError) as caught:
        run(linear(7), clouds(), settings(lr=1e38, momentum=0.5))
    assert str(caught.value) == (
        "training diverged: the loss is nan at epoch 1, batch 2 of 4; lower train.lr (now 1e+38) or"
        " train.momentum (now 0.5)"
    )


def test_loss_and_accuracy_of_predictions_are_those_computed_by_hand():
    predicted = Predictions(torch.tensor([[0.75, 0.25], [0.4, 0.6], [0.1, 0.9]]).log())
    labels = torch.tensor([0, 0, 1])
    assert predicted.loss(labels) == pytest.approx(-(math.log(0.75) + math.log(0.4) + math.log(0.9)) / 3, rel=1e-6)
    assert predicted.accuracy(labels) == 2 / 3


def test_predict_keeps_the_order_in_evaluation_mode_without_gradients():
    images = clouds().images
    network = nn.Sequential(nn.Dropout(0.5), linear(7)).train()
    predicted = predict(network, images, 3).output
    torch.testing.assert_close(predicted, network[1](images).detach())
    assert not predicted.requires_grad


def test_bfloat16_learns_too_and_leaves_the_weights_in_float32():
    torch.manual_seed(0)
    network, again = (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4, 2), nn.LogSoftmax(dim=1))
        for _ in range(2)
    )
    again.load_state_dict(network.state_dict())
    images = torch.randn(60, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    labels = (images.mean(dim=(1, 2, 3)) > 0).long()
    settings_of = {"epochs": 30, "batch_size": 10, "lr": 0.3}
    history = run(network, Examples(images, labels), settings(precision="bfloat16", **settings_of))
    plain = run(again, Examples(images, labels), settings(**settings_of))
    assert history.epochs[-1].test_accuracy > 0.9
    assert plain.epochs[-1].test_accuracy > 0.9
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert all(parameter.is_contiguous() for parameter in network.parameters())
    # It is another arithmetic: the loss differs in its third digit.
    assert history.epochs[0].train_loss != plain.epochs[0].train_loss


@pytest.mark.parametrize(("classes", "least"), [(10, 1.005), (1012, 1.01)])
def test_rounding_to_bfloat16_leaves_log_probabilities_what_they_are(classes, least):
    """-log(1012) is -6.920, rounded -6.906: undecided predictions then sum to 1.0135."""
    output = torch.full((4, classes), -math.log(classes)).bfloat16()
    assert (output.float().exp().sum(dim=1) > least).all()
    torch.testing.assert_close(raw_output(output, "log-probabilities"), output.float(), rtol=0, atol=0)
    with pytest.raises(StrataError, match="not log-probabilities; perhaps they are `logits`"):
        raw_output(output + 0.05, "log-probabilities")
    with pytest.raises(StrataError, match="not log-probabilities"):
        raw_output(output.float() + 0.02, "log-probabilities")


def images_of_two_kinds(count: int = 12) -> Examples:
    images = torch.randn(count, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    return Examples(images, (images.mean(dim=(1, 2, 3)) > 0).long())


def with_batch_norms() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.ReLU()),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(16, 2),
        nn.LogSoftmax(dim=1),
    )


def test_frozen_modules_keep_weights_and_running_means_bitwise():
    network = with_batch_norms()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    freeze(network, ["0"])
    run(network, images_of_two_kinds(), settings(epochs=2, freeze=["0"]))
    same = {key: torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items()}
    assert same == {key: key.startswith("0.") for key in before}


@pytest.mark.parametrize("affine", [True, False])
def test_a_frozen_batch_norm_alone_keeps_its_means(affine):
    network = with_batch_norms()
    network[1] = nn.BatchNorm2d(4, affine=affine)
    freeze(network, ["1"])
    run(network, images_of_two_kinds(), settings(freeze=["1"]))
    assert network[1].running_mean.tolist() == [0, 0, 0, 0]
    assert network[0][1].running_mean.abs().min() > 0


def test_everything_frozen_is_one_line_unless_nothing_is_trained():
    network = linear(7)
    freeze(network, ["0", "1"])
    with pytest.raises(StrataError) as caught:
        run(network, clouds(), settings(freeze=["0", "1"]))
    assert str(caught.value) == ("train.freeze: every weight is frozen; freeze less, or set train.epochs to 0")
    assert len(run(network, clouds(), settings(epochs=0, freeze=["0", "1"])).epochs) == 1


@pytest.mark.parametrize("path", ["2", "", "0.weight"])
def test_to_freeze_an_unknown_module_is_refused(path):
    with pytest.raises(StrataError) as caught:
        freeze(linear(7), ["0", path])
    assert str(caught.value) == f"train.freeze: the network has no module '{path}'; it has 0, 1"


def test_no_epochs_test_the_network_as_it_is():
    network, examples, told = linear(7), clouds(), []
    before = network[0].weight.clone()
    history = run(network, examples, settings(epochs=0), on_epoch=told.append)
    assert torch.equal(network[0].weight, before)
    (record,) = history.epochs
    assert history.batches == [] and told == [record]
    assert record.epoch == 0 and math.isnan(record.train_loss) and math.isnan(record.train_accuracy)
    assert record.test_loss == predict(network, examples.images, 4).loss(examples.labels)


def test_logits_are_trained_as_their_log_softmax():
    plain, logits = linear(7), linear(7)[:1]
    examples, generators = clouds(), [torch.Generator().manual_seed(0) for _ in range(2)]
    params = settings(epochs=2, momentum=0.9)
    one = train(plain, examples, examples, params, generators[0], lambda _: None)
    other = train(logits, examples, examples, params, generators[1], lambda _: None, "logits")
    assert one == other
    assert torch.equal(plain[0].weight, logits[0].weight)


def test_probabilities_are_trained_as_their_logarithms():
    plain, softmax = linear(7), torch.nn.Sequential(linear(7)[0], torch.nn.Softmax(dim=1))
    examples, generators = clouds(), [torch.Generator().manual_seed(0) for _ in range(2)]
    params = settings(epochs=2, momentum=0.9)
    one = train(plain, examples, examples, params, generators[0], lambda _: None)
    other = train(softmax, examples, examples, params, generators[1], lambda _: None, "probabilities")
    assert [record.test_loss for record in other.epochs] == pytest.approx([each.test_loss for each in one.epochs])
    torch.testing.assert_close(plain[0].weight, softmax[0].weight)


def test_outputs_that_are_no_log_probabilities_end_training():
    with pytest.raises(
        StrataError, match=r"^network\.outputs: .* are not log-probabilities; perhaps they are `logits`$"
    ):
        run(linear(7)[:1], clouds(), settings())


def test_checkpoints_are_told_with_the_batch_nearest_to_them():
    network, told = linear(7), []

    def on_checkpoint(epochs: float) -> None:
        told.append((epochs, network[0].weight[0, 0].item()))

    params = settings(epochs=2, checkpoints=[0, 0.5, 1, 1.3, 2])  # of four batches each
    history = train(
        *(network, clouds(), clouds(), params, torch.Generator().manual_seed(0), lambda _: None),
        on_checkpoint=on_checkpoint,
    )
    assert [epochs for epochs, _ in told] == [0, 0.5, 1, 1.3, 2]
    assert told[0][1] == linear(7)[0].weight[0, 0].item()
    assert told[-1][1] == network[0].weight[0, 0].item()
    assert len({weight for _, weight in told}) == 5
    # One epoch of training ends at the same weights as the checkpoint after it.
    short = linear(7)
    assert run(short, clouds(), settings(epochs=1)).epochs == history.epochs[:1]
    assert told[2][1] == short[0].weight[0, 0].item()


def test_checkpoints_that_fall_on_one_batch_are_refused():
    with pytest.raises(StrataError) as caught:
        run(linear(7), clouds(), settings(checkpoints=[0.5, 0.51]))
    assert str(caught.value) == "train.checkpoints: two fall on the same batch of 4 per epoch; move them apart"


def test_a_network_that_flattens_with_view_is_trained_too():
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(16, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.conv(x).view(-1, 16)).log_softmax(dim=1)

    torch.manual_seed(0)
    network = Views()
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 2), nn.LogSoftmax(dim=1))
    plain.load_state_dict(dict(zip(plain.state_dict(), network.state_dict().values(), strict=True)))
    first, second = (run(each, images_of_two_kinds(), settings(epochs=2)) for each in (network, plain))
    assert [record.train_loss for record in first.epochs] == pytest.approx([r.train_loss for r in second.epochs])
