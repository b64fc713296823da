"""Measures all quoted figures of speed and memory in one run; writes results.md, results.json and results.png.

python -m benchmarks.run --out benchmarks --mirror /usr/share/datasets/fashion-mnist
"""

import argparse
import compileall
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from benchmarks.least_work import least_work
from benchmarks.machine_floor import copy_gigabytes, sgemm_gigaflops
from benchmarks.measured import Cost, measure
from benchmarks.results import write_results
from strata.artifacts.samples import read_samples
from strata.maps.tsne import chosen_perplexity

ROOT = Path(__file__).resolve().parent.parent
ALL = ("download", "train", "replicate", "extract", "embed", "measure", "report")
# 'peer' is scikit-learn by itself, on all cores. As Strata's engine, on one core, it would take hours for all images.
ENGINES = ("strata", "onedal", "sklearn", "opentsne", "peer")
FAST_ENGINES = ("strata", "peer")
# The exercise's, which is scikit-learn's default: maps of another perplexity are other maps, and take other time.
PERPLEXITY = 30
REPEATS = 3  # of what takes seconds, with a few digits: the middle one counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument(
        "--mirror", help="folder or address of all of Fashion-MNIST; without it only the default digits are used"
    )
    parser.add_argument("--all-images", action="store_true", help="maps of all 70,000 images, too: twenty minutes more")
    options = parser.parse_args()
    once = {"train": {"epochs": 1, "lr": 0.01}, "embed": {"perplexity": PERPLEXITY}}
    digits = once | {"dataset": {"name": "mnist-5k"}}
    runs: dict[str, Any] = {"small": run_pipeline(digits, ALL, ENGINES, repeats=REPEATS)}
    if options.mirror:
        fashion = once | {"dataset": {"name": "fashion-mnist", "mirrors": [options.mirror]}}
        runs["large"] = run_pipeline(fashion, ALL, ENGINES)
        if options.all_images:
            everything = fashion | {"extract": {"split": "both"}}
            runs["all"] = run_pipeline(everything, ("download", "train", "extract", "embed"), FAST_ENGINES, naive=False)
    runs["floor"] = {"sgemm": sgemm_gigaflops(), "copy": copy_gigabytes()}
    write_results(options.out, runs)


def run_pipeline(
    changes: dict[str, dict[str, Any]],
    stages: Sequence[str],
    engines: Sequence[str],
    naive: bool = True,
    repeats: int = 1,
) -> dict[str, Any]:
    """Return the costs of the stages, of t-SNE engines on h3, and of the naive exercise, on one data set."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("stages", "strata", "networks", "benchmarks"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder, quiet=1)  # as after the first run
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for section, values in changes.items():
            params[section] |= values
        write_params(folder, params)
        commands = stage_commands()
        costs: dict[str, Any] = {
            name: reported(name, *commands[name], folder=folder, repeats=repeats) for name in stages
        }
        costs["points"] = len(read_samples(folder / "data/activations/samples.parquet")[0].sample_id)
        costs["activation bytes"] = sum(path.stat().st_size for path in (folder / "data/activations").glob("*.parquet"))
        costs["least work"] = least_work(folder, costs["points"])
        costs["accuracy"] = accuracy(folder / "reports/training.json")
        for engine in engines:
            words = ("--activations", "data/activations", "--layer", "h3", "--engine", engine)
            cost = reported(engine, "benchmarks.embedding_quality", *words, folder=folder, repeats=repeats)
            costs[f"engine {engine}"] = json.loads(cost["last_line"])
        if (usual := chosen_perplexity("auto", costs["points"])) != PERPLEXITY:
            costs |= usual_maps(folder, params, usual)
        if naive:
            costs |= other_ways(folder, params, costs["points"], repeats)
        page = folder / "reports/index.html"
        costs["page bytes"] = page.stat().st_size if page.exists() else None
    return costs


def usual_maps(folder: Path, params: dict[str, Any], perplexity: float) -> dict[str, Any]:
    """Return the costs of the maps with the perplexity that Strata chooses for so many points."""
    write_params(folder, {**params, "embed": {**params["embed"], "perplexity": perplexity}})
    again = [word.replace("data/embeddings", "again/maps") for word in stage_commands()["embed"]] + [
        "--reports",
        "again",
    ]
    name = f"embed, perplexity {perplexity:g}"
    cost = reported(name, *again, folder=folder)
    write_params(folder, params)
    return {name: cost}


def other_ways(folder: Path, params: dict[str, Any], points: int, repeats: int) -> dict[str, Any]:
    """Return the costs of the naive exercise, and of training in bfloat16 if the processor supports it."""
    words = ("--data", "data/raw", "--points", str(points), "--perplexity", str(PERPLEXITY))
    naive = reported("naive", "benchmarks.naive_exercise", *words, folder=folder, repeats=repeats)
    costs: dict[str, Any] = {"naive": naive | {"parts": json.loads(naive["last_line"])}}
    if computes_in_bfloat16():
        params["train"]["precision"] = "bfloat16"
        write_params(folder, params)
        again = [word.replace("data/model", "again") for word in stage_commands()["train"]] + ["--reports", "again"]
        costs["train bfloat16"] = reported("train bfloat16", *again, folder=folder, repeats=repeats)
        costs["bfloat16 accuracy"] = accuracy(folder / "again/training.json")
    return costs


def reported(name: str, module: str, *arguments: str, folder: Path, repeats: int = 1) -> dict[str, Any]:
    """Run a module some times, print the costs of the run that took the middle time, and return them as a mapping."""
    costs = sorted((measure(module, *arguments, folder=folder) for _ in range(repeats)), key=lambda cost: cost.seconds)
    middle: Cost = costs[repeats // 2]
    print(f"{name}: {middle.seconds:.1f} s, {middle.peak_process:.2f} GiB; {middle.last_line}", flush=True)
    return asdict(middle)


def write_params(folder: Path, params: dict[str, Any]) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def stage_commands() -> dict[str, list[str]]:
    """Return each stage's module and arguments, from dvc.yaml."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: stage["cmd"].split()[2:] for name, stage in stages.items()}


def accuracy(metrics: Path) -> float:
    return float(json.loads(metrics.read_text(encoding="utf-8"))["test_accuracy"])


def computes_in_bfloat16() -> bool:
    """Return whether this processor has instructions for bfloat16; without them it is emulated, slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


if __name__ == "__main__":
    main()
