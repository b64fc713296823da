"""What a million images would cost: time, memory and disk, from synthetic activations of growing numbers of samples.

python -m benchmarks.scale --out benchmarks    # make scale

Every part runs by itself in a new process with one thread, at three sizes. The time of a million is that of the largest
size times the growth of the part's kind of work: linear, quadratic, or n log n for the map. The table says how the time
grew between the two largest sizes, so that a part that grows otherwise is seen. The neighbours of the measured points
are found at a million, too.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measured import watched
from strata.artifacts.activations import ActivationWriter, read_activations, repeats_itself
from strata.core.files import write_json, write_text
from strata.core.layers import Layers
from strata.core.params import load_section
from strata.jobs.pool import THREAD_LIMITS

MILLION = 1_000_000
HOUR, GB = 3600, 1e9


@dataclass(frozen=True)
class Part:
    """A part of the work: what it is, how its time grows with n, and how it can be divided among machines."""

    title: str
    growth: Callable[[float], float]
    divides: str


PARTS = {
    "write": Part("write 800 units", lambda n: n, "by samples"),
    "reduce": Part("read and reduce 800 units", lambda n: n, "sums over blocks of samples"),
    "affinities": Part("affinities for one map", lambda n: n * n, "among threads"),
    "map": Part("draw one map", lambda n: n * math.log(n), "among threads"),
    "divergence": Part("exact KL of one map", lambda n: n * n, "among threads"),
    "measured": Part("neighbours of the measured points", lambda n: n, "by blocks of 1,024 points"),
}
Costs = dict[str, dict[int, dict[str, float]]]  # part -> number of samples -> seconds and bytes
ALSO_AT_A_MILLION = ("measured",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--sizes", type=int, nargs=3, default=[20_000, 40_000, 80_000])
    options = parser.parse_args()
    costs = {name: {size: cost_of(name, size) for size in sizes_for(name, sorted(options.sizes))} for name in PARTS}
    disk = disk_by_layer(Path("data/activations"), Path("params.yaml"))
    write_json(options.out / "scale.json", {"costs": costs, "disk": disk})
    write_text(options.out / "scale.md", page(costs, disk))


def sizes_for(name: str, sizes: list[int]) -> list[int]:
    """Return the numbers of points at which a part is measured."""
    return [*sizes, MILLION] if name in ALSO_AT_A_MILLION else sizes


def cost_of(name: str, points: int) -> dict[str, float]:
    """Return the seconds and bytes of a part in a new process that uses one thread."""
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    command = [sys.executable, "-m", "benchmarks.scale_parts", name, "--points", str(points)]
    cost: dict[str, float] = json.loads(watched(command, Path(), lambda _: None).strip().splitlines()[-1])
    print(f"{name} of {points:,}: {cost['seconds']:.1f} s", flush=True)
    return cost


def disk_by_layer(folder: Path, params: Path) -> dict[str, dict[str, float]]:
    """Return for each layer of the last run its units, and the bytes for a value in files of float32 and of float16."""
    found = {}
    for layer in load_section(params, "layers", Layers):
        activations = read_activations(folder / f"{layer}.parquet")
        ids, values = activations.sample_ids, activations.values
        sizes: dict[str, float] = {}
        for dtype in ("float32", "float16"):
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "layer.parquet"
                with ActivationWriter(path, replace(activations.info, dtype=dtype), repeats_itself(values)) as writer:
                    writer.write(ids, values)
                sizes[dtype] = path.stat().st_size / values.size
        found[layer] = {"units": activations.info.units, **sizes}
    return found


def page(costs: Costs, disk: dict[str, dict[str, float]]) -> str:
    """Return the Markdown page of both tables."""
    sizes = [size for size in sorted(next(iter(costs.values()))) if size < MILLION]
    hours = {name: at_a_million(name, costs[name]) for name in PARTS}
    lines = [
        "# What a million images would cost",
        "",
        "Made by `make scale` on one thread, from synthetic activations. Each part is measured at the sizes named;",
        "a million is the largest of them times the growth of that kind of work. `x` is by how much the time grew",
        "between the two largest sizes: for twice as many samples 2 is linear, 4 quadratic.",
        "",
        f"| part | {' | '.join(f'{size:,}, s' for size in sizes)} | x | a million, h | memory, GB | can be divided |",
        "|---|" + "---:|" * (len(sizes) + 3) + "---|",
    ]
    for name, part in PARTS.items():
        cost = costs[name]
        seconds = " | ".join(f"{cost[size]['seconds']:.1f}" for size in sizes)
        grew = cost[sizes[-1]]["seconds"] / cost[sizes[-2]]["seconds"]
        memory = memory_at_a_million(cost) / GB
        lines.append(f"| {part.title} | {seconds} | {grew:.1f} | {hours[name]:.2f} | {memory:.1f} | {part.divides} |")
    total = sum(hours.values())
    lines += [
        "",
        f"For one layer of 800 units these parts take {total:.1f} hours of one thread, {hours['map'] / total:.0%}",
        "of them for the descent itself. The neighbours of the measured points were found at a million, too. Neither",
        "the measures (`measure.samples` points) nor the page (`report.page_samples`) grow.",
        "",
        "| layer | units | float32, GB | float16, GB | `project: 512`, float32, GB |",
        "|---|---:|---:|---:|---:|",
    ]
    for layer, each in disk.items():
        full, half = (each["units"] * each[dtype] * MILLION / GB for dtype in ("float32", "float16"))
        projected = f"{512 * 4 * MILLION / GB:.1f}" if each["units"] > 512 else "-"
        lines.append(f"| {layer} | {each['units']:,} | {full:.1f} | {half:.1f} | {projected} |")
    whole, halves = (
        sum(each["units"] * each[dtype] for each in disk.values()) * MILLION / GB for dtype in ("float32", "float16")
    )
    lines.append(f"| all | {sum(each['units'] for each in disk.values()):,.0f} | {whole:.1f} | {halves:.1f} | |")
    return "\n".join(lines) + "\n"


def at_a_million(name: str, cost: dict[int, dict[str, float]]) -> float:
    """Return the hours of a part for a million samples: measured there, or from the largest size."""
    size = max(cost)
    growth = PARTS[name].growth
    return cost[size]["seconds"] * growth(MILLION) / growth(size) / HOUR


def memory_at_a_million(cost: dict[int, dict[str, float]]) -> float:
    """Return the bytes of a part for a million samples: on the line through the two largest sizes measured."""
    small, large = sorted(cost)[-2:]
    slope = max(0.0, (cost[large]["bytes"] - cost[small]["bytes"]) / (large - small))
    return cost[large]["bytes"] + slope * (MILLION - large)


if __name__ == "__main__":
    main()
