"""Everything that is quoted of speed and memory, measured in one run; writes results.md, results.json and results.png.

python -m benchmarks.run --out benchmarks --mirror /usr/share/datasets/fashion-mnist
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.least_work import least_work
from benchmarks.machine_floor import copy_gigabytes, sgemm_gigaflops
from benchmarks.measured import Cost, measure
from benchmarks.results import write_results
from strata.samples import read_samples

ROOT = Path(__file__).resolve().parent.parent
ALL = ("download", "train", "extract", "embed", "measure", "report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument(
        "--mirror", help="folder or address of all of Fashion-MNIST; without it the default digits serve"
    )
    parser.add_argument("--all-images", action="store_true", help="maps of all 70,000 images, too: ten minutes more")
    options = parser.parse_args()
    small = {"dataset": {"name": "mnist-5k"}, "train": {"epochs": 1, "lr": 0.01}}
    runs: dict[str, Any] = {"small": run_pipeline(small, ALL)}
    if options.mirror:
        large = {
            "dataset": {"name": "fashion-mnist", "mirrors": [options.mirror]},
            "train": {"epochs": 1, "lr": 0.01},
        }
        runs["large"] = run_pipeline(large, ALL)
        if options.all_images:
            runs["all"] = run_pipeline(large | {"extract": {"split": "both"}}, ALL[:4], compare=False)
    runs["floor"] = {"sgemm": sgemm_gigaflops(), "copy": copy_gigabytes()}
    write_results(options.out, runs)


def run_pipeline(changes: dict[str, dict[str, Any]], stages: Sequence[str], compare: bool = True) -> dict[str, Any]:
    """Return the costs of the stages and, to `compare`, of the naive exercise on one data set, side by side."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("stages", "strata", "networks", "benchmarks"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for section, values in changes.items():
            params[section] |= values
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
        costs: dict[str, Any] = {}
        commands = stage_commands()
        for name in stages:
            costs[name] = as_mapping(measure(*commands[name], folder=folder))
            print(name, costs[name]["seconds"], flush=True)
        costs["points"] = len(read_samples(folder / "data/activations/samples.parquet")[0].sample_id)
        costs["activation bytes"] = sum(path.stat().st_size for path in (folder / "data/activations").glob("*.parquet"))
        costs["least work"] = least_work(folder, costs["points"])
        if not compare:
            return costs
        costs["accuracy"] = {"float32": accuracy(folder / "reports/training.json")}
        if computes_in_bfloat16():
            params["train"]["precision"] = "bfloat16"
            (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
            again = [word.replace("data/model", "again").replace("reports", "again") for word in commands["train"]]
            costs["train bfloat16"] = as_mapping(measure(*again, folder=folder))
            costs["accuracy"]["bfloat16"] = accuracy(folder / "again/training.json")
        points = str(costs["points"])
        naive = measure("benchmarks.naive_exercise", "--data", "data/raw", "--points", points, folder=folder)
        costs["naive"] = as_mapping(naive) | {"parts": json.loads(naive.last_line)}
        print("naive", costs["naive"], flush=True)
        for engine in ("onedal", "sklearn", "opentsne", "peer"):
            words = ("--activations", "data/activations", "--layer", "h3", "--engine", engine)
            costs[f"engine {engine}"] = json.loads(
                measure("benchmarks.embedding_quality", *words, folder=folder).last_line
            )
            print(engine, costs[f"engine {engine}"], flush=True)
        page = folder / "reports/index.html"
        costs["page bytes"] = page.stat().st_size if page.exists() else None
    return costs


def stage_commands() -> dict[str, list[str]]:
    """Return each stage's module and arguments, as dvc.yaml has them."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: stage["cmd"].split()[2:] for name, stage in stages.items()}


def accuracy(metrics: Path) -> float:
    return float(json.loads(metrics.read_text(encoding="utf-8"))["test_accuracy"])


def computes_in_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16; without, it is emulated, and slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def as_mapping(cost: Cost) -> dict[str, float]:
    return {"seconds": cost.seconds, "peak_process": cost.peak_process, "peak_all": cost.peak_all}


if __name__ == "__main__":
    main()
