"""Sentences that state what was found: each is made from a run's tables, and so holds for them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from strata.artifacts.measured import TRAINED, commit_names
from strata.report.figures.networks import network_pairs
from strata.report.page.inputs import ReportInputs


def recall_sentence(inputs: ReportInputs) -> str:
    """Return how many neighbours on each layer's map are neighbours in the layer."""
    table, k = inputs.measures.table, neighbour_count(inputs)
    rows = table[(table["measure"] == "map_recall") & (table["control"] == TRAINED)].set_index("layer")["value"]
    shares = ", ".join(f"{layer} {rows[layer]:.0%}" for layer in inputs.maps if layer in rows.index)
    return (
        f"How many of a sample's {k} nearest on the map are among its {k} nearest in the layer, on average"
        f" (kNN recall{_among_measured(inputs)}): {shares}."
    )


def start_of(inputs: ReportInputs) -> str:
    """Return what the maps start from and what that costs, with a space after it; empty where it is not recorded."""
    return f"{inputs.method.start} " if inputs.method.start else ""


def commit_sentence(inputs: ReportInputs) -> str:
    """Return which share of the measured samples commits at each layer."""
    layers, commit = list(inputs.maps), inputs.measures.decided.commit_layer
    names = commit_names(layers)
    shares = np.bincount(commit, minlength=len(names)) / max(1, len(commit))
    later = [f"{name} {share:.1%}" for name, share in zip(names[1:], shares[1:], strict=True) if share]
    return (
        f"{shares[0]:.1%} of {len(commit):,} samples have, already at {layers[0]}, neighbours whose most frequent label"
        " is the class that the network will predict, and so at every later layer"
        + (f"; the others commit later: {', '.join(later)}." if later else ".")
    )


def networks_sentence(inputs: ReportInputs) -> str:
    """Return what the other kind of spread is, over networks; empty where only one was trained."""
    count = inputs.measures.networks["network"].nunique()
    if count < 2:
        return ""
    return (
        f" Hatched: the range over {count} networks, trained alike from different seeds; it is no interval, and grows"
        " with their number."
    )


def outside_sentence(inputs: ReportInputs) -> str:
    """Return how often another network's value lies outside the first one's 95% interval; empty without others."""
    outside = outside_first_interval(inputs.measures.networks)
    if outside.empty:
        return ""
    return (
        f"{outside.sum():,} of {len(outside):,} values of the other networks ({outside.mean():.0%}) lie outside the 95%"
        " interval of the first: an interval over samples says nothing about other seeds."
    )


def outside_first_interval(networks: pd.DataFrame) -> pd.Series:
    """Return for each value of networks 2, 3, ... whether it lies outside network 1's 95% interval.

    Only for measures and layers that have such an interval; not for shares that are all 0 or 1.
    """
    table = networks.set_index(["measure", "layer"])
    first, others = table[table["network"] == 1], table[table["network"] != 1]
    bounds = first[["low", "high"]].set_axis(["first_low", "first_high"], axis=1)
    both = others.join(bounds).dropna(subset=["first_low", "first_high"])
    both = both[both["first_low"] < both["first_high"]]
    return (both["value"] < both["first_low"]) | (both["value"] > both["first_high"])


def identified_sentence(inputs: ReportInputs) -> str:
    """Return how often a layer's most similar layer in another network is the same one; empty without others."""
    layers = [layer for layer in inputs.maps if layer in _compared_layers(inputs.measures.between)]
    pairs = network_pairs(inputs.measures.between, layers)
    if not pairs:
        return ""
    hits = sum(
        int(column) == row
        for matrix in pairs
        for both in (matrix, matrix.T)
        for row, column in enumerate(np.nan_to_num(both, nan=-np.inf).argmax(axis=1))
    )
    total = 2 * len(pairs) * len(layers)
    return (
        f"Of all layers of another network, the same one is most alike in {hits} of {total} cases ({hits / total:.0%}),"
        " by CKA."
    )


def _compared_layers(between: pd.DataFrame) -> set[str]:
    """Return the layers that are not equal by construction in two networks."""
    return set(between.loc[between["measure"] == "mutual_neighbours", "layer"])


def stability_meaning(inputs: ReportInputs) -> str:
    """Return what the agreement of random starts is: of other maps than those that it colours."""
    table = inputs.measures.stability
    runs, points = int(table["runs"].max()), int(table["points"].max())
    perplexities = [f"{each:g}" for each in sorted(table["perplexity"].dropna().unique())]
    over = f", over perplexities {_listed(perplexities)}" if len(perplexities) > 1 else ""
    over = f", at perplexity {perplexities[0]}" if len(perplexities) == 1 else over
    return f"agreement of {runs} random starts of {inputs.method.title} on {points:,} of the points{over}"


def measured_set(inputs: ReportInputs) -> str:
    """Return which of the mapped images are measured, and against which; empty where all are."""
    measured, mapped = len(inputs.measures.rows), len(inputs.samples)
    if measured == mapped:
        return ""
    return (
        f"Of {mapped:,} mapped {inputs.things} {measured:,} are measured: votes, commit layers, trust and drift, like"
        f" the measures by depth, come from neighbours among these {measured:,}. Rings are around a sample's"
        f" {neighbour_count(inputs)} nearest among all {mapped:,}."
    )


def kl_sentence(inputs: ReportInputs, layer: str) -> str:
    """Return the KL divergence of a layer's map, with how it is computed; empty where it was not measured."""
    table = inputs.measures.table
    rows = table[(table["measure"] == "map_kl_divergence") & (table["layer"] == layer)]
    if rows.empty:
        return ""
    return (
        f"KL divergence {rows['value'].iloc[0]:.3f}, by the exact sum over all pairs of points; it does not compare"
        " across layers."
    )


def neighbour_count(inputs: ReportInputs) -> int:
    """Return how many neighbours of each point are measured."""
    return int(next(iter(inputs.measures.points.values())).neighbours.shape[1])


def shared_projections(cka: pd.DataFrame, layers: Sequence[str], control: str) -> bool:
    """Return whether some pairs of layers are not compared under a control, as they share one projection."""
    return len(cka[cka["control"] == control]) < len(layers) ** 2


def _among_measured(inputs: ReportInputs) -> str:
    measured, mapped = len(inputs.measures.rows), len(inputs.samples)
    return "" if measured == mapped else f", among the {measured:,} measured of {mapped:,} mapped {inputs.things}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
