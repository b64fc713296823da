"""Compares what `make plan` foretells with what the stages take: memory of each process, and files.

python -m benchmarks.plan [--out benchmarks/plan.md] [--settings digits points colour]

The formulas were fitted on the first five settings; `vit`, `text` and `table` were only compared.

Memory is a process's own, sampled: resident, less what is mapped from files, which the system takes back if it must.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import yaml

from benchmarks.measured import watched
from strata.commands.plan.disk import bytes_under
from strata.commands.plan.estimate import stage_needs
from strata.commands.plan.memory_watch import in_new_process, own_memory
from strata.commands.plan.settings import load_plan_settings
from strata.commands.plan.trial import TrialJob, try_network, try_worker
from strata.core.paths import Paths
from strata.dataset.description import PARTS, read_description

ROOT = Path(__file__).resolve().parent.parent
SECONDS_BETWEEN = 0.03
RESNET = ["input", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"]
RESNET_18 = {
    "network": {"target": "networks.resnet:resnet18_for", "arguments": {}, "outputs": "logits"},
    "layers": RESNET,
    "replicate": {"networks": 1},
}
# Name -> the side and numbers of training and test images, if they are made here, and the changes of params.yaml.
SETTINGS: dict[str, tuple[tuple[int, int, int] | None, dict[str, Any]]] = {
    "digits": (None, {}),
    "points": (None, {"extract": {"split": "both"}}),
    "colour": ((64, 300, 400), RESNET_18),
    "wide": ((96, 200, 350), RESNET_18),
    "checkpoints": (None, {"train": {"checkpoints": [0, 1]}, "replicate": {"networks": 1}}),
    "vit": (
        (64, 200, 400),
        {
            "network": {"target": "networks.vit:vit", "arguments": {"depth": 4, "patch": 8}, "outputs": "logits"},
            "layers": {
                "input": "input",
                "all": "encoder.layers.encoder_layer_1",
                "cls": {"module": "encoder.layers.encoder_layer_1", "take": "cls"},
                "heads": "heads",
            },
            "replicate": {"networks": 1},
        },
    ),
    "text": (
        None,
        {
            "dataset": {"name": "text.npz"},
            "network": {
                "target": "networks.text:Text",
                "arguments": {"width": 64, "heads": 4, "depth": 2},
                "outputs": "logits",
                "mask": "mask",
            },
            "layers": "auto",
            "embed": {"initialization_layer": "own"},
            "replicate": {"networks": 2},
        },
    ),
    "table": (
        None,
        {
            "dataset": {"name": "table.csv", "inputs": "numbers"},
            "network": {"target": "networks.mlp:Mlp", "arguments": {"hidden": [256, 64]}, "outputs": "logits"},
            "layers": "auto",
            "extract": {"split": "both"},
            "replicate": {"networks": 2},
        },
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a file for the table; by default it is printed only")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    options = parser.parse_args()
    lines = ["| setting | stage | what | plan, MiB | measured, MiB | ratio |", "|---|---|---|---:|---:|---:|"]
    for name in options.settings:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write_project(folder, *SETTINGS[name])
            for stage, what, planned, measured in compared(folder):
                ratio = planned / measured
                row = f"| {name} | {stage} | {what} | {planned / 2**20:.1f} | {measured / 2**20:.1f} | {ratio:.2f} |"
                lines.append(row)
                print(row, flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_project(folder: Path, images: tuple[int, int, int] | None, changes: dict[str, Any]) -> None:
    """Write params.yaml, and colour images if they are made here: noise, smooth, and brighter by class."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["train"]["epochs"] = 1
    for section, values in changes.items():
        params[section] = {**params[section], **values} if section != "layers" else values
    if images:
        side, train, test = images
        rng = np.random.default_rng(0)
        arrays = {}
        for part, count in (("train", train), ("test", test)):
            labels = np.arange(count, dtype=np.uint8) % 10
            coarse = rng.integers(0, 150, (count, side // 8, side // 8, 3), dtype=np.uint8)
            fine = rng.integers(0, 20, (count, side, side, 3), dtype=np.uint8)
            values = np.kron(coarse, np.ones((1, 8, 8, 1), np.uint8)) + fine + labels[:, None, None, None] * 8
            arrays |= {f"{part}_images": values.astype(np.uint8), f"{part}_labels": labels}
        np.savez(folder / "images.npz", **arrays)
        params["dataset"]["name"] = str(folder / "images.npz")
        params["dataset"]["colour"] = "rgb"
    name = params["dataset"]["name"]
    if name in MADE:
        MADE[name](folder / name)
        params["dataset"]["name"] = str(folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def write_text_ids(path: Path) -> None:
    """Write 1,500 texts of 20 to 48 ids of 5,000 tokens, with their mask; the label is that of the most ids' half."""
    rng = np.random.default_rng(0)
    labels = np.arange(1500) % 2
    ids = 1 + 2 * rng.integers(0, 2499, (1500, 48)) + (rng.random((1500, 48)) < 0.2 + 0.6 * labels[:, None])
    mask = np.arange(48) < rng.integers(20, 49, 1500)[:, None]
    np.savez(path, input_ids=ids * mask, attention_mask=mask.astype(np.int64), labels=labels)


def write_table(path: Path) -> None:
    """Write 2,000 rows of 100 numbers and a label: three groups."""
    rng = np.random.default_rng(0)
    labels = np.arange(2000) % 3
    values = rng.normal(size=(2000, 100)) + rng.normal(size=(3, 100))[labels]
    pd.DataFrame(values, columns=[f"x{place}" for place in range(100)]).assign(label=labels).to_csv(path, index=False)


MADE = {"text.npz": write_text_ids, "table.csv": write_table}


def compared(folder: Path) -> list[tuple[str, str, float, float]]:
    """Return stage, what is compared, the plan's bytes and the measured ones."""
    run_stage("download", folder)
    params, paths = folder / "params.yaml", Paths.under(folder)
    dataset = read_description(paths.raw)
    settings = load_plan_settings(params, dataset.counts)
    measured, mapped = settings.measured, sum(dataset.counts[part] for part in PARTS[settings.extract.split])
    trial = folder / "trial"
    trial.mkdir()
    job = TrialJob(paths.raw, trial, measured.seed, measured.layers, measured.network, settings.train, settings.extract)
    network, worker = in_new_process(try_network, job, ""), in_new_process(try_worker, (settings.embedder, mapped), "")
    planned = {stage.stage: stage for stage in stage_needs(settings, dataset, network, worker)}
    found = []
    for stage in ("train", "replicate", "extract", "embed", "measure"):
        need, (own, workers, scratch) = planned[stage], run_stage(stage, folder)
        if stage != "replicate" or need.workers:
            found.append((stage, "memory, its process", need.main, own))
        if need.workers:
            found.append((stage, "memory, largest worker", need.worker, max(workers)))
            found.append((stage, "memory, all", need.memory, own + sum(workers)))
        if stage == "measure":
            found.append((stage, "scratch", need.scratch, scratch))
        elif stage in ("extract", "embed"):
            folders = {"extract": paths.activations, "embed": paths.embeddings}
            found.append((stage, "disk", need.disk, bytes_under(folders[stage])))
    return found


def run_stage(stage: str, folder: Path) -> tuple[float, Sequence[float], float]:
    """Run a stage; return the peaks of its own process and of its workers, and of the scratch folder, in bytes."""
    command = [sys.executable, "-m", f"stages.{stage}", "--params", str(folder / "params.yaml")]
    command += ["--data", str(folder / "data")]
    if stage != "download":
        command += ["--reports", str(folder / "reports")]
    else:
        command = [*command[:-2], "--out", str(folder / "data/raw")]
    peaks: dict[int, float] = {}
    scratch = [0.0]

    def look(processes: Sequence[psutil.Process]) -> None:
        for each in processes:
            peaks[each.pid] = max(peaks.get(each.pid, 0.0), float(own_memory(each)))
        scratch[0] = max(scratch[0], float(bytes_under(folder / "data/.measures.part")))

    watched(command, ROOT, look, SECONDS_BETWEEN)
    own = peaks.pop(next(iter(peaks)))  # it was seen first
    workers = [peak for peak in peaks.values() if peak > 2**26] or [1.0]  # a guard and a tracker are small
    return own, workers, scratch[0]


if __name__ == "__main__":
    main()
