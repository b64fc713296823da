"""Report: every figure as PNG and SVG, and one page with all of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from strata.artifacts.run import RunArtifacts
from strata.core import streams
from strata.core.console import say
from strata.core.files import write_json, write_text
from strata.core.params import Reproducible, Seed, load_section, sections_as_text
from strata.core.paths import Paths
from strata.core.portable import check_portable
from strata.core.strict_yaml import as_text
from strata.jobs.pool import run_jobs
from strata.report.environment import environment
from strata.report.figures.fonts import fonts_for
from strata.report.figures.style import save_figure
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.facts import facts
from strata.report.page.figure_list import missing_figures, on_page, report_figures
from strata.report.page.inputs import load_report_inputs
from strata.report.page.payload import run_payload, shown_rows
from strata.report.params import ReportParams

SECTIONS = (
    "seed",
    "reproducible",
    "dataset",
    "network",
    "layers",
    "train",
    "replicate",
    "extract",
    "embed",
    "measure",
    "report",
)


def write_report(params_path: Path, paths: Paths) -> None:
    """Draw the figures of a run, and write its page, as params.yaml says."""
    seed = load_section(params_path, "seed", Seed)
    params = load_section(params_path, "report", ReportParams)
    mode = load_section(params_path, "reproducible", Reproducible)
    check_portable(mode)

    run = RunArtifacts(paths, params_path)
    inputs = load_report_inputs(run, params.sample_id)
    planned = list(report_figures(inputs, params))
    texts = [*inputs.classes, *inputs.dataset.target_names, *inputs.maps, inputs.dataset.name]
    run_jobs(draw_and_save, [(entry.name, draw, paths.figures, params.dpi, texts) for entry, draw in planned], "report")

    measured, page_stream = inputs.measures.rows, streams.page_samples(seed)
    rows = shown_rows(len(inputs.samples), params.page_samples, measured, page_stream)
    settings_text = f"# network\n{paths.summary.read_text(encoding='utf-8')}\n{sections_as_text(params_path, SECTIONS)}"
    if run.proposed:
        settings_text += "\n# layers: auto, as proposed for this network\n"
        settings_text += as_text({"layers": run.params_in_full["layers"]})
    machine = environment(mode)
    run_data = run_payload(inputs, rows, facts(inputs, run, len(rows), machine), settings_text)
    labels = None if inputs.samples.label is None else inputs.samples.label[rows]
    payload = page_payload(inputs.classes, labels, inputs.shown_samples(rows), {"this run": run_data})
    title = f"Strata: {inputs.dataset.name}, layer by layer"
    page = render_explorer(title, payload, on_page(planned), paths.figures, missing_figures(inputs))
    write_text(paths.page, page)
    write_json(paths.environment, machine)
    say(f"report: {len(planned)} figures in {paths.figures}, and the page {paths.page}")


def draw_and_save(job: tuple[str, Callable[[], Figure], Path, int, Sequence[str]]) -> None:
    """Draw a figure that may have any of the texts, and save it."""
    name, draw, folder, dpi, texts = job
    with fonts_for(texts):
        save_figure(draw(), folder, name, dpi)
