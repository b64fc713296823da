"""The train stage on tiny data: its files agree with one another and repeat themselves to the byte."""

import json

import pandas as pd
import pytest
import torch

from stages.train import load_examples
from strata.checkpoint import load_checkpoint
from strata.datasets.description import read_description
from strata.datasets.images import load_images
from strata.errors import StrataError
from strata.network import initialized_network
from strata.network_input import normalized
from strata.params.network import NetworkParams
from strata.params.train import TrainParams
from strata.training import predict, train
from tests.tiny_pipeline import TINY_PARAMS, run_train

FILES = [
    "model/mnist_cnn.pt",
    "reports/epochs.csv",
    "reports/learning_curve.csv",
    "reports/network.txt",
    "reports/predictions.csv",
    "reports/training.json",
]
# conv1 3 x (25 + 1), conv2 4 x (3 x 25 + 1), fc1 8 x (4 + 1), fc2 10 x (8 + 1)
PARAMETERS = 78 + 304 + 40 + 90


@pytest.fixture
def trained(tmp_path, tiny_data, write_params):
    """The folder that the train stage has written to."""
    run_train(write_params(), tiny_data, tmp_path / "out")
    return tmp_path / "out"


def files_under(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def metrics(folder):
    return json.loads((folder / "reports/training.json").read_text(encoding="utf-8"))


def test_exactly_these_files_are_written(trained):
    assert files_under(trained) == FILES


def test_metrics_agree_with_the_predictions(trained):
    predictions = pd.read_csv(trained / "reports/predictions.csv", dtype=str)
    assert predictions.columns.tolist() == ["actual", "predicted"]
    assert len(predictions) == 40
    assert predictions["actual"].tolist() == [str(number % 10) for number in range(40)]
    share = (predictions["actual"] == predictions["predicted"]).mean()
    assert metrics(trained)["test_accuracy"] == round(share, 6)


def test_metrics_are_those_of_the_last_epoch(trained):
    epochs = pd.read_csv(trained / "reports/epochs.csv")
    assert epochs["epoch"].tolist() == [1, 2]
    last = epochs.iloc[-1].drop("epoch").to_dict()
    assert metrics(trained) == pytest.approx({**last, "parameters": PARAMETERS}, abs=1e-5)
    assert list(metrics(trained)) == [*last, "parameters"]


def test_the_learning_curve_has_a_point_every_two_of_four_batches(trained):
    curve = pd.read_csv(trained / "reports/learning_curve.csv")
    assert curve.columns.tolist() == ["epoch", "images_seen", "train_loss", "train_accuracy"]
    assert curve["images_seen"].tolist() == [32, 60, 92, 120]
    assert curve["epoch"].tolist() == pytest.approx([32 / 60, 1, 92 / 60, 2], abs=1e-5)


def test_the_summary_is_of_the_trained_network(trained):
    lines = (trained / "reports/network.txt").read_text(encoding="utf-8").splitlines()
    assert ["total", str(PARAMETERS)] in [line.split() for line in lines]


def test_the_checkpoint_makes_the_predictions_and_the_test_loss(trained, tiny_data):
    network = initialized_network(NetworkParams(**TINY_PARAMS["network"]), (1, 16, 16), 10, seed=1)
    load_checkpoint(network, trained / "model/mnist_cnn.pt")
    description, test = read_description(tiny_data), load_images(tiny_data, "test")
    predicted = predict(network, normalized(test.images, description.mean, description.std), 32)
    names = predicted.log_probabilities.argmax(dim=1).numpy().astype(str).tolist()
    assert names == pd.read_csv(trained / "reports/predictions.csv", dtype=str)["predicted"].tolist()
    loss = predicted.loss(torch.from_numpy(test.labels).long())
    assert metrics(trained)["test_loss"] == pytest.approx(loss, abs=1e-6)


def test_a_line_for_each_epoch(tmp_path, tiny_data, write_params, capsys):
    run_train(write_params(), tiny_data, tmp_path / "out")
    epochs = pd.read_csv(tmp_path / "out/reports/epochs.csv")
    assert capsys.readouterr().err.splitlines() == [
        f"train: epoch {row.epoch:.0f} of 2: training loss {row.train_loss:.4f}, test loss {row.test_loss:.4f},"
        f" test accuracy {row.test_accuracy:.2%}"
        for row in epochs.itertuples()
    ]


def test_the_same_seed_gives_the_same_bytes(trained, tmp_path, tiny_data, write_params):
    run_train(write_params(), tiny_data, tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes(), name


def test_another_seed_gives_other_weights(trained, tmp_path, tiny_data, write_params):
    run_train(write_params(seed=1), tiny_data, tmp_path / "again")
    assert (tmp_path / "again" / FILES[0]).read_bytes() != (trained / FILES[0]).read_bytes()


def test_the_seed_draws_both_the_weights_and_the_order_of_the_images(trained, tiny_data):
    description = read_description(tiny_data)
    examples, test = (load_examples(tiny_data, split, description, torch.device("cpu")) for split in ("train", "test"))
    network = initialized_network(NetworkParams(**TINY_PARAMS["network"]), (1, 16, 16), 10, seed=0)
    generator = torch.Generator().manual_seed(0)
    train(network, examples, test, TrainParams(**TINY_PARAMS["train"]), generator, lambda _: None)
    saved = torch.load(trained / "model/mnist_cnn.pt", weights_only=True)
    for name, tensor in network.state_dict().items():
        assert torch.equal(saved[name], tensor), name


def test_more_training_learns_the_bars(tmp_path, tiny_data, write_params):
    params = write_params(
        train={"epochs": 30, "lr": 0.02},
        network={"arguments": {"conv1_channels": 3, "conv2_channels": 8, "fc1_units": 32}},
    )
    run_train(params, tiny_data, tmp_path / "out")
    assert metrics(tmp_path / "out")["test_accuracy"] > 0.9


def test_a_training_that_diverges_writes_nothing(tmp_path, tiny_data, write_params):
    with pytest.raises(StrataError, match=r"^training diverged: the loss is nan at epoch 1, batch \d of 4; lower"):
        run_train(write_params(train={"lr": 1e30}), tiny_data, tmp_path / "out")
    assert files_under(tmp_path / "out") == []


def test_data_that_are_missing_are_named(tmp_path, write_params):
    with pytest.raises(StrataError) as caught:
        run_train(write_params(), tmp_path / "none", tmp_path / "out")
    assert str(caught.value) == f"{tmp_path / 'none/dataset.json'} is missing; run `dvc repro download`"
