"""All figures of the report, in order, as the rows of its groups. A new figure is a row in one of them."""

from collections.abc import Iterator, Sequence

from strata.artifacts.needs import Need, is_there, left_out
from strata.report.page.figure_row import PageFigure, Planned
from strata.report.page.inputs import ReportInputs
from strata.report.page.map_figures import MAP_FIGURES, TRAINING_FIGURES
from strata.report.page.measure_figures import MEASURE_FIGURES
from strata.report.page.network_figures import NETWORK_FIGURES, SAMPLE_FIGURES, output_layer
from strata.report.params import ReportParams

# The parts of the page about single samples and classes, with their needs.
OF_SAMPLES = (
    ("votes of neighbours", (Need.LABELS,)),
    ("pairs of classes", (Need.LABELS,)),
    ("commit layers", (Need.LABELS, Need.PREDICTIONS)),
    ("test accuracy", (Need.LABELS, Need.PREDICTIONS)),
)
FIGURES = (*MAP_FIGURES, *MEASURE_FIGURES, *TRAINING_FIGURES, *NETWORK_FIGURES, *SAMPLE_FIGURES)


def report_figures(inputs: ReportInputs, params: ReportParams) -> Iterator[Planned]:
    """Yield the report's figures, undrawn; those that do not apply to the run are left out."""
    for row in FIGURES:
        yield from row.planned(inputs, params)


def on_page(planned: Sequence[Planned]) -> list[PageFigure]:
    """Return the figures that the page shows as images: those that it does not show in interactive form."""
    return [entry for entry, _ in planned if not entry.explored]


def missing_figures(inputs: ReportInputs) -> list[str]:
    """Return one line for each reason why figures or measures are left out."""
    measures = [(measure.title, measure.needs) for measure in inputs.measures.registry.measures]
    figures = [(f"the figure '{row.heading.format(layer='each layer')}'", row.needs) for row in FIGURES]
    lines = [f"{line[0].upper()}{line[1:]}." for line in left_out([*measures, *OF_SAMPLES, *figures], inputs.lacks)]
    if inputs.batches.empty:
        lines.append("There is no learning curve, because nothing was trained.")
    if inputs.measures.between.empty:
        lines.append("Networks are not compared, because there is only one: see `replicate.networks` in params.yaml.")
    if is_there((Need.LABELS, Need.PREDICTIONS), inputs.lacks) and output_layer(inputs) is None:
        lines.append(
            "The plot of one sample's output is left out, because the last layer does not have one unit per class."
        )
    if "map_kl_divergence" not in set(inputs.measures.table["measure"]):
        lines.append(
            f"There is no KL divergence of the maps: only t-SNE has one, and these maps are by {inputs.method.title}."
        )
    return lines
