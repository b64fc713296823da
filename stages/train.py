"""Train: the network on the training images; its weights, learning curve and test accuracy.

    python -m stages.train --data data/raw --model data/model/mnist_cnn.pt --metrics reports/training.json \
        --curve reports/learning_curve.csv --epochs reports/epochs.csv --predictions reports/predictions.csv \
        --summary reports/network.txt --checkpoints data/model/checkpoints
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from strata.core.console import say
from strata.core.files import sha256_of, whole_folder, write_csv, write_json, write_text
from strata.core.params import Reproducible, Seed, load_section
from strata.core.portable import check_portable
from strata.core.stage import run_stage, stage_parser
from strata.dataset.description import DatasetDescription, load_images, read_description
from strata.network.capture import named_layers
from strata.network.checkpoint import load_checkpoint, save_checkpoint
from strata.network.device import prepare_torch
from strata.network.io import normalized
from strata.network.make import initialized_network, parameter_count
from strata.network.params import NetworkParams
from strata.training.params import TrainParams
from strata.training.sgd import BatchRecord, EpochRecord, Examples, freeze, predict, train
from strata.training.summary import network_summary


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the download stage")
    for name in ("model", "metrics", "curve", "epochs", "predictions", "summary", "checkpoints"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    seed = load_section(options.params, "seed", Seed)
    params = load_section(options.params, "train", TrainParams)
    network_params = load_section(options.params, "network", NetworkParams)
    check_portable(load_section(options.params, "reproducible", Reproducible), params.device, params.precision)

    device = prepare_torch(params.device, params.threads, training=True)
    description = read_description(options.data)
    examples, test = (load_examples(options.data, split, description, device) for split in ("train", "test"))
    network = initialized_network(network_params, description.image_shape, len(description.classes), seed)
    summary = network_summary(network, description.image_shape, named_layers(network))
    if params.init_from is not None:
        start = Path(params.init_from)
        load_checkpoint(network, start, "check train.init_from")
        summary += f"\ninitial weights: SHA-256 {sha256_of(start)}\n"
    freeze(network, params.freeze)
    network.to(device)
    generator = torch.Generator().manual_seed(seed)
    with whole_folder(options.checkpoints) as checkpoints:
        history = train(
            network,
            examples,
            test,
            params,
            generator,
            lambda record: report_epoch(record, params.epochs),
            network_params.outputs,
            lambda epochs: save_checkpoint(network, checkpoints / f"{epochs:g}.pt"),
        )

    predictions = predict(network, test.images, params.test_batch_size, network_params.outputs)
    predicted = predictions.log_probabilities.argmax(dim=1)
    names = np.array(description.classes)
    save_checkpoint(network, options.model)
    write_text(options.summary, summary)
    columns = [field.name for field in fields(BatchRecord)]
    write_csv(options.curve, pd.DataFrame(map(asdict, history.batches), columns=columns))
    write_csv(options.epochs, pd.DataFrame(map(asdict, history.epochs)))
    actual = {"actual": names[test.labels.cpu().numpy()], "predicted": names[predicted.cpu().numpy()]}
    write_csv(options.predictions, pd.DataFrame(actual))
    last = {
        key: round(value, 6)
        for key, value in asdict(history.epochs[-1]).items()
        if key != "epoch" and not math.isnan(value)
    }
    write_json(options.metrics, last | {"parameters": parameter_count(network)})


def load_examples(folder: Path, split: str, description: DatasetDescription, device: torch.device) -> Examples:
    loaded = load_images(folder, split)
    images = normalized(loaded.images, description.mean, description.std)
    return Examples(images.to(device), torch.from_numpy(loaded.labels).long().to(device))


def report_epoch(record: EpochRecord, epochs: int) -> None:
    if record.epoch == 0:
        say(f"train: nothing is trained: test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}")
        return
    say(
        f"train: epoch {record.epoch} of {epochs}: training loss {record.train_loss:.4f},"
        f" test loss {record.test_loss:.4f}, test accuracy {record.test_accuracy:.2%}"
    )


if __name__ == "__main__":
    run_stage(main)
