"""What each layer is, in a few words: which of its kind it is, and the shape of what it computes."""

import re
from collections.abc import Mapping

from strata.artifacts.activations import LayerInfo

# Kinds of modules, as PyTorch names them -> the field's words for them. Others keep their names.
WORDS = {
    "Conv1d": "convolution",
    "Conv2d": "convolution",
    "Linear": "linear layer",
    "MaxPool2d": "max pooling",
    "AvgPool2d": "average pooling",
    "AdaptiveAvgPool2d": "average pooling",
    "BatchNorm2d": "batch normalization",
    "LayerNorm": "layer normalization",
    "LogSoftmax": "log-softmax",
    "Softmax": "softmax",
    "Sequential": "block",
    "Identity": "",
}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

ROUNDED = {"float32": "", "float16": "rounded to float16"}


def layer_notes(infos: Mapping[str, LayerInfo], summary: str) -> dict[str, str]:
    """Return for each layer such a text as "second ReLU, 50 maps of 8 × 8".

    The kinds come from the table of network.txt, `summary`; where a layer is not in it, only the shape is said.
    """
    kinds = _kinds(summary)
    notes = {}
    for name, info in infos.items():
        parts = (info.taken or kinds.get(name, ""), _shape_words(info.shape), ROUNDED[info.dtype])
        notes[name] = ", ".join(part for part in parts if part)
    return notes


def _kinds(summary: str) -> dict[str, str]:
    """Return layer -> its kind, with its place among all of this kind if there are several."""
    rows = [re.split(r" {2,}", line.rstrip()) for line in summary.partition("\n\n")[0].splitlines()[2:]]
    modules = [row for row in rows if len(row) == 5]
    of_kind = [row[2] for row in modules]
    found = {}
    for place, (layer, _, kind, *_) in enumerate(modules):
        number, total = of_kind[: place + 1].count(kind), of_kind.count(kind)
        word = WORDS.get(kind, kind)
        if layer and word:
            found[layer] = f"{_ordinal(number)} {word}" if total > 1 else word
        elif layer:
            found[layer] = "the images as the network sees them" if place == 0 else ""
    return found


def _ordinal(number: int) -> str:
    return ORDINALS[number - 1] if number <= len(ORDINALS) else f"no. {number}"


def _shape_words(shape: tuple[int, ...]) -> str:
    """Return the shape of a layer in words: maps with their sides, or units."""
    if len(shape) == 3 and shape[0] > 1:
        return f"{shape[0]} maps of {shape[1]} × {shape[2]}"
    if len(shape) == 1:
        return f"{shape[0]:,} units"
    return " × ".join(map(str, shape[1:] if len(shape) == 3 else shape))
