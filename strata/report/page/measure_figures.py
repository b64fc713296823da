"""The rows of the figures of the measures, of the maps' trust, and of where samples are decided."""

from dataclasses import replace
from functools import partial

import numpy as np

from strata.artifacts.measured import COMMIT_DEFINITION, PROJECTION, commit_names
from strata.artifacts.needs import Need
from strata.artifacts.samples import places_of
from strata.report.figures.digits import draw_late_deciders, joined, late_rows
from strata.report.figures.dimension import draw_dimension
from strata.report.figures.measures import draw_measures
from strata.report.figures.networks import draw_networks
from strata.report.figures.perplexity_grid import draw_perplexity_grid
from strata.report.figures.similarity import draw_cka
from strata.report.page.figure_row import Draw, FigureRow
from strata.report.page.findings import (
    commit_sentence,
    identified_sentence,
    measured_set,
    networks_sentence,
    outside_sentence,
    shared_projections,
)
from strata.report.page.inputs import ReportInputs
from strata.report.params import ReportParams

KNOWS, TRUST, DECIDED = "What each layer knows", "How far to trust the maps", "Where samples are decided"


def _measures_caption(inputs: ReportInputs) -> str:
    chance = "" if inputs.samples.label is None else "; what shuffled labels reach is chance"
    things = inputs.things
    return (
        f"Taken in the full space of each layer, on {len(inputs.measures.rows):,} {inputs.provenance.split} {things};"
        f" bands are 95% intervals over such {things}, for this network as it is trained.{networks_sentence(inputs)}"
        " What the untrained twin or a random projection reaches is not learned"
        f"{chance}. Shown: what can be read from a layer. Not shown: whether the network uses it."
    )


def _compared_caption(inputs: ReportInputs) -> str:
    """Return which layers and which points are compared with each other."""
    return f"Layers that share one random projection are not compared with each other. {measured_set(inputs)}".rstrip()


def _at_perplexities(inputs: ReportInputs) -> bool:
    return any(each.perplexity is not None for each in inputs.measures.stability_maps)


def _stability_caption(inputs: ReportInputs) -> str:
    points, runs = len(inputs.measures.stability_maps[0].sample_id), int(inputs.measures.stability["runs"].max())
    title = inputs.method.title
    column = (
        "What changes along a column is the doing of the perplexity and of the random start, not the layer's."
        if _at_perplexities(inputs)
        else f"{title} has no perplexity: its settings are those of the maps above."
    )
    return (
        f"{points:,} points, {title} from {runs} random starts each; the first is shown, turned to the layer's map."
        f" Below each, the share of neighbours that two starts have in common. {column} The maps above are"
        " others: of all points, from a start of principal components."
    )


def _draw_stability(inputs: ReportInputs) -> Draw:
    maps, table = inputs.measures.stability_maps, inputs.measures.stability
    rows = places_of(maps[0].sample_id, inputs.samples.sample_id)
    labels = None if inputs.samples.label is None else inputs.samples.label[rows]
    numbers = None if inputs.numbers is None else replace(inputs.numbers, values=inputs.numbers.values[rows])
    overlaps = {
        (layer, None if np.isnan(perplexity) else float(perplexity)): float(overlap)
        for layer, perplexity, overlap in zip(table["layer"], table["perplexity"], table["knn_overlap"], strict=True)
    }
    points = {(each.layer, each.perplexity): each.points for each in maps}
    return partial(draw_perplexity_grid, points, overlaps, labels, inputs.names_in_figures, numbers)


def _late_caption(inputs: ReportInputs, params: ReportParams) -> str:
    decisions = inputs.measures.decided
    return (
        f"{COMMIT_DEFINITION} {commit_sentence(inputs)} Shown: {len(late_rows(decisions, params.late_deciders))} of"
        f" {int(decisions.late.sum()):,} samples that commit only in the last layers, with the vote of every layer"
        " below each; red where it is not the label. Not shown: what the network could read from a layer, which its"
        " neighbours there do not tell."
    )


def _draw_late(inputs: ReportInputs, params: ReportParams) -> Draw:
    measures, samples, classes = inputs.measures, inputs.samples, inputs.names_in_figures
    decisions = measures.decided
    chosen = late_rows(decisions, params.late_deciders)
    rows = measures.rows[chosen]
    layers = list(inputs.maps)
    places = commit_names(layers)
    titles = []
    for row, place in zip(rows, chosen, strict=True):
        where = f"commit layer: {places[decisions.commit_layer[place]]}"
        label, predicted = classes[samples.labels[row]], classes[samples.predictions[row]]
        pair = joined(f"label {label}", f"predicted {predicted}", ", ", classes)
        titles.append(f"{pair}\n{where} · id {samples.sample_id[row]}")
    votes = np.stack([measures.points[layer].votes[chosen] for layer in layers])
    labels = samples.labels[rows]
    return partial(draw_late_deciders, inputs.images[rows], titles, votes, labels, layers, classes, inputs.grey_map)


def _networks_caption(inputs: ReportInputs) -> str:
    return (
        f"{identified_sentence(inputs)} Left: 1 where two layers are equal up to rotation and scale. Right: the same"
        " layer in two networks; dashed, the first network and its untrained twin. Where the two lines are close, two"
        " seeds differ about as much as a network differs from its twin. The input is the same for all networks, and"
        f" left out. {outside_sentence(inputs)}"
    ).rstrip()


def _draw_networks(inputs: ReportInputs) -> Draw:
    compared = set(inputs.measures.between["layer"])
    return partial(draw_networks, inputs.measures.between, [layer for layer in inputs.maps if layer in compared])


MEASURE_FIGURES = (
    FigureRow(
        name="measures",
        heading="Measures by depth, with controls",
        group=KNOWS,
        caption=lambda inputs, _: f"{_measures_caption(inputs)} {_compared_caption(inputs)}",
        draw=lambda inputs, _: partial(
            draw_measures, inputs.registry, inputs.measures.table, inputs.measures.networks, list(inputs.maps)
        ),
        explored=True,
    ),
    FigureRow(
        name="cka",
        heading="How alike the layers are",
        group=KNOWS,
        caption=lambda inputs, _: (
            "Debiased linear CKA of all pairs of layers: 1 where two layers are equal up to rotation and scale, about 0"
            " where they have nothing in common. It follows the directions of most variance; layers that differ in"
            " small directions look alike."
            + (
                " A dash: two layers with the same random projection."
                if shared_projections(inputs.measures.cka, list(inputs.maps), PROJECTION)
                else ""
            )
        ),
        draw=lambda inputs, _: partial(draw_cka, inputs.measures.cka, list(inputs.maps)),
        explored=True,
    ),
    FigureRow(
        name="networks",
        heading="The same layers in other networks",
        group=KNOWS,
        caption=lambda inputs, _: _networks_caption(inputs),
        draw=lambda inputs, _: _draw_networks(inputs),
        applies=lambda inputs: not inputs.measures.between.empty,
    ),
    FigureRow(
        name="intrinsic_dimension",
        heading="Intrinsic dimension against the number of points",
        group=KNOWS,
        caption=lambda _, __: (
            "TwoNN sees the data at the scale of nearest neighbours, which grows as points are left out. A level line"
            " is a dimension; a slope says that the value holds for this number of points only. Bars: half-samples at"
            " all points, the range of disjoint parts elsewhere."
        ),
        draw=lambda inputs, _: partial(draw_dimension, inputs.measures.dimension, list(inputs.maps)),
    ),
    FigureRow(
        name="perplexity_grid",
        heading="The same points at other perplexities",
        group=TRUST,
        caption=lambda inputs, _: _stability_caption(inputs),
        draw=lambda inputs, _: _draw_stability(inputs),
    ),
    FigureRow(
        name="late_deciders",
        heading="Late deciders",
        group=DECIDED,
        caption=_late_caption,
        draw=_draw_late,
        needs=(Need.LABELS, Need.PREDICTIONS, Need.IMAGES),
    ),
)
