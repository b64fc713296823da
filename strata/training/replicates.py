"""Replicate: the same network trained again from other seeds, to tell what is the network's and what is the seed's."""

import math
from dataclasses import dataclass
from pathlib import Path

from strata.core import streams
from strata.core.console import say
from strata.core.files import explain_if_empty, whole_folder, write_json
from strata.core.params import Reproducible, Seed, load_section
from strata.core.paths import Paths
from strata.core.portable import check_portable
from strata.jobs.pool import run_jobs
from strata.network.params import NetworkParams
from strata.training.params import ReplicateParams, TrainParams, networks_to_train


@dataclass(frozen=True)
class ReplicateJob:
    """One network to train on the data in `raw`, from `seed`, into the folder `out`; `number` is its number, from 2."""

    number: int
    seed: int
    raw: Path
    out: Path
    network: NetworkParams
    train: TrainParams


def train_replicates(params_path: Path, paths: Paths) -> None:
    """Train a run's other networks and write their weights, as params.yaml says."""
    seed = load_section(params_path, "seed", Seed)
    train = load_section(params_path, "train", TrainParams)
    networks = networks_to_train(load_section(params_path, "replicate", ReplicateParams), train)
    network = load_section(params_path, "network", NetworkParams)
    check_portable(load_section(params_path, "reproducible", Reproducible), train.device, train.precision)

    # Weights are kept during the training of the first network only.
    params = train.model_copy(update={"checkpoints": []})
    with whole_folder(paths.replicates) as folder:
        jobs = [
            ReplicateJob(number, streams.replicate(seed, number), paths.raw, folder, network, params)
            for number in range(2, networks + 1)
        ]
        accuracies = run_jobs(train_replicate, jobs, "replicate", ["strata.training.networks"]) if jobs else []
        explain_if_empty(folder, "There are no other networks: replicate.networks is 1, or nothing is trained.")
    by_number = {
        str(job.number): round(accuracy, 6)
        for job, accuracy in zip(jobs, accuracies, strict=True)
        if not math.isnan(accuracy)
    }
    write_json(paths.metrics("replicates"), {"networks": networks, "test_accuracy": by_number})
    found = ", ".join(f"{accuracy:.2%}" for accuracy in by_number.values())
    why = "" if jobs else ": replicate.networks is 1" if train.epochs else ": nothing is trained"
    say(f"replicate: {len(jobs)} more networks{why}" + (f", test accuracy {found}" if found else ""))


def train_replicate(job: ReplicateJob) -> float:
    """Train and write one network, with one thread, in a process of the pool; return its accuracy on test images.

    It is NaN where there are no labels, or no classes are predicted.
    """
    # Imported here: the stage itself has no use for PyTorch.
    from strata.dataset.description import read_description
    from strata.network.checkpoint import save_checkpoint
    from strata.network.device import prepare_torch
    from strata.network.make import wanted_outputs
    from strata.network.preprocessing import preprocessing
    from strata.training.losses import check_trainable
    from strata.training.networks import answered_examples, network_to_train, train_from_seed

    device = prepare_torch(job.train.device, 1, training=True)
    description = read_description(job.raw)
    before = preprocessing(description, job.network)
    check_trainable(description, job.network, job.train)
    examples, test = answered_examples(job.raw, description, job.network, before, device)
    wanted = wanted_outputs(description, job.network)
    network = network_to_train(job.network, job.train, before.shape, wanted, job.seed, device)
    history = train_from_seed(network, examples, test, job.train, job.seed, job.network.outputs, each_epoch=False)
    save_checkpoint(network, job.out / f"{job.number}.pt")
    return history.epochs[-1].test_accuracy if history.epochs else math.nan
