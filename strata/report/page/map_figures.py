"""The rows of the figures of the maps, and of layers over training."""

from functools import partial

from strata.report.figures.maps import draw_all_maps, draw_map
from strata.report.figures.over_training import draw_maps_over_training, draw_measures_over_training
from strata.report.page.figure_row import Draw, FigureRow, LayerFigureRow
from strata.report.page.findings import kl_sentence, recall_sentence, start_of
from strata.report.page.inputs import ReportInputs

MAPS, OVER_TRAINING = "Maps of every layer", "Layers over training"


def shape_of(inputs: ReportInputs, layer: str) -> str:
    """Return a layer's shape for people."""
    return " × ".join(map(str, inputs.infos[layer].shape))


def _maps_caption(inputs: ReportInputs) -> str:
    return (
        f"Each point is one of {len(inputs.samples):,} {inputs.provenance.split} {inputs.things}{_coloured(inputs)};"
        f" {inputs.method.caption}. {start_of(inputs)}Shown: who is near whom at each layer, as far as its map keeps"
        f" that. {recall_sentence(inputs)}"
        " Not shown: how far groups are from each other in the layer, and how wide they are."
    )


def _coloured(inputs: ReportInputs) -> str:
    """Return what colours the points, as the end of a sentence; empty where nothing does."""
    if inputs.samples.label is not None:
        return ", coloured by its label"
    return "" if inputs.numbers is None else f", coloured by {inputs.numbers.name}"


def _draw_maps(inputs: ReportInputs) -> Draw:
    points = {layer: layer_map.points for layer, layer_map in inputs.maps.items()}
    shapes = {layer: shape_of(inputs, layer) for layer in inputs.infos}
    labels, classes = inputs.samples.label, inputs.names_in_figures
    return partial(draw_all_maps, points, labels, classes, shapes, inputs.method.title, inputs.numbers)


def _map_caption(inputs: ReportInputs, layer: str) -> str:
    details = inputs.maps[layer].method.details
    info = inputs.infos[layer]
    units = f"{info.units:,} units ({shape_of(inputs, layer)})." + (f" Taken: {info.taken}." if info.taken else "")
    return f"{units} {details} {kl_sentence(inputs, layer)}".rstrip()


def _draw_map(inputs: ReportInputs, layer: str) -> Draw:
    points, labels = inputs.maps[layer].points, inputs.samples.label
    shape, title = shape_of(inputs, layer), inputs.method.title
    return partial(draw_map, points, labels, inputs.names_in_figures, layer, shape, title, inputs.numbers)


def _draw_maps_over_training(inputs: ReportInputs) -> Draw:
    times = {f"{time} epoch{'' if time == '1' else 's'}": maps for time, maps in inputs.earlier.items()}
    times["trained"] = inputs.maps
    points = {time: {layer: each.points for layer, each in maps.items()} for time, maps in times.items()}
    return partial(draw_maps_over_training, points, inputs.samples.label, inputs.names_in_figures, inputs.numbers)


MAP_FIGURES = (
    FigureRow(
        name="maps",
        heading="Maps of all layers",
        group=MAPS,
        caption=lambda inputs, _: _maps_caption(inputs),
        draw=lambda inputs, _: _draw_maps(inputs),
        explored=True,
    ),
    LayerFigureRow(
        name="map_{layer}",
        heading="Layer {layer}",
        group="Each layer large",
        caption=_map_caption,
        draw=_draw_map,
        explored=True,
    ),
)
TRAINING_FIGURES = (
    FigureRow(
        name="maps_over_training",
        heading="Layers over training",
        group=OVER_TRAINING,
        caption=lambda inputs, _: (
            f"A row for each time whose weights were kept, a column for each layer. {start_of(inputs)}Each map is"
            " turned to lie on the same layer's map at the next time, which changes no neighbourhood."
        ),
        draw=lambda inputs, _: _draw_maps_over_training(inputs),
        applies=lambda inputs: bool(inputs.earlier),
    ),
    FigureRow(
        name="measures_over_training",
        heading="Measures against training time",
        group=OVER_TRAINING,
        caption=lambda _, __: (
            "Taken in the full space of each layer; bands are 95% intervals. The last point is the trained network."
        ),
        draw=lambda inputs, _: partial(
            draw_measures_over_training, inputs.registry, inputs.measures_over_training, list(inputs.maps)
        ),
        applies=lambda inputs: bool(inputs.earlier),
        explored=True,
    ),
)
