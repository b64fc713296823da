"""The rows of the figures about what the network learned, and about one sample in it."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.needs import Need
from strata.report.figures.close_up import draw_feature_maps, draw_output
from strata.report.figures.confusion import confusion_counts, draw_confusion
from strata.report.figures.digits import draw_mistakes, surest_mistakes
from strata.report.figures.learning_curve import draw_learning_curve
from strata.report.page.figure_row import Draw, FigureRow, LayerFigureRow
from strata.report.page.inputs import ReportInputs
from strata.report.params import ReportParams

INPUT_LAYER = "input"  # the image itself: its colours are not features
MAX_CHANNELS = 100  # channels of a layer in its close-up
NETWORK, ONE_SAMPLE = "What the network learned", "One sample through the network"


def _mistakes(inputs: ReportInputs) -> int:
    return int((inputs.samples.labels != inputs.samples.predictions).sum())


def _confusion_caption(inputs: ReportInputs) -> str:
    return (
        f"{_mistakes(inputs):,} of {len(inputs.samples):,} {inputs.provenance.split} {inputs.things} were"
        " misclassified. Rows are labels, columns predictions; the colour is the share of the row."
    )


def _draw_confusion(inputs: ReportInputs) -> Draw:
    samples, classes = inputs.samples, inputs.names_in_figures
    return partial(draw_confusion, confusion_counts(samples.labels, samples.predictions, len(classes)), classes)


def _mistakes_caption(inputs: ReportInputs, params: ReportParams) -> str:
    wrong = _mistakes(inputs)
    return (
        f"The {min(wrong, params.misclassified)} misclassified images in which the network was most confident, of"
        f" {wrong:,}. In red: more than 90% sure. Not shown: whether the network or the label errs."
    )


def _draw_mistakes(inputs: ReportInputs, params: ReportParams) -> Draw:
    rows = surest_mistakes(inputs.samples, params.misclassified)
    return partial(draw_mistakes, inputs.images[rows], inputs.samples, rows, inputs.names_in_figures, inputs.grey_map)


def output_layer(inputs: ReportInputs) -> str | None:
    """Return the last layer if it can be the network's output, that is, if it has one unit per class."""
    last = list(inputs.infos)[-1]
    return last if inputs.infos[last].shape == (len(inputs.dataset.classes),) else None


def _shown(inputs: ReportInputs) -> tuple[int, int]:
    """Return the row and the id of the sample that the close-ups show."""
    if inputs.shown is None:
        raise ValueError("the report shows no sample")
    return inputs.shown, int(inputs.samples.sample_id[inputs.shown])


def _label_of_shown(inputs: ReportInputs, classes: Sequence[str], before: str, after: str = "") -> str:
    """Return the label's name of the sample that the close-ups show, between two texts; empty without labels."""
    row, _ = _shown(inputs)
    return "" if inputs.samples.label is None else f"{before}{classes[inputs.samples.label[row]]}{after}"


def shown_log_probabilities(output: NDArray[np.float32], confidence: float) -> NDArray[np.float32]:
    """Return log-probabilities (classes,) of the last layer: of logits, of log-probabilities, or of probabilities.

    Probabilities are known by their largest, which is the network's `confidence`.
    """
    if (output >= 0).all() and np.isclose(output.max(), confidence, atol=1e-4):
        output = np.log(np.maximum(output, np.finfo(np.float32).tiny))
    return output - np.logaddexp.reduce(output)


def _draw_output(inputs: ReportInputs) -> Draw:
    (row, identity), samples = _shown(inputs), inputs.samples
    output = inputs.shown_activations[str(output_layer(inputs))]
    output, label = shown_log_probabilities(output, float(samples.confidences[row])), int(samples.labels[row])
    title, classes = f"sample {identity}", inputs.names_in_figures
    return partial(draw_output, inputs.images[row], output, label, classes, title, inputs.grey_map)


def _has_channels(inputs: ReportInputs, layer: str) -> bool:
    activation = inputs.shown_activations.get(layer)
    if activation is None or layer == INPUT_LAYER:
        return False
    return activation.ndim == 3 and len(activation) > 1 and activation[0].size > 1


def _channels_caption(inputs: ReportInputs, layer: str) -> str:
    _, identity = _shown(inputs)
    channels = len(inputs.shown_activations[layer])
    which = f"{channels}" if channels <= MAX_CHANNELS else f"first {MAX_CHANNELS} of {channels}"
    label = _label_of_shown(inputs, inputs.dataset.classes, " (label ", ")")
    return (
        f"The {which} channels' activations for sample {identity}{label}, as images on one scale. A dark channel is"
        " silent for this sample, not useless."
    )


def _draw_channels(inputs: ReportInputs, layer: str) -> Draw:
    _, identity = _shown(inputs)
    title = f"{layer}: sample {identity}{_label_of_shown(inputs, inputs.names_in_figures, ', label ')}"
    return partial(draw_feature_maps, inputs.shown_activations[layer][:MAX_CHANNELS], title)


NETWORK_FIGURES = (
    FigureRow(
        name="learning_curve",
        heading="Learning curve",
        group=NETWORK,
        caption=lambda _, __: (
            "Training values are means over batches while the weights changed; test values are taken after each epoch."
            " The training curve is therefore pessimistic early on."
        ),
        draw=lambda inputs, _: partial(draw_learning_curve, inputs.batches, inputs.epochs),
        applies=lambda inputs: not inputs.batches.empty,
        explored=True,
    ),
    FigureRow(
        name="confusion",
        heading="Confusion matrix",
        group=NETWORK,
        caption=lambda inputs, _: _confusion_caption(inputs),
        draw=lambda inputs, _: _draw_confusion(inputs),
        needs=(Need.LABELS, Need.PREDICTIONS),
    ),
    FigureRow(
        name="misclassified",
        heading="The surest mistakes",
        group=NETWORK,
        caption=_mistakes_caption,
        draw=_draw_mistakes,
        needs=(Need.LABELS, Need.PREDICTIONS, Need.IMAGES),
    ),
)
SAMPLE_FIGURES = (
    FigureRow(
        name="sample_output",
        heading="The output for one sample",
        group=ONE_SAMPLE,
        caption=lambda inputs, _: (
            f"The output of layer {output_layer(inputs)} for every class, for sample {_shown(inputs)[1]}; the label is"
            " circled. The line only guides the eye: the order of the classes means nothing."
        ),
        draw=lambda inputs, _: _draw_output(inputs),
        needs=(Need.LABELS, Need.PREDICTIONS, Need.IMAGES),
        applies=lambda inputs: inputs.shown is not None and output_layer(inputs) is not None,
    ),
    LayerFigureRow(
        name="features_{layer}",
        heading="What the channels of {layer} respond to",
        group=ONE_SAMPLE,
        caption=_channels_caption,
        draw=_draw_channels,
        applies=_has_channels,
    ),
)
