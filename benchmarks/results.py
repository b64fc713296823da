"""The benchmark's results, as a Markdown page and a figure."""

import json
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from strata.core.files import write_json, write_text
from strata.report.figures.style import ACCENT, MUTED, WARM, save_figure, strata_style

STAGES = ("train", "extract", "embed")
TITLES = {"small": "1,000 digits (mnist-5k)", "large": "10,000 images (Fashion-MNIST, trained on 60,000)"}


def write_results(folder: Path, runs: dict[str, Any]) -> None:
    """Write results.json, results.md and results.png into a folder."""
    write_json(folder / "results.json", json.loads(json.dumps(runs)))
    floor = runs["floor"]
    lines = [
        "# Benchmarks",
        "",
        "This is one run of `make bench`. Times differ between machines and from hour to hour, ratios less so.",
        f"The machine's best rates in this run: {floor['sgemm']:.0f} GFLOP/s of float32 matrix products, "
        f"{floor['copy']:.1f} GB/s of copying.",
        "",
        "*Naive*: the exercise with a DataLoader over PIL images, activations in memory, and scikit-learn's t-SNE on",
        "the raw activations of every layer (`benchmarks/naive_exercise.py`). Strata's times include starting Python;",
        "the naive times include it only in the last row. Both draw maps of perplexity 30, scikit-learn's default;",
        "where Strata would choose another, that has a row of its own. At 1,000 digits, everything ran three times,",
        "and the run of the middle time counts.",
        "",
        "*Floor*: the least time that the result needs at those two rates (`benchmarks/least_work.py`): the network's",
        "products, forward and backward; the activations, copied once; for t-SNE the distances of all pairs, once.",
        "",
    ]
    for name in ("small", "large"):
        if name in runs:
            lines += section(TITLES[name], runs[name], floor)
    if "all" in runs:
        lines += growth_section(runs)
    write_text(folder / "results.md", "\n".join(lines) + "\n")
    save_figure(draw(runs), folder, "results", 120)


def section(title: str, run: dict[str, Any], floor: dict[str, float]) -> list[str]:
    """Return the lines about one data set."""
    naive = naive_seconds(run)
    lines = [
        f"## {title}",
        "",
        "| work | Strata, s | naive, s | naive / Strata | Strata / floor | peak per process, GiB | peak of all, GiB |",
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    usual = [name for name in run if name.startswith("embed, ")]
    rows = ("download", "train", "train bfloat16", "replicate", "extract", "embed", *usual, "measure", "report")
    for stage in (stage for stage in rows if stage in run):
        cost, other = run[stage], naive.get(stage.removesuffix(" bfloat16"))
        compared = f"{other:.1f} | {other / cost['seconds']:.1f}" if other else "– | –"
        peaks = f"{cost['peak_process']:.2f} | {cost['peak_all']:.2f}"
        least = f"{cost['seconds'] / floor_seconds(run, stage, floor):.0f}" if stage in run["least work"] else "–"
        lines.append(f"| {stage} | {cost['seconds']:.1f} | {compared} | {least} | {peaks} |")
    whole = sum(run[stage]["seconds"] for stage in ("download", *STAGES, "report"))
    total = run["naive"]["seconds"]
    peak = f"naive: {run['naive']['peak_all']:.2f}"
    lines.append(
        f"| all but replicate and measure | {whole:.1f} | {total:.1f} | {total / whole:.1f} | – | – | {peak} |"
    )
    both = "train bfloat16" in run
    without = (
        f", bfloat16 {run['bfloat16 accuracy']:.2%}." if both else ". This processor has no bfloat16: not measured."
    )
    page = f" The page: {run['page bytes'] / 1e6:.1f} MB." if run["page bytes"] else ""
    lines += [
        "",
        f"Test accuracy after one epoch: float32 {run['accuracy']:.2%}{without}{page}",
        "",
    ]
    return [*lines, *engine_lines(run)]


def engine_lines(run: dict[str, Any]) -> list[str]:
    """Return a table of the t-SNE engines on one layer."""
    lines = [
        "| t-SNE of h3, reduced to 50 (peer: scikit-learn by itself, all threads) | s | KL, exact sum | recall |",
        "|---|---:|---:|---:|",
    ]
    for name, costs in run.items():
        if name.startswith("engine "):
            figures = f"{costs['seconds']:.1f} | {costs['kl']:.3f} | {costs['recall']:.3f}"
            lines.append(f"| {name.removeprefix('engine ')} | {figures} |")
    return [*lines, ""]


def floor_seconds(run: dict[str, Any], stage: str, floor: dict[str, float]) -> float:
    """Return the seconds of a stage's least work at the machine's best rates."""
    least = run["least work"][stage]
    return least["gflop"] / floor["sgemm"] + least["gigabytes"] / floor["copy"]


def growth_section(runs: dict[str, Any]) -> list[str]:
    """Return the lines about how cost grows with the number of points, up to all images."""
    lines = [
        "## Growth: all 70,000 images, seven layers",
        "",
        "Peaks are per process, in GiB.",
        "",
        "| points | extract, s | embed, s | extract, peak | embed, peak | activations, GB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for run in (runs[name] for name in ("small", "large", "all") if name in runs):
        seconds = f"{run['extract']['seconds']:.0f} | {run['embed']['seconds']:.0f}"
        peaks = f"{run['extract']['peak_process']:.2f} | {run['embed']['peak_process']:.2f}"
        size = f"{run['activation bytes'] / 1e9:.2f}" if "activation bytes" in run else "–"
        lines.append(f"| {run['points']:,} | {seconds} | {peaks} | {size} |")
    return [*lines, "", "All 70,000, one layer:", "", *engine_lines(runs["all"])]


def naive_seconds(run: dict[str, Any]) -> dict[str, float]:
    """Return the naive exercise's seconds by stage."""
    parts = run["naive"]["parts"]
    embed = sum(seconds for name, seconds in parts.items() if name.startswith("embed"))
    return {"train": parts["train"], "extract": parts["extract"], "embed": embed}


def draw(runs: dict[str, Any]) -> Figure:
    """Return bars of the seconds by stage, for Strata and the naive way, on a log axis."""
    names = [name for name in ("small", "large") if name in runs]
    with strata_style():
        growing = "all" in runs
        figure = Figure(figsize=(5.5 * (len(names) + growing), 4), layout="constrained")
        axes = figure.subplots(1, len(names) + growing, squeeze=False)[0]
        if growing:
            draw_growth(axes[-1], [runs[name] for name in (*names, "all")])
        for axis, name in zip(axes, names, strict=False):
            naive = naive_seconds(runs[name])
            for offset, colour, title, seconds in (
                (-0.2, WARM, "naive", [naive[stage] for stage in STAGES]),
                (0.2, ACCENT, "Strata", [runs[name][stage]["seconds"] for stage in STAGES]),
            ):
                positions = [stage + offset for stage in range(len(STAGES))]
                bars = axis.bar(positions, seconds, 0.38, color=colour, label=title)
                axis.bar_label(bars, [f"{second:.1f}" for second in seconds], fontsize=9)
            axis.set(yscale="log", ylabel="seconds", title=TITLES[name])
            axis.set_xticks(range(len(STAGES)), STAGES)
            axis.legend()
    return figure


def draw_growth(axis: Axes, runs: list[dict[str, Any]]) -> None:
    """Draw seconds against points on log axes, with a line for a cost in proportion to the points."""
    points = [run["points"] for run in runs]
    for stage, colour, marker in (("embed", ACCENT, "o"), ("extract", WARM, "s")):
        seconds = [run[stage]["seconds"] for run in runs]
        axis.plot(points, seconds, color=colour, marker=marker, label=f"Strata, {stage}")
        axis.annotate(
            f"{seconds[-1]:.0f} s", (points[-1], seconds[-1]), xytext=(-4, 7), textcoords="offset points", ha="right"
        )
    last = runs[-1]["embed"]["seconds"]
    axis.plot(points, [last * each / points[-1] for each in points], ":", color=MUTED, label="in proportion")
    axis.set(
        xscale="log", yscale="log", xlabel="points", ylabel="seconds", title="Growth with the points, seven layers"
    )
    axis.legend()
