"""Report: every figure as PNG and SVG, and one page that holds them all.

python -m stages.report --data data/raw --model data/model/mnist_cnn.pt --activations data/activations \
    --embeddings data/embeddings --training reports/training.json --curve reports/learning_curve.csv \
    --epochs reports/epochs.csv --summary reports/network.txt --measures data/measures --table reports/measures.csv \
    --cka reports/cka.csv --dimension reports/intrinsic_dimension.csv --stability reports/stability.csv \
    --pairs reports/class_pairs.csv --over-training reports/measures_over_training.csv \
    --figures reports/figures --page reports/index.html \
    --environment reports/environment.json
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from strata.core.console import say
from strata.core.files import write_json, write_text
from strata.core.params import Layers, Reproducible, Seed, load_section, sections_as_text
from strata.core.portable import check_portable
from strata.core.stage import run_stage, stage_parser
from strata.jobs.pool import run_jobs
from strata.report.environment import environment
from strata.report.figures.style import save_figure
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.facts import facts
from strata.report.page.figure_list import missing_figures, on_page, report_figures
from strata.report.page.inputs import load_report_inputs
from strata.report.page.payload import run_payload, shown_rows
from strata.report.params import ReportParams

MEASURED = ("measures", "table", "cka", "dimension", "stability", "pairs")
READ = (
    *("data", "model", "activations", "embeddings", "training", "curve", "epochs", "summary", "over-training"),
    *MEASURED,
)
WRITTEN = ("figures", "page", "environment")
TOLD = ("seed", "reproducible", "dataset", "network", "layers", "train", "extract", "embed", "measure", "report")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    for name in READ + WRITTEN:
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    layers = list(load_section(options.params, "layers", Layers))
    seed = load_section(options.params, "seed", Seed)
    params = load_section(options.params, "report", ReportParams)
    mode = load_section(options.params, "reproducible", Reproducible)
    check_portable(mode)

    inputs = load_report_inputs(
        layers,
        params.sample_id,
        data=options.data,
        model=options.model,
        activations=options.activations,
        embeddings=options.embeddings,
        curve=options.curve,
        epochs=options.epochs,
        measured={name: getattr(options, name) for name in MEASURED},
        over_training=options.over_training,
    )
    planned = list(report_figures(inputs, params))
    run_jobs(draw_and_save, [(entry.name, draw, options.figures, params.dpi) for entry, draw in planned], "report")

    rows = shown_rows(len(inputs.samples.label), params.page_samples, np.random.default_rng(seed))
    told = "# network\n" + options.summary.read_text(encoding="utf-8") + "\n" + sections_as_text(options.params, TOLD)
    found = environment(mode)
    run = run_payload(inputs, rows, facts(inputs, options.training, options.embeddings, len(rows), found), told)
    payload = page_payload(inputs.dataset.classes, inputs.samples.label[rows], inputs.images[rows], {"this run": run})
    title = f"Strata: {inputs.dataset.name}, layer by layer"
    page = render_explorer(title, payload, on_page(planned), options.figures, missing_figures(inputs))
    write_text(options.page, page)
    write_json(options.environment, found)
    say(f"report: {len(planned)} figures in {options.figures}, and the page {options.page}")


def draw_and_save(job: tuple[str, Callable[[], Figure], Path, int]) -> None:
    name, draw, folder, dpi = job
    save_figure(draw(), folder, name, dpi)


if __name__ == "__main__":
    run_stage(main)
