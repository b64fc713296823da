"""Report: every figure as PNG and SVG, and one page that holds them all.

python -m stages.report --data data/raw --model data/model/mnist_cnn.pt --activations data/activations \
    --embeddings data/embeddings --training reports/training.json --curve reports/learning_curve.csv \
    --epochs reports/epochs.csv --summary reports/network.txt --measures data/measures --table reports/measures.csv \
    --cka reports/cka.csv --dimension reports/intrinsic_dimension.csv --stability reports/stability.csv \
    --pairs reports/class_pairs.csv --figures reports/figures --page reports/index.html
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from strata.atomic import write_text
from strata.console import say
from strata.entry import run_stage, stage_parser
from strata.figures.style import save_figure
from strata.page.figure_list import missing_figures, report_figures
from strata.page.inputs import ReportInputs, load_report_inputs
from strata.page.report_page import render_page
from strata.params.common import Layers
from strata.params.report import ReportParams
from strata.params.section import load_section, sections_as_text
from strata.pool import run_jobs

MEASURED = ("measures", "table", "cka", "dimension", "stability", "pairs")
READ = ("data", "model", "activations", "embeddings", "training", "curve", "epochs", "summary", *MEASURED)
WRITTEN = ("figures", "page")
TOLD = ("seed", "dataset", "network", "layers", "train", "extract", "embed", "measure", "report")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    for name in READ + WRITTEN:
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    layers = load_section(options.params, "layers", Layers)
    params = load_section(options.params, "report", ReportParams)

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
    )
    planned = list(report_figures(inputs, params.misclassified, params.late_deciders))
    run_jobs(draw_and_save, [(entry.name, draw, options.figures, params.dpi) for entry, draw in planned], "report")

    texts = {
        "The network": options.summary.read_text(encoding="utf-8"),
        "Parameters": sections_as_text(options.params, TOLD),
    }
    title = f"Strata: {inputs.dataset.name}, layer by layer"
    training = json.loads(options.training.read_text(encoding="utf-8"))
    page = render_page(
        [entry for entry, _ in planned], options.figures, title, facts(inputs, training), texts, missing_figures(inputs)
    )
    write_text(options.page, page)
    say(f"report: {len(planned)} figures in {options.figures}, and the page {options.page}")


def draw_and_save(job: tuple[str, Callable[[], Figure], Path, int]) -> None:
    name, draw, folder, dpi = job
    save_figure(draw(), folder, name, dpi)


def facts(inputs: ReportInputs, training: dict[str, float]) -> dict[str, str]:
    dataset = inputs.dataset
    return {
        "Test accuracy": f"{training['test_accuracy']:.2%}",
        "Parameters of the network": f"{training['parameters']:,}",
        "Data set": f"{dataset.name}: {dataset.counts['train']:,} training and {dataset.counts['test']:,} test images",
        "Shown here": f"{len(inputs.samples.label):,} images of split {inputs.provenance.split}",
        "Source": dataset.source,
        "Citation": dataset.citation,
        "Licence of the data": dataset.licence,
        "Data, SHA-256": inputs.provenance.data_sha256,
        "Model, SHA-256": inputs.provenance.model_sha256,
        "To make it again": "make repro",
    }


if __name__ == "__main__":
    run_stage(main)
