"""The train stage on tiny data: its files agree with one another and repeat themselves to the byte."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys

import pandas as pd
import pytest
import torch

from strata.core import streams
from strata.core.errors import StrataError
from strata.core.paths import Paths
from strata.dataset.description import load_images, read_description
from strata.network.checkpoint import load_checkpoint
from strata.network.make import initialized_network
from strata.network.params import NetworkParams
from strata.network.preprocessing import normalized, preprocessing
from strata.training import trained_network
from strata.training.networks import load_examples
from strata.training.params import TrainParams
from strata.training.sgd import predict, train
from tests.tiny_pipeline import ROOT, TINY_PARAMS, run_train
from tests.waiting import wait_until

WEIGHTS = "model/mnist_cnn.pt"
FILES = [
    "model/checkpoints/.empty",
    WEIGHTS,
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


def test_fewer_threads_than_asked_for_are_one_line(tiny_data, write_params, tmp_path, monkeypatch):
    """PyTorch would wait for threads that OpenMP does not start."""
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    with pytest.raises(StrataError, match="OMP_THREAD_LIMIT is 1, but threads is 2"):
        run_train(write_params(train={"threads": 2}), tiny_data, tmp_path / "out")
    run_train(write_params(train={"threads": 1, "epochs": 1}), tiny_data, tmp_path / "out")


def test_the_table_of_epochs_grows_with_each_epoch(tiny_data, write_params, tmp_path, monkeypatch):
    seen = []
    path = tmp_path / "out/reports/epochs.csv"
    monkeypatch.setattr(trained_network, "report_epoch", lambda *_: seen.append(pd.read_csv(path)["epoch"].tolist()))
    run_train(write_params(train={"epochs": 3}), tiny_data, tmp_path / "out")
    assert seen == [[1], [1, 2], [1, 2, 3]]


@pytest.mark.parametrize(
    "place", ["report_epoch", "predict", "save_checkpoint", "write_text", "write_csv", "write_json"]
)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(143)])
def test_a_failure_anywhere_leaves_no_table_of_epochs(place, error, tiny_data, write_params, tmp_path, monkeypatch):
    """The table would look whole, although rows, or the files that belong to it, are missing."""

    def fail(*_: object) -> None:
        assert (tmp_path / "out/reports/epochs.csv").exists()
        raise error

    monkeypatch.setattr(trained_network, place, fail)
    with pytest.raises(type(error)):
        run_train(write_params(train={"epochs": 1}), tiny_data, tmp_path / "out")
    assert not (tmp_path / "out/reports/epochs.csv").exists()


def test_a_failure_before_the_first_epoch_leaves_an_earlier_table(trained, tiny_data, write_params):
    before = (trained / "reports/epochs.csv").read_bytes()
    with pytest.raises(StrataError, match="training diverged"):
        run_train(write_params(train={"lr": 1e30}), tiny_data, trained)
    assert (trained / "reports/epochs.csv").read_bytes() == before


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_training_leaves_no_table_of_epochs(kind, tiny_data, write_params, tmp_path):
    raw, out = tmp_path / "data/raw", tmp_path / "out"
    shutil.copytree(tiny_data, raw)
    words = ["--params", write_params(train={"epochs": 1000}), "--data", raw.parent, "--out", out / "model"]
    command = [sys.executable, "-m", "stages.train", *map(str, words), "--reports", str(out / "reports")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_until((out / "reports/epochs.csv").exists)
    process.send_signal(kind)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert files_under(out) == []


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
    names = predicted.output.argmax(dim=1).numpy().astype(str).tolist()
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
    assert (tmp_path / "again" / WEIGHTS).read_bytes() != (trained / WEIGHTS).read_bytes()


def test_the_seed_draws_both_the_weights_and_the_order_of_the_images(trained, tiny_data):
    network_params = NetworkParams(**TINY_PARAMS["network"])
    before = preprocessing(read_description(tiny_data), network_params)
    examples, test = (load_examples(tiny_data, split, before, torch.device("cpu")) for split in ("train", "test"))
    network = initialized_network(network_params, (1, 16, 16), 10, seed=0)
    generator = torch.Generator().manual_seed(streams.batch_order(0))
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


def initial(seed=0):
    return initialized_network(NetworkParams(**TINY_PARAMS["network"]), (1, 16, 16), 10, seed).state_dict()


def weights(path):
    return torch.load(path, weights_only=True)


def same(first, second):
    return {key: torch.equal(tensor, second[key]) for key, tensor in first.items()}


def test_checkpoints_are_the_weights_at_those_times(trained, tmp_path, tiny_data, write_params):
    out = tmp_path / "kept"
    (out / "model/checkpoints").mkdir(parents=True)
    (out / "model/checkpoints/9.pt").write_bytes(b"of an earlier run")
    run_train(write_params(train={"checkpoints": [0, 0.25, 1, 2]}), tiny_data, out)
    folder = out / "model/checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["0.25.pt", "0.pt", "1.pt", "2.pt"]
    assert all(same(weights(folder / "0.pt"), initial()).values())
    assert not any(same(weights(folder / "0.25.pt"), initial()).values())
    # To keep them changes nothing.
    assert all(same(weights(folder / "2.pt"), weights(trained / "model/mnist_cnn.pt")).values())
    run_train(write_params(train={"epochs": 1}), tiny_data, tmp_path / "one")
    assert all(same(weights(folder / "1.pt"), weights(tmp_path / "one/model/mnist_cnn.pt")).values())


def test_no_checkpoints_leave_a_folder_that_says_so(trained):
    (why,) = (trained / "model/checkpoints").iterdir()
    assert (why.name, why.read_text(encoding="utf-8")) == (
        ".empty",
        "No weights were kept: train.checkpoints has no times.\n",
    )
    assert Paths.of(trained, trained / "reports").kept_weights() == {}
    assert sorted(path.name for path in (trained / "model").iterdir()) == ["checkpoints", "mnist_cnn.pt"]


def test_a_start_from_trained_weights_goes_on_from_there(trained, tmp_path, tiny_data, write_params):
    start = trained / "model/mnist_cnn.pt"
    train_params = {"epochs": 1, "init_from": str(start), "freeze": ["conv1", "fc1"], "checkpoints": [0]}
    run_train(write_params(train=train_params), tiny_data, tmp_path / "on")
    assert (tmp_path / "on/model/checkpoints/0.pt").read_bytes() == start.read_bytes()
    found = same(weights(start), weights(tmp_path / "on/model/mnist_cnn.pt"))
    assert found == {key: key.startswith(("conv1", "fc1")) for key in found}
    last = (tmp_path / "on/reports/network.txt").read_text(encoding="utf-8").splitlines()[-1]
    assert last == f"initial weights: SHA-256 {hashlib.sha256(start.read_bytes()).hexdigest()}"


def test_what_was_done_to_a_file_of_weights_is_in_the_networks_summary(trained, tmp_path, tiny_data, write_params):
    start, state = trained / "model/mnist_cnn.pt", weights(trained / "model/mnist_cnn.pt")
    wrapped = {"epoch": 2, "state_dict": {f"model.{key}": tensor for key, tensor in state.items()}, "model_ema": state}
    torch.save(wrapped, tmp_path / "last.ckpt")
    as_it_is = {"epochs": 0, "init_from": f"{tmp_path / 'last.ckpt'}::state_dict.model"}
    run_train(write_params(train=as_it_is), tiny_data, tmp_path / "out")
    assert all(same(weights(start), weights(tmp_path / "out/model/mnist_cnn.pt")).values())
    assert (tmp_path / "out/reports/network.txt").read_text(encoding="utf-8").splitlines()[-4:] == [
        f"initial weights: SHA-256 {hashlib.sha256((tmp_path / 'last.ckpt').read_bytes()).hexdigest()}",
        "initial weights: taken from 'state_dict' of the file",
        "initial weights: prefix 'model.' removed from the names",
        "initial weights: not used: epoch, model_ema",
    ]


def test_no_epochs_leave_the_network_as_it_is(tmp_path, tiny_data, write_params, capsys):
    run_train(write_params(train={"epochs": 0}), tiny_data, tmp_path / "out")
    assert all(same(weights(tmp_path / "out/model/mnist_cnn.pt"), initial()).values())
    found = metrics(tmp_path / "out")
    assert list(found) == ["test_loss", "test_accuracy", "parameters"]
    said = f"test loss {found['test_loss']:.4f}, test accuracy {found['test_accuracy']:.2%}"
    assert capsys.readouterr().err == f"train: no training: {said}\n"
    curve = (tmp_path / "out/reports/learning_curve.csv").read_text(encoding="utf-8")
    assert curve == "epoch,images_seen,train_loss,train_accuracy\n"
    epochs = pd.read_csv(tmp_path / "out/reports/epochs.csv")
    assert epochs["epoch"].tolist() == [0] and epochs["train_loss"].isna().all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing; check train.init_from"),
        ("folder", "is a folder; name a file of weights; check train.init_from"),
        (
            b"\x80\x04no",
            "is not safe to load: it is damaged, or has more than tensors; check train.init_from",
        ),
        ({"fc9.bias": torch.zeros(1)}, "does not fit the network of params.yaml: "),
    ],
)
def test_a_start_that_will_not_do_is_one_line_that_names_the_key(content, said, tmp_path, tiny_data, write_params):
    start = tmp_path / "start.pt"
    if content == "folder":
        start.mkdir()
    elif isinstance(content, bytes):
        start.write_bytes(content)
    elif content:
        torch.save(content, start)
    with pytest.raises(StrataError) as caught:
        run_train(write_params(train={"init_from": str(start)}), tiny_data, tmp_path / "out")
    message = str(caught.value)
    assert message.startswith(f"{start} {said}") and message.endswith("; check train.init_from")
    assert "\n" not in message


def test_an_unknown_module_to_freeze_is_refused(tmp_path, tiny_data, write_params):
    with pytest.raises(
        StrataError, match=r"^train\.freeze: the network has no module 'conv3'; it has input, conv1, re"
    ):
        run_train(write_params(train={"freeze": ["conv1", "conv3"]}), tiny_data, tmp_path / "out")
