"""What maps start from: the principal components of one layer for all maps, or of each map's own layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.maps import MapMethod
from strata.core import streams
from strata.core.errors import StrataError, in_short, listed
from strata.maps.embedder import INITIAL_DEVIATION, initial_map
from strata.maps.pca import principal_components

OWN = "own"  # in embed.initialization_layer: each map starts from its own layer
DRAWN = "The layer varies in one direction only, so the second axis of the map's start is random."
LEAST_SHARE = 1e-6  # of the first axis's deviation: an axis with less is rounding


@dataclass(frozen=True)
class MapStart:
    """A map's start: points (n, 2), what `embed.initialization_layer` says, and whether one axis had to be drawn."""

    points: NDArray[np.float64]
    choice: str
    drawn: bool = False

    def described(self, method: MapMethod) -> MapMethod:
        """Return the description of a map with its start: a sentence for captions, and the parameter's value."""
        settings = {**method.settings, "initialization_layer": self.choice}
        details = f"{method.details} {DRAWN}" if self.drawn else method.details
        return replace(method, details=details, start=start_sentence(self.choice), settings=settings)


def start_sentence(choice: str) -> str:
    """Return a sentence on what a choice of start means for maps, and what it costs: docs/decisions.md has figures."""
    if choice == OWN:
        return (
            "Each map starts from the principal components of its own layer; the cost is that groups change places, or"
            " are mirrored, more often from one map to the next."
        )
    return (
        f"All maps start from the principal components of layer {choice}, which keeps groups in place from map to map;"
        " the cost is that, in layers far from it, distances between groups on the map follow the layer less closely."
    )


def check_choice(choice: str, layers: Sequence[str], params: Path) -> None:
    """Raise StrataError unless `choice` is the name of one of the layers, or `own` where no layer has that name."""
    key = f"{params}: embed.initialization_layer '{in_short(choice, 40)}'"
    if choice == OWN and OWN in layers:
        raise StrataError(f"{key} could mean the layer of that name or each map's own layer: rename the layer")
    if choice != OWN and choice not in layers:
        raise StrataError(f"{key} is not among the layers ({listed(layers, 60)}), nor is it '{OWN}'")


def common_start(values: NDArray[np.float32], layer: str, seed: int) -> MapStart:
    """Return the start of all maps, from the values (n, k) of the layer that `embed.initialization_layer` names.

    Raises StrataError as `initial_map` does.
    """
    return MapStart(initial_map(values, seed), layer)


def own_start(values: NDArray[np.float32], seed: int) -> MapStart:
    """Return the start of one map from its own layer's values (n, k), which must not all be equal.

    Where they vary in one direction only, such as the two probabilities of two classes, the second axis is drawn at
    random, with a hundredth of the first one's deviation: from a line, t-SNE would never leave the line.
    """
    scores = principal_components(values, 2, seed).astype(np.float64)
    scores = scores / scores[:, 0].std() * INITIAL_DEVIATION
    drawn = scores.shape[1] < 2 or bool(scores[:, 1].std() <= LEAST_SHARE * INITIAL_DEVIATION)
    if drawn:
        second = streams.start_axis(seed).standard_normal(len(scores)) * INITIAL_DEVIATION / 100
        scores = np.column_stack([scores[:, 0], second])
    return MapStart(scores, OWN, drawn)
