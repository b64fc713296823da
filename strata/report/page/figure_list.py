"""Which figures the report has, in its order, each with a caption that says what it shows and what it does not."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from strata.report.figures.close_up import draw_feature_maps, draw_output
from strata.report.figures.confusion import confusion_counts, draw_confusion
from strata.report.figures.digits import draw_mistakes, surest_mistakes
from strata.report.figures.learning_curve import draw_learning_curve
from strata.report.figures.maps import draw_all_maps, draw_map
from strata.report.figures.over_training import draw_maps_over_training, draw_measures_over_training
from strata.report.page.inputs import ReportInputs
from strata.report.page.measure_figures import PageFigure, Planned, measure_figures

INPUT_LAYER = "input"  # the image itself: its colours are no features
MOST_CHANNELS = 100  # of a layer, in the close-up of its channels
EXPLORED = {"maps", "measures", "cka", "learning_curve", "measures_over_training"}
MAPS, NETWORK, ONE_SAMPLE = "Maps of every layer", "What the network learned", "One sample through the network"
OVER_TRAINING = "Layers over training"


def report_figures(inputs: ReportInputs, mistakes: int, late: int) -> Iterator[Planned]:
    """Yield the report's figures, undrawn; close-ups of layers that were not extracted are left out."""
    yield from _map_figures(inputs)
    yield from measure_figures(inputs, late)
    yield from _training_figures(inputs)
    yield from _network_figures(inputs, mistakes)
    yield from _sample_figures(inputs)


def on_page(planned: Sequence[Planned]) -> list[PageFigure]:
    """Return the figures that stand on the page as pictures: those that it does not show in a form to explore."""
    return [entry for entry, _ in planned if entry.name not in EXPLORED and not entry.name.startswith("map_")]


def missing_figures(inputs: ReportInputs) -> list[str]:
    """Return a line for each figure that is left out."""
    lines = []
    if inputs.batches.empty:
        lines.append("There is no learning curve, as nothing was trained.")
    if output_layer(inputs) is None:
        lines.append("The plot of one sample's output is left out, as no layer of one unit a class comes last.")
    if "map_kl_divergence" not in set(inputs.measures.table["measure"]):
        lines.append(
            f"There is no KL divergence of the maps: it is t-SNE's own, and these are by {inputs.method.title}."
        )
    return lines


def output_layer(inputs: ReportInputs) -> str | None:
    """Return the last layer if it can be the network's output: it has as many units as there are classes."""
    last = list(inputs.infos)[-1]
    return last if inputs.infos[last].shape == (len(inputs.dataset.classes),) else None


def _map_figures(inputs: ReportInputs) -> Iterator[Planned]:
    labels, classes = inputs.samples.label, inputs.names_in_figures
    points = {layer: layer_map.points for layer, layer_map in inputs.maps.items()}
    shapes = {layer: " × ".join(map(str, info.shape)) for layer, info in inputs.infos.items()}
    method = inputs.method
    yield (
        PageFigure(
            "maps",
            f"{method.title} maps of all layers",
            f"Each point is one of {len(labels):,} {inputs.provenance.split} images, coloured by its label;"
            f" {method.caption}. Shown: who is near whom at each layer. Not shown: how far groups"
            " are from each other in the layer, and how wide they are.",
            MAPS,
        ),
        partial(draw_all_maps, points, labels, classes, shapes, method.title),
    )
    for layer, layer_map in inputs.maps.items():
        yield (
            PageFigure(
                f"map_{layer}",
                f"Layer {layer}",
                f"{inputs.infos[layer].units:,} units ({shapes[layer]}). {layer_map.method.details}",
                "Each layer large",
            ),
            partial(draw_map, layer_map.points, labels, classes, layer, shapes[layer], method.title),
        )


def _training_figures(inputs: ReportInputs) -> Iterator[Planned]:
    if not inputs.earlier:
        return
    times = {f"{time} epoch{'' if time == '1' else 's'}": maps for time, maps in inputs.earlier.items()} | {
        "trained": inputs.maps
    }
    points = {time: {layer: each.points for layer, each in maps.items()} for time, maps in times.items()}
    yield (
        PageFigure(
            "maps_over_training",
            "Layers over training",
            "A row for each time whose weights were kept, a column for each layer. All maps start from the same points;"
            " each is turned to lie on the same layer's map at the next time, which changes no neighbourhood.",
            OVER_TRAINING,
        ),
        partial(draw_maps_over_training, points, inputs.samples.label, inputs.names_in_figures),
    )
    yield (
        PageFigure(
            "measures_over_training",
            "Measures against training time",
            "Taken in the full space of each layer; bands are 95% intervals. The last point is the trained network.",
            OVER_TRAINING,
        ),
        partial(draw_measures_over_training, inputs.measures_over_training, list(inputs.maps)),
    )


def _network_figures(inputs: ReportInputs, mistakes: int) -> Iterator[Planned]:
    samples, classes = inputs.samples, inputs.names_in_figures
    if not inputs.batches.empty:
        yield (
            PageFigure(
                "learning_curve",
                "Learning curve",
                "Training values are means over batches while the weights changed; test values are taken after each"
                " epoch. The training curve is therefore pessimistic early on.",
                NETWORK,
            ),
            partial(draw_learning_curve, inputs.batches, inputs.epochs),
        )
    counts = confusion_counts(samples.label, samples.predicted, len(classes))
    wrong = int((samples.label != samples.predicted).sum())
    yield (
        PageFigure(
            "confusion",
            "Confusion matrix",
            f"{wrong:,} of {len(samples.label):,} {inputs.provenance.split} images were misclassified. Rows are labels,"
            " columns predictions; the colour is the share of the row.",
            NETWORK,
        ),
        partial(draw_confusion, counts, classes),
    )
    rows = surest_mistakes(samples, mistakes)
    yield (
        PageFigure(
            "misclassified",
            "The surest mistakes",
            f"The {len(rows)} misclassified images in which the network was most confident, of {wrong:,}. In red: more"
            " than 90% sure. Some are mislabelled or hard for people too.",
            NETWORK,
        ),
        partial(draw_mistakes, inputs.images[rows], samples, rows, classes, inputs.grey_map),
    )


def _sample_figures(inputs: ReportInputs) -> Iterator[Planned]:
    samples, classes = inputs.samples, inputs.names_in_figures
    if inputs.shown is None:
        return
    identity, label = int(samples.sample_id[inputs.shown]), int(samples.label[inputs.shown])
    if (last := output_layer(inputs)) is not None:
        output = inputs.shown_activations[last]
        output = output - np.logaddexp.reduce(output)  # log-probabilities, also of logits
        yield (
            PageFigure(
                "sample_output",
                f"The output for sample {identity}",
                f"What layer {last} says of every class for one image; the label is circled. A line joins classes"
                " only to guide the eye: their order means nothing.",
                ONE_SAMPLE,
            ),
            partial(
                draw_output,
                inputs.images[inputs.shown],
                output,
                label,
                classes,
                f"sample {identity}",
                inputs.grey_map,
            ),
        )
    for layer, activation in inputs.shown_activations.items():
        if activation.ndim == 3 and len(activation) > 1 and activation[0].size > 1 and layer != INPUT_LAYER:
            channels, shown = len(activation), activation[:MOST_CHANNELS]
            which = f"{channels}" if channels == len(shown) else f"first {len(shown)} of {channels}"
            yield (
                PageFigure(
                    f"features_{layer}",
                    f"What the channels of {layer} respond to",
                    f"The {which} channels' activations for sample {identity} (label"
                    f" {inputs.dataset.classes[label]}), as images on one scale. A dark channel is silent for this"
                    " sample, not useless.",
                    ONE_SAMPLE,
                ),
                partial(draw_feature_maps, shown, f"{layer}: sample {identity}, label {classes[label]}"),
            )
