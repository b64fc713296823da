"""What is measured: layers, spaces, labels, points; and which layers and networks are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import PROJECTION, TRAINED, UNTRAINED
from strata.maps.params import EmbedParams
from strata.measures.labels import LabelledSets
from strata.measures.params import NumberedMeasureParams
from strata.measures.space_files import SPACES, SpaceFiles, WrittenSpace
from strata.measures.stability import Embedders


@dataclass(frozen=True)
class Plan:
    """What the jobs need: where the arrays are, the layers, parameters, labels by control, and the maps' points.

    `divergences` are the KL divergences of those maps that record them by the exact sum.

    `again` are the embedders of the stability runs; `earlier` the spaces of weights kept in training -> epochs, and
    `replicates` those of networks trained from other seeds -> number of the network. `rows` (n,) are the measured
    samples among all, `predicted` (n,) what the network predicts for them, if classes; `output` is the last layer,
    where that is the network's output. `labels` is empty where there are none. `projections` names the layer whose
    random projection each shares; `same_as_trained` are spaces and layers with the trained network's activations, which
    are not measured again; both are known once the networks have run. `subsets` bool (n, s) are all points,
    half-samples, then the parts of PARTS; `stability_rows` (m,) and `correlated` are rows of the measured samples.
    """

    files: SpaceFiles
    held_out: str
    layers: Sequence[str]
    params: NumberedMeasureParams
    embed: EmbedParams
    again: Embedders
    seed: int
    labels: Mapping[str, LabelledSets]
    rows: NDArray[np.intp]
    predicted: NDArray[np.int16] | None
    output: str | None
    activations: Mapping[str, Path]
    maps: Mapping[str, NDArray[np.float32]]
    divergences: Mapping[str, float]
    subsets: NDArray[np.bool_]
    stability_rows: NDArray[np.intp]
    correlated: NDArray[np.intp]
    projections: Mapping[str, str] = field(default_factory=dict)
    same_as_trained: frozenset[tuple[str, str]] = frozenset()
    earlier: Mapping[str, str] = field(default_factory=dict)
    replicates: Mapping[str, int] = field(default_factory=dict)

    def with_space(self, written: WrittenSpace) -> "Plan":
        """Return the plan with what is known since the arrays of a space were written."""
        same = self.same_as_trained | {(written.space, layer) for layer in written.same_as_trained}
        return replace(self, same_as_trained=same, projections={**self.projections, **written.projections})

    @property
    def halves(self) -> NDArray[np.bool_]:
        """The subsets (n, 1 + r) that are all points, or half-samples of them."""
        return self.subsets[:, : 1 + self.params.half_samples]

    @property
    def networks(self) -> list[str]:
        """The spaces whose layers are compared with each other: the trained network, its twin and its replicates."""
        return [TRAINED, UNTRAINED, *self.replicates]

    @property
    def network_pairs(self) -> list[tuple[str, str]]:
        """All pairs of networks that differ in their seed, then the trained network and its untrained twin."""
        seeds = [TRAINED, *self.replicates]
        return [*combinations(seeds, 2), (TRAINED, UNTRAINED)] if self.replicates else []

    def equal_by_construction(self, first: str, second: str, layer: str) -> bool:
        """Return whether two networks have the same activations in a layer, as in the input."""
        return all(space == TRAINED or (space, layer) in self.same_as_trained for space in (first, second))

    def same_projection(self, space: str, first: str, second: str) -> bool:
        """Return whether two layers are one and the same random projection in a space: comparing them says nothing."""
        return space == PROJECTION and self.projections[first] == self.projections[second]

    @property
    def compared(self) -> dict[tuple[str, str, str], tuple[str, str, str]]:
        """Every space, layer and next layer that are compared -> the same by the names of the arrays."""
        spaces = (*SPACES, *self.replicates)
        stored = {space: {layer: layer for layer in self.layers} for space in spaces}
        stored[PROJECTION] = dict(self.projections)
        return {
            (space, first, second): (space, stored[space][first], stored[space][second])
            for space in spaces
            for first, second in pairwise(self.layers)
            if not self.same_projection(space, first, second)
        }

    def labels_in(self, space: str) -> dict[str, LabelledSets]:
        """Return the labels by control that a space is measured with: only the trained network's are shuffled, too.

        Empty without labels.
        """
        if not self.labels or space == TRAINED:
            return dict(self.labels)
        return {space: self.labels[TRAINED]}

    @property
    def reads(self) -> bool:
        """Whether anything is read from the layers: there are labels, and training images to learn them from."""
        return bool(self.labels) and len(self.labels[TRAINED].reference) > 0

    def controls_in(self, space: str) -> list[str]:
        """Return the controls that a space is measured under: those of its labels, or itself without labels."""
        return list(self.labels_in(space)) or [space]
