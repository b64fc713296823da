"""A few digits of `mnist-5k` through all stages in one process, few enough for an emulated processor.

python -m benchmarks.few_digits PYTHON    # in a folder with params.yaml and data/raw; PYTHON starts the workers
"""

import importlib
import json
import multiprocessing
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from strata.dataset.description import IMAGE_FILES, LABEL_FILES, describe, write_description
from strata.dataset.idx import write_idx
from strata.sources.catalogue import CATALOGUE
from strata.sources.mnist_5k import TEST_IMAGES_PER_CLASS, packaged_digits, stratified_split

ROOT = Path(__file__).resolve().parent.parent
COUNTS = {"train": 192, "test": 100}
# Without the two widest, which would take most of the time: h2 goes the same ways.
LAYERS = ["input", "h2", "h4", "h5", "h6"]
# Everything else is as in params.yaml: the network, the batches, the threads.
FEWER: dict[str, dict[str, Any]] = {
    "train": {"epochs": 2, "log_interval": 2, "checkpoints": [0.5, 2]},
    "embed": {"perplexity": 20, "early_exaggeration_iterations": 150, "iterations": 100},
    "measure": {
        "probe_penalties": [1, 0.01],
        "probe_search_components": 100,  # fewer than there are images, so that the probe is searched for among them
        "half_samples": 4,
        "stability_samples": 60,
        "stability_perplexities": [5],
        "stability_exaggeration_iterations": 150,
        "stability_iterations": 100,
    },
    "report": {"dpi": 50},
}


def few_digits_params(mode: str) -> dict[str, Any]:
    """Return the parameters of params.yaml with fewer layers and iterations, for a mode."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    changed = {name: {**params[name], **changes} for name, changes in FEWER.items()}
    return {**params, **changed, "layers": LAYERS, "reproducible": mode}


def few_digits(folder: Path) -> None:
    """Write a folder like that of the download stage, with the first digits of both splits of the data set."""
    parts = stratified_split(*packaged_digits(), TEST_IMAGES_PER_CLASS)
    for split, (images, labels) in zip(("train", "test"), parts, strict=True):
        write_idx(folder / IMAGE_FILES[split], images[: COUNTS[split]])
        write_idx(folder / LABEL_FILES[split], labels[: COUNTS[split]])
    write_description(folder, describe(folder, CATALOGUE["mnist-5k"]))


def run_stages() -> dict[str, float]:
    """Run the commands of dvc.yaml, except download, in this folder and process; return the seconds of each."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    seconds = {}
    for name, stage in stages.items():
        if name == "download":
            continue
        _python, _option, module, *arguments = shlex.split(stage["cmd"])
        begin = time.perf_counter()
        importlib.import_module(module).main(arguments)
        seconds[name] = time.perf_counter() - begin
    return seconds


if __name__ == "__main__":
    multiprocessing.set_executable(sys.argv[1])
    Path("seconds.json").write_text(json.dumps(run_stages()), encoding="utf-8")
