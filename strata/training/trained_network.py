"""Train: the network's weights, from the training images, with its learning curve and test accuracy."""

import math
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd

from strata.core.console import say
from strata.core.files import explain_if_empty, sha256_of, whole_folder, write_csv, write_json, write_text
from strata.core.growing_table import growing_table
from strata.core.layers import as_layers
from strata.core.params import Reproducible, Seed, load_section
from strata.core.paths import Paths
from strata.core.portable import check_portable
from strata.dataset.description import read_description
from strata.network.capture import named_layers
from strata.network.checkpoint import file_and_choice, save_checkpoint
from strata.network.device import prepare_torch
from strata.network.make import parameter_count, wanted_outputs
from strata.network.params import NetworkParams
from strata.network.preprocessing import preprocessing
from strata.training.losses import check_trainable
from strata.training.networks import answered_examples, network_to_train, train_from_seed
from strata.training.params import TrainParams
from strata.training.sgd import BatchRecord, EpochRecord, History, predict
from strata.training.summary import network_summary, proposal_text


def train_run(params_path: Path, paths: Paths) -> None:
    """Train a run's network and write its weights and its learning curve, as params.yaml says."""
    seed = load_section(params_path, "seed", Seed)
    params = load_section(params_path, "train", TrainParams)
    network_params = load_section(params_path, "network", NetworkParams)
    check_portable(load_section(params_path, "reproducible", Reproducible), params.device, params.precision)

    device = prepare_torch(params.device, params.threads, training=True)
    description = read_description(paths.raw)
    before = preprocessing(description, network_params)
    check_trainable(description, network_params, params)
    examples, test = answered_examples(paths.raw, description, network_params, before, device)
    changes: list[str] = []  # that made the initial weights fit
    wanted = wanted_outputs(description, network_params)
    network = network_to_train(network_params, params, before.shape, wanted, seed, device, changes.append)
    summary = network_summary(network, before.shape, as_layers(named_layers(network)))
    summary += f"\n{proposal_text(network, before.shape)}\ninput: {before.text}\n"
    if params.init_from is not None:
        file, _ = file_and_choice(params.init_from)
        summary += f"\ninitial weights: SHA-256 {sha256_of(file)}\n"
        summary += "".join(f"initial weights: {change}\n" for change in changes)
    with growing_table(paths.table("epochs")) as write_epochs:
        records: list[EpochRecord] = []
        if test is None:
            write_epochs(pd.DataFrame(columns=[field.name for field in fields(EpochRecord)]))
            say("train: no training, and nothing to test the network on")

        def on_epoch(record: EpochRecord) -> None:
            records.append(record)
            write_epochs(pd.DataFrame(map(asdict, records)))
            report_epoch(record, params.epochs, network_params.predicts_classes)

        with whole_folder(paths.checkpoints) as checkpoints:
            history = train_from_seed(
                network,
                examples,
                test,
                params,
                seed,
                network_params.outputs,
                on_epoch,
                lambda epochs: save_checkpoint(network, checkpoints / f"{epochs:g}.pt"),
            )
            explain_if_empty(checkpoints, "No weights were kept: train.checkpoints has no times.")
        predictions = pd.DataFrame(columns=["actual", "predicted"])
        if test is not None and network_params.predicts_classes:
            found = predict(network, test.images, params.test_batch_size, network_params.outputs).output.argmax(dim=1)
            names = np.array(description.classes)
            actual = {"actual": names[test.labels.cpu().numpy()], "predicted": names[found.cpu().numpy()]}
            predictions = pd.DataFrame(actual)
        save_checkpoint(network, paths.weights)
        write_text(paths.summary, summary)
        write_csv(paths.table("predictions"), predictions)
        write_history(paths, history, parameter_count(network))


def write_history(paths: Paths, history: History, parameters: int) -> None:
    """Write the learning curve, and the metrics after the last epoch."""
    columns = [field.name for field in fields(BatchRecord)]
    write_csv(paths.table("learning_curve"), pd.DataFrame(map(asdict, history.batches), columns=columns))
    last = {
        key: round(value, 6)
        for record in history.epochs[-1:]
        for key, value in asdict(record).items()
        if key != "epoch" and not math.isnan(value)
    }
    write_json(paths.metrics("training"), last | {"parameters": parameters})


def report_epoch(record: EpochRecord, epochs: int, classes: bool = True) -> None:
    """Say how an epoch went; `classes` says whether the accuracy is that of classes."""
    test = f"test loss {record.test_loss:.4f}"
    if classes:
        test += f", test accuracy {record.test_accuracy:.2%}"
    if record.epoch == 0:
        say(f"train: no training: {test}")
    else:
        say(f"train: epoch {record.epoch} of {epochs}: training loss {record.train_loss:.4f}, {test}")
