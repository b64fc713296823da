"""What the jobs return, by what they are about, and all that is known of one layer, which measures are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.needs import Need
from strata.measures.early_exit import ProbeVotes
from strata.measures.geometry import Geometry, MapGeometry
from strata.measures.gram import GramSums
from strata.measures.influence import Influences
from strata.measures.intrinsic_dimension import TwoNN
from strata.measures.readout import Readout
from strata.measures.stability import StabilityRuns

Known = TypeVar("Known")


@dataclass(frozen=True)
class Results:
    """The jobs' results.

    `readouts` by (space, layer) and then by control, `geometries` by (space, layer), `gram_sums` of all layers by
    space, `divergences` by layer, `stabilities` by (layer, perplexity), `mapped_neighbours` by layer, where not all
    mapped points are measured: neighbours (m, k) of the measured ones among all, as rows of all. `joint_gram_sums` are
    of all layers of all networks, in the order of `Plan.networks`; `network_distances` are Procrustes distances by
    (layer, space, other space). `imbalances` by (space, layer, layer before or after it).
    """

    readouts: dict[tuple[str, str], dict[str, Readout]]
    geometries: dict[tuple[str, str], Geometry]
    gram_sums: dict[str, GramSums]
    divergences: dict[str, float]
    stabilities: dict[tuple[str, float | None], StabilityRuns]
    joint_gram_sums: GramSums
    mapped_neighbours: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    network_distances: dict[tuple[str, str, str], float] = field(default_factory=dict)
    imbalances: dict[tuple[str, str, str], Influences] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerResults:
    """What is known of one layer in one space under one labelling; measures are functions of it.

    `known_labels` int (n,) are those of the measured points, if any, which `known_readout` needs, too; `halves` bool
    (n, 1 + r) are all points, then random halves. `divergence` is the KL divergence of the layer's map, if it was
    measured; `imbalances` are those towards the next layer and back; `class_dimensions` (C, 1 + r) the intrinsic
    dimension of each class, in the halves, too. `votes_before` are the probes' of the layers before it, `predicted`
    (t,) what the trained network predicts for the held-out images, where these are the measured points.
    """

    known_labels: NDArray[np.int16] | None
    halves: NDArray[np.bool_]
    known_readout: Readout | None
    geometry: Geometry
    next_geometry: Geometry | None = None
    own_gram_sums: GramSums | None = None
    divergence: float | None = None
    imbalances: tuple[Influences, Influences] | None = None
    class_dimensions: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 1)))
    votes_before: Sequence[ProbeVotes] = ()
    predicted: NDArray[np.int16] | None = None

    @property
    def lacks(self) -> set[Need]:
        """What is not there for a measure to use."""
        optional = {
            Need.LABELS: self.known_labels,
            Need.TRAINING_IMAGES: self.known_readout,
            Need.PREDICTIONS: self.predicted,
            Need.MAP: self.geometry.map,
            Need.NEXT_LAYER: self.next_geometry,
            Need.ALL_PAIRS: self.own_gram_sums,
        }
        return {need for need, value in optional.items() if value is None}

    @property
    def labels(self) -> NDArray[np.int16]:
        """The labels of the points (n,); ValueError where there are none."""
        return _needed(self.known_labels, Need.LABELS)

    @property
    def readout(self) -> Readout:
        """What is read from the layer; ValueError without labels."""
        return _needed(self.known_readout, Need.LABELS)

    @property
    def predictions(self) -> NDArray[np.int16]:
        """What the network predicts for the held-out images (t,); ValueError where that is not known."""
        return _needed(self.predicted, Need.PREDICTIONS)

    @property
    def neighbours(self) -> NDArray[np.int32]:
        """Each point's nearest neighbours (n, k) in the layer, as rows."""
        return self.geometry.neighbours

    @property
    def k(self) -> int:
        """How many of the nearest are a point's neighbours."""
        return self.geometry.k

    @property
    def near(self) -> NDArray[np.int32]:
        """Each point's nearest others (n, reach) in the layer, as rows: its neighbours, and some beyond."""
        return self.geometry.near

    @property
    def next_near(self) -> NDArray[np.int32]:
        """Each point's nearest others (n, reach) in the next layer; ValueError in the last layer."""
        return _needed(self.next_geometry, Need.NEXT_LAYER).near

    @property
    def next_neighbours(self) -> NDArray[np.int32]:
        """Each point's nearest neighbours (n, k) in the next layer; ValueError in the last layer."""
        return _needed(self.next_geometry, Need.NEXT_LAYER).neighbours

    @property
    def imbalance_to_next(self) -> Influences:
        """The information imbalance towards the next layer; ValueError in the last layer."""
        return _needed(self.imbalances, Need.NEXT_LAYER)[0]

    @property
    def imbalance_from_next(self) -> Influences:
        """The information imbalance of the next layer towards this one; ValueError in the last layer."""
        return _needed(self.imbalances, Need.NEXT_LAYER)[1]

    @property
    def dimensions(self) -> list[TwoNN]:
        """TwoNN of all points, then of each half (1 + r)."""
        return self.geometry.dimensions[: self.halves.shape[1]]

    @property
    def map(self) -> MapGeometry:
        """What the layer's map keeps of it; ValueError where there is no map."""
        return _needed(self.geometry.map, Need.MAP)

    @property
    def gram_sums(self) -> GramSums:
        """Sums of the layer's Gram matrix; ValueError where they were not computed."""
        return _needed(self.own_gram_sums, Need.ALL_PAIRS)


def _needed(value: Known | None, need: Need) -> Known:
    if value is None:
        raise ValueError(f"a measure that uses {need} has to list it in its needs")
    return value
