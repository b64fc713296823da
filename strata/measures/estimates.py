"""From the jobs' results to estimates: every measure of the registry, of every layer and control, with its interval."""

from collections.abc import Iterator, Mapping

import numpy as np

from strata.artifacts.measured import SHUFFLED, TRAINED
from strata.artifacts.needs import Need
from strata.measures.influence import Influences
from strata.measures.intervals import Estimate
from strata.measures.plan import Plan
from strata.measures.registry import MEASURES
from strata.measures.results import LayerResults, Results
from strata.measures.space_files import POINTS, SPACES

MEASURE_NEEDS = {measure.key: measure.needs for measure in MEASURES}

# (layer, measure, control) -> estimate
Estimates = Mapping[tuple[str, str, str], Estimate]


def all_estimates(plan: Plan, results: Results) -> Estimates:
    """Return every measure of every layer, of the trained network and under each control that it exists under."""
    return {
        (layer, measure, control): estimate
        for space in SPACES
        for control in plan.controls_in(space)
        for layer in plan.layers
        for measure, estimate in measures_of(layer_results(plan, results, space, layer, control), control)
    }


def estimates_of_networks(plan: Plan, results: Results) -> Estimates:
    """Return the measures of every network that was trained; their space stands for a control.

    Without what needs a map.
    """
    return {
        (layer, measure, space): estimate
        for space in (TRAINED, *plan.replicates)
        for layer in plan.layers
        for measure, estimate in measures_of(layer_results(plan, results, space, layer, space), space)
        if not (space == TRAINED and Need.MAP in MEASURE_NEEDS[measure])
    }


def estimates_over_training(plan: Plan, results: Results) -> Estimates:
    """Return the measures of the weights kept in training; their space, such as 'after 1 epochs', stands for a control.

    Without what needs a map, the next layer, or all pairs of points.
    """
    return {
        (layer, measure, space): estimate
        for space in plan.earlier
        for layer in plan.layers
        for measure, estimate in measures_of(layer_results(plan, results, space, layer, space), space)
    }


def measures_of(layer: LayerResults, control: str) -> Iterator[tuple[str, Estimate]]:
    """Yield key and estimate of the measures whose needs are there: of labels only, where these are shuffled."""
    for measure in MEASURES:
        if layer.lacks.intersection(measure.needs) or (control == SHUFFLED and Need.LABELS not in measure.needs):
            continue
        estimate = measure.estimate(layer)
        if estimate is not None:
            yield measure.key, estimate


def layer_results(plan: Plan, results: Results, space: str, layer: str, control: str) -> LayerResults:
    """Return what is known of a layer of a space, with the labels of a control.

    Layers are compared with each other, and points by all pairs, in the spaces of SPACES only; layers that share a
    random projection are not compared.
    """
    place = plan.layers.index(layer)
    sums = results.gram_sums.get(space)
    following = plan.layers[place + 1 : place + 2] if sums is not None else []
    if following and plan.same_projection(space, layer, following[0]):
        following = []  # they have all neighbours in common by construction
    labels, geometry = plan.labels_in(space), results.geometries[space, layer]
    return LayerResults(
        known_labels=labels[control].points if labels else None,
        halves=plan.halves,
        known_readout=results.readouts[space, layer][control] if plan.reads else None,
        geometry=geometry,
        next_geometry=results.geometries[space, following[0]] if following else None,
        own_gram_sums=None if sums is None else sums.of_layer(place),
        divergence=results.divergences.get(layer) if space == TRAINED else None,
        class_dimensions=geometry.class_dimensions[control] if labels else np.empty((0, 1)),
        votes_before=[results.readouts[space, each][control].votes for each in plan.layers[:place]]
        if plan.reads
        else [],
        predicted=plan.predicted if plan.held_out == POINTS and space not in plan.replicates else None,
        imbalances=_imbalances(results, space, layer, following[0]) if following else None,
    )


def _imbalances(results: Results, space: str, layer: str, following: str) -> tuple[Influences, Influences]:
    return results.imbalances[space, layer, following], results.imbalances[space, following, layer]
