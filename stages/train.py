"""Train: the network's weights, from the training images, with its learning curve and test accuracy.

python -m stages.train --data data --out data/model
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from strata.core.console import say
from strata.core.files import sha256_of, whole_folder, write_csv, write_json, write_text
from strata.core.growing_table import growing_table
from strata.core.layers import as_layers
from strata.core.params import Reproducible, Seed, load_section
from strata.core.paths import Paths, stage_arguments
from strata.core.portable import check_portable
from strata.core.stage import run_stage
from strata.dataset.description import read_description
from strata.network.capture import named_layers
from strata.network.checkpoint import file_and_choice, save_checkpoint
from strata.network.device import prepare_torch
from strata.network.make import parameter_count
from strata.network.params import NetworkParams
from strata.network.preprocessing import preprocessing
from strata.training.networks import load_examples, network_to_train, train_from_seed
from strata.training.params import TrainParams
from strata.training.sgd import BatchRecord, EpochRecord, History, predict
from strata.training.summary import network_summary


def main(arguments: Sequence[str] | None = None) -> None:
    params_path, paths = stage_arguments(__doc__, arguments, out="model")
    seed = load_section(params_path, "seed", Seed)
    params = load_section(params_path, "train", TrainParams)
    network_params = load_section(params_path, "network", NetworkParams)
    check_portable(load_section(params_path, "reproducible", Reproducible), params.device, params.precision)

    device = prepare_torch(params.device, params.threads, training=True)
    description = read_description(paths.raw)
    before = preprocessing(description, network_params)
    examples, test = (load_examples(paths.raw, split, before, device) for split in ("train", "test"))
    changes: list[str] = []  # that made the initial weights fit
    classes = len(description.classes)
    network = network_to_train(network_params, params, before.shape, classes, seed, device, changes.append)
    summary = network_summary(network, before.shape, as_layers(named_layers(network)))
    summary += f"\ninput: {before.text}\n"
    if params.init_from is not None:
        file, _ = file_and_choice(params.init_from)
        summary += f"\ninitial weights: SHA-256 {sha256_of(file)}\n"
        summary += "".join(f"initial weights: {change}\n" for change in changes)
    with growing_table(paths.table("epochs")) as write_epochs:
        records: list[EpochRecord] = []

        def on_epoch(record: EpochRecord) -> None:
            records.append(record)
            write_epochs(pd.DataFrame(map(asdict, records)))
            report_epoch(record, params.epochs)

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
        predictions = predict(network, test.images, params.test_batch_size, network_params.outputs)
        predicted = predictions.log_probabilities.argmax(dim=1)
        names = np.array(description.classes)
        save_checkpoint(network, paths.weights)
        write_text(paths.summary, summary)
        actual = {"actual": names[test.labels.cpu().numpy()], "predicted": names[predicted.cpu().numpy()]}
        write_csv(paths.table("predictions"), pd.DataFrame(actual))
        write_history(paths, history, parameter_count(network))


def write_history(paths: Paths, history: History, parameters: int) -> None:
    """Write the learning curve, and the metrics after the last epoch."""
    columns = [field.name for field in fields(BatchRecord)]
    write_csv(paths.table("learning_curve"), pd.DataFrame(map(asdict, history.batches), columns=columns))
    last = {
        key: round(value, 6)
        for key, value in asdict(history.epochs[-1]).items()
        if key != "epoch" and not math.isnan(value)
    }
    write_json(paths.metrics("training"), last | {"parameters": parameters})


def report_epoch(record: EpochRecord, epochs: int) -> None:
    if record.epoch == 0:
        say(f"train: no training: test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}")
        return
    say(
        f"train: epoch {record.epoch} of {epochs}: training loss {record.train_loss:.4f},"
        f" test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}"
    )


if __name__ == "__main__":
    run_stage(main)
