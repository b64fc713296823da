"""How alike the layers of networks are that differ in nothing but their seed: what of a layer is not an accident."""

from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.measures.intervals import SHARES, Estimate, from_influences
from strata.measures.neighbour_means import overlap_influences
from strata.measures.plan import Plan
from strata.measures.results import Results
from strata.measures.similarity import cka_influences, debiased_cka

COLUMNS = ("measure", "network", "layer", "other_network", "other_layer", "value", "low", "high")
CKA, MUTUAL_NEIGHBOURS, PROCRUSTES = "cka", "mutual_neighbours", "procrustes_distance"


def numbered(plan: Plan) -> dict[str, int]:
    """Return the spaces of the networks that were trained -> their numbers: 1 is the one that is mapped."""
    return {TRAINED: 1, **plan.replicates}


def between_networks_table(plan: Plan, results: Results) -> pd.DataFrame:
    """Return how alike layers are in two networks of different seeds, and in the first and its untrained twin.

    One row per measure, pair of networks and layer, and for CKA per pair of layers. Layers that are equal by
    construction, as the inputs are, are left out.
    """
    if not plan.replicates:
        return pd.DataFrame(columns=list(COLUMNS))
    cka = cka_influences(results.joint_gram_sums)
    names = {**{space: str(number) for space, number in numbered(plan).items()}, UNTRAINED: UNTRAINED}
    rows: list[tuple[object, ...]] = []

    def add(measure: str, networks: tuple[str, str], layers: tuple[str, str], found: Estimate) -> None:
        (first, second), (left, right) = networks, layers
        rows.append((measure, names[first], left, names[second], right, found.value, found.low, found.high))

    for networks in plan.network_pairs:
        first, second = networks
        for left in plan.layers:
            for right in plan.layers:
                if left != right or not plan.equal_by_construction(first, second, left):
                    influences = cka[_place(plan, first, left)][_place(plan, second, right)]
                    add(CKA, networks, (left, right), from_influences(influences))
        for layer in plan.layers:
            if not plan.equal_by_construction(first, second, layer):
                near, other = (results.geometries[space, layer].near for space in networks)
                shared = overlap_influences(near, other, plan.params.neighbours)
                add(MUTUAL_NEIGHBOURS, networks, (layer, layer), from_influences(shared, SHARES))
                distance = results.network_distances[layer, first, second]
                add(PROCRUSTES, networks, (layer, layer), Estimate(distance))
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("measure", kind="stable", ignore_index=True)


def layers_identified(plan: Plan, results: Results) -> float | None:
    """Return how often the layer of another network that is most like a layer is the same one; None for one network.

    By CKA, over all ordered pairs of networks and all layers but those that are equal by construction. Kornblith et al.
    2019, section 6.1: a measure of similarity that fails this cannot be trusted.
    """
    cka = debiased_cka(results.joint_gram_sums)
    hits = [
        hit
        for first, second in permutations(numbered(plan), 2)
        for hit in most_alike_is_same(
            cka[np.ix_(*([_place(plan, space, layer) for layer in _differing(plan)] for space in (first, second)))]
        )
    ]
    return float(np.mean(hits)) if hits else None


def most_alike_is_same(likeness: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return for each layer of a network (L,) whether, of the layers of another, the same is most alike (L, L)."""
    return np.nan_to_num(likeness, nan=-np.inf).argmax(axis=1) == np.arange(len(likeness))


def _differing(plan: Plan) -> list[str]:
    spaces = [space for space in numbered(plan) if space != TRAINED]
    return [layer for layer in plan.layers if not any((space, layer) in plan.same_as_trained for space in spaces)]


def _place(plan: Plan, space: str, layer: str) -> int:
    return plan.networks.index(space) * len(plan.layers) + plan.layers.index(layer)
