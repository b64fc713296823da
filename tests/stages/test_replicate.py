"""The replicate stage on tiny data: the same network from other seeds, whatever the number of processes."""

import json

import pytest
import torch
from threadpoolctl import threadpool_limits

from strata.core import streams
from strata.dataset.description import read_description
from strata.jobs import pool
from strata.measures.registry import REGISTRY
from strata.network.params import NetworkParams
from strata.network.preprocessing import preprocessing
from strata.training.networks import load_examples, network_to_train, train_from_seed
from strata.training.params import TrainParams
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import TINY_PARAMS, run_embed, run_extract, run_measure, run_replicate, run_train

WEIGHTS = ["2.pt", "3.pt"]


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    monkeypatch.setattr(pool, "Pool", PoolHere)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_network_is_trained_as_the_first_but_from_its_own_seed(tiny_data, write_params, tmp_path):
    run_replicate(write_params(), tiny_data, tmp_path)
    assert names(tmp_path / "replicates") == WEIGHTS
    description, cpu = read_description(tiny_data), torch.device("cpu")
    network_params, params = NetworkParams(**TINY_PARAMS["network"]), TrainParams(**TINY_PARAMS["train"])
    before = preprocessing(description, network_params)
    examples, test = (load_examples(tiny_data, split, before, cpu) for split in ("train", "test"))
    metrics = json.loads((tmp_path / "reports/replicates.json").read_text(encoding="utf-8"))
    assert metrics["networks"] == 3 and list(metrics["test_accuracy"]) == ["2", "3"]
    for number in (2, 3):
        seed = streams.replicate(TINY_PARAMS["seed"], number)
        with threadpool_limits(1):  # the number of threads changes the last bits
            network = network_to_train(network_params, params, before.shape, 10, seed, cpu)
            history = train_from_seed(network, examples, test, params, seed, network_params.outputs)
        weights = torch.load(tmp_path / f"replicates/{number}.pt", weights_only=True)
        assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())
        assert metrics["test_accuracy"][str(number)] == round(history.epochs[-1].test_accuracy, 6)


def test_another_number_leaves_the_others_as_they_are(tiny_data, write_params, tmp_path):
    for networks, folder in ((2, "two"), (3, "three")):
        run_replicate(write_params(replicate={"networks": networks}), tiny_data, tmp_path / folder)
    first, second = (tmp_path / folder / "replicates" for folder in ("two", "three"))
    assert names(first) == WEIGHTS[:1] and names(second) == WEIGHTS
    assert (first / "2.pt").read_bytes() == (second / "2.pt").read_bytes() != (second / "3.pt").read_bytes()


def test_the_number_of_processes_does_not_change_a_byte(tiny_data, write_params, tmp_path, monkeypatch):
    run_replicate(write_params(), tiny_data, tmp_path / "here")
    monkeypatch.undo()
    monkeypatch.setenv(pool.PROCESSES, "2")
    run_replicate(write_params(), tiny_data, tmp_path / "two")
    for name in WEIGHTS:
        assert (tmp_path / "here/replicates" / name).read_bytes() == (tmp_path / "two/replicates" / name).read_bytes()


def test_one_network_has_no_replicates(tiny_data, write_params, tmp_path):
    run_replicate(write_params(replicate={"networks": 1}), tiny_data, tmp_path)
    assert names(tmp_path / "replicates") == [".empty"]
    metrics = json.loads((tmp_path / "reports/replicates.json").read_text(encoding="utf-8"))
    assert metrics == {"networks": 1, "test_accuracy": {}}


def test_a_checkpoint_that_is_not_trained_further_has_none(tiny_data, write_params, tmp_path):
    run_train(write_params(), tiny_data, tmp_path)
    start = {"init_from": str(tmp_path / "model/mnist_cnn.pt")}
    run_replicate(write_params(train={**start, "epochs": 0}), tiny_data, tmp_path)
    assert names(tmp_path / "replicates") == [".empty"]
    run_replicate(write_params(train=start), tiny_data, tmp_path)
    assert names(tmp_path / "replicates") == WEIGHTS


def test_weights_that_no_seed_changes_are_no_replicate(tiny_data, write_params, tmp_path, capsys):
    """Else the spread over networks would be 0, and say that the seed does not matter."""
    params = write_params(layers=["input", "h6"], measure={"stability_perplexities": [3]})
    run_train(params, tiny_data, tmp_path)
    run_replicate(params, tiny_data, tmp_path)
    same = (tmp_path / "model/mnist_cnn.pt").read_bytes()
    (tmp_path / "replicates/2.pt").write_bytes(same)
    run_extract(params, tiny_data, tmp_path)
    run_embed(params, tmp_path)
    run_measure(params, tmp_path, tiny_data)
    assert "network 2 is left out: no seed changes the training" in capsys.readouterr().err
    rows = (tmp_path / "reports/networks.csv").read_text(encoding="utf-8").splitlines()
    assert {row.split(",")[0] for row in rows[1:]} == {"1", "3"}
    assert REGISTRY.measures[0].key in rows[1]
