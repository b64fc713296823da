"""What measures and figures need of a run, why a run lacks it, and the sentences that name what is left out.

Each measure and figure lists its needs. What is left out is decided here, and nowhere else.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from strata.dataset.description import DatasetDescription


class Need(StrEnum):
    """What a measure or a figure needs besides activations; where that does not exist, it is left out."""

    LABELS = "labels"  # classes; measures that need them are also taken with shuffled labels
    TRAINING_IMAGES = "training images"
    PREDICTIONS = "predictions"  # the class that the network predicts
    IMAGES = "images"
    MAP = "the layer's map"
    NEXT_LAYER = "the next layer"
    ALL_PAIRS = "all pairs of points"


NO_CLASSES = {
    "none": "the data has no labels",
    "values": "the data has numbers to predict, and no classes",
    "multi-label": "the data has several labels per sample, and no classes",
}
NO_IMAGES = {"numbers": "the data are numbers, and no images", "tokens": "the data are tokens, and no images"}
NO_TRAINING = "there are no training samples"
NO_PREDICTIONS = "the network predicts no classes"

Lacking = Mapping[Need, str]
NOTHING: Lacking = MappingProxyType({})


def lacking(dataset: DatasetDescription, predicts_classes: bool) -> dict[Need, str]:
    """Return what a run lacks in every layer -> why, for people; empty for labelled images and a classifier."""
    reasons = {Need.LABELS: NO_CLASSES[dataset.targets]} if dataset.targets in NO_CLASSES else {}
    if not dataset.counts["train"]:
        reasons[Need.TRAINING_IMAGES] = NO_TRAINING
    if not dataset.has_images:
        reasons[Need.IMAGES] = NO_IMAGES[dataset.inputs]
    return reasons if predicts_classes else {**reasons, Need.PREDICTIONS: NO_PREDICTIONS}


def is_there(needs: Iterable[Need], lacks: Lacking) -> bool:
    """Return whether all the needs are there."""
    return not any(need in lacks for need in needs)


def left_out(named: Iterable[tuple[str, Iterable[Need]]], lacks: Lacking) -> list[str]:
    """Return one sentence per reason that lists what is left out for it; `named` are titles and their needs."""
    groups: dict[str, list[str]] = {}
    for title, needs in named:
        if reasons := dict.fromkeys(lacks[need] for need in needs if need in lacks):
            groups.setdefault("; ".join(reasons), []).append(title)
    return [f"left out: {', '.join(titles)} ({reasons})" for reasons, titles in groups.items()]
