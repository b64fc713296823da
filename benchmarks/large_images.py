"""Large images through all stages: time, memory and disk of a ResNet-18 and of a Vision Transformer.

python -m benchmarks.large_images [--network resnet18 vit_b_16] [--images 360 200]
"""

import argparse
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks.measured import Cost, measure
from strata.core.strict_yaml import as_text

ROOT = Path(__file__).resolve().parent.parent
SIDE, CLASSES = 224, 5
MOST_MEMORY, MOST_DISK = 8.0, 2.0  # GiB
BLOCKS = [f"encoder.layers.encoder_layer_{number}" for number in (0, 3, 6, 9)]
# For each network what params.yaml says otherwise.
SETTINGS: dict[str, dict[str, Any]] = {
    "resnet18": {
        "network": {
            "target": "torchvision.models:resnet18",
            "arguments": {"num_classes": CLASSES},
            "outputs": "logits",
        },
        "layers": {
            "input": {"module": "input", "pool": "32x32"},
            "maxpool": {"module": "maxpool", "pool": "4x4"},
            **{f"layer{stage}": {"module": f"layer{stage}", "pool": "4x4"} for stage in (1, 2, 3, 4)},
            "avgpool": "avgpool",
            "fc": "fc",
        },
        "train": {"epochs": 1, "batch_size": 32},
    },
    "vit_b_16": {
        "network": {
            "target": "torchvision.models:vit_b_16",
            "arguments": {"num_classes": CLASSES},
            "outputs": "logits",
        },
        "layers": {
            "input": {"module": "input", "pool": "32x32"},
            **{block.rpartition("_")[2]: {"module": block, "take": "cls"} for block in BLOCKS},
            "tokens": {"module": "encoder.ln", "take": "mean"},
            # Not the head: torchvision starts it with zeros, and nothing is trained here.
        },
        "train": {"epochs": 0},
    },
}
COMMON: dict[str, dict[str, Any]] = {
    "dataset": {"name": "./images", "colour": "rgb"},
    "train": {"test_batch_size": 32},
    "extract": {"split": "both", "batch_size": 32},
    "embed": {"perplexity": 20},
    "measure": {"batch_size": 32, "stability_samples": 180, "stability_perplexities": [5, 20]},
}


@dataclass(frozen=True)
class StageCost:
    """What a stage cost, and what it left on the disk, in GiB."""

    stage: str
    cost: Cost
    disk: float


def write_images(folder: Path, count: int) -> None:
    """Write `count` colour images as class folders: gratings whose angle is the class's, with noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    for number in range(count):
        kind = number % CLASSES
        angle, frequency, phase = np.pi * kind / CLASSES, rng.uniform(5, 15), rng.uniform(0, 2 * np.pi)
        wave = np.sin(2 * np.pi * frequency * (rows * np.sin(angle) + columns * np.cos(angle)) + phase)
        tinted = 128 + 60 * wave[..., None] * rng.uniform(0.5, 1, size=3) + rng.normal(0, 20, size=(SIDE, SIDE, 3))
        path = folder / f"class{kind}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(tinted, 0, 255).astype(np.uint8)).save(path, compress_level=1)


def params_for(name: str) -> dict[str, Any]:
    """Return the parameters of params.yaml with the changes for a network."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for changes in (COMMON, SETTINGS[name]):
        for section, change in changes.items():
            keeps = isinstance(params[section], dict) and section != "layers"
            params[section] = {**params[section], **change} if keeps else change
    return params


def run_stages(name: str, folder: Path) -> list[StageCost]:
    """Run every stage of dvc.yaml in a folder that has the images, each measured."""
    (folder / "params.yaml").write_text(as_text(params_for(name)), encoding="utf-8")
    for needed in ("stages", "strata", "networks"):
        (folder / needed).symlink_to(ROOT / needed)
    costs, before = [], size_of(folder)
    for stage, content in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].items():
        _, _, *command = shlex.split(content["cmd"])
        cost = measure(*command, folder=folder)
        after = size_of(folder)
        costs.append(StageCost(stage, cost, after - before))
        before = after
        print(
            f"{name:10} {stage:10} {cost.seconds:6.1f} s  {cost.peak_all:5.2f} GiB  {costs[-1].disk:6.3f} GiB",
            flush=True,
        )
    return costs


def size_of(folder: Path) -> float:
    """Return the size of a folder's files in GiB, those behind links apart."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.resolve().is_relative_to(folder.resolve())) / 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet18", "vit_b_16"], choices=list(SETTINGS))
    parser.add_argument("--images", nargs="+", type=int, default=[360, 200])
    options = parser.parse_args()
    for name, count in zip(options.networks, options.images, strict=True):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_images(folder / "images", count)
            costs = run_stages(name, folder)
        memory, disk = max(each.cost.peak_all for each in costs), sum(each.disk for each in costs)
        seconds = sum(each.cost.seconds for each in costs)
        fits = memory <= MOST_MEMORY and disk <= MOST_DISK
        verdict = "within" if fits else "MORE THAN"
        print(
            f"{name}, {count} images of {SIDE} x {SIDE}: {seconds:.0f} s, {memory:.1f} GiB, {disk:.2f} GiB on disk:"
            f" {verdict} {MOST_MEMORY:g} GiB of memory and {MOST_DISK:g} GiB of disk"
        )


if __name__ == "__main__":
    main()
