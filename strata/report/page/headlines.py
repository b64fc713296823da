"""Findings: sentences computed from a run's tables, each with its interval and control, and what it shows on the maps.

A finding is left out where its 95% interval includes "no difference", and where its tables have no such row.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.measured import TRAINED, UNTRAINED, SampleDecisions, commit_names
from strata.report.page.headline import Headline, course_of, share_of
from strata.report.page.inputs import ReportInputs
from strata.report.page.pair_steps import parting_pair, widened

SHOWN = 5
SURE = 0.9  # a mistake that is surer than this is a sure one


def headlines(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Return the findings of a run, at most five, as values for JSON."""
    found = [headline for row in HEADLINES if (headline := row(inputs))]
    return [asdict(headline) for headline in found[:SHOWN]]


def pair_parts(inputs: ReportInputs) -> Headline | None:
    """The pair of classes that is mixed most in the first layer, and the step at which it parts."""
    layers, names = list(inputs.maps), inputs.dataset.classes
    step = parting_pair(inputs)
    if step is None or not step.rise.low > 0:
        return None
    first, second = names[step.classes[0]], names[step.classes[1]]
    here, there = layers[step.place], layers[step.place + 1]
    twin, control = "", ""
    if step.untrained is not None and step.untrained_rise is not None:
        own = step.untrained_rise
        more = own.change_to(step.rise)
        twin = "" if more is not None and more.low > 0 else " Untrained, that step is not clearly smaller."
        control = (
            f" Control, untrained twin: {_percents(step.untrained)}%; over the same step {100 * own.value:+.0f} points,"
            f" interval {100 * own.low:+.0f} to {100 * own.high:+.0f}."
        )
    return Headline(
        key="pair",
        sentence=f"{first} and {second} part between {here} and {there}. Neighbours of the right class, from"
        f" {layers[0]} to {layers[-1]}: {_percents(step.course)}%.{twin}",
        sure=f"From {here} to {there} the pair rises by {100 * step.rise.value:.0f} points, interval"
        f" {100 * step.rise.low:.0f} to {100 * step.rise.high:.0f}, widened for the choice of the largest of"
        f" {len(layers) - 1} steps. Of the neighbours in one of the two classes, the share in the right one: 100%"
        f" apart, 50% mixed.{control}",
        layer=there,
        classes=list(step.classes),
        values=[float(value) for value in step.course],
    )


def _percents(course: NDArray[np.float64]) -> str:
    return ", ".join(f"{100 * value:.0f}" for value in course)


def dimension_changes(inputs: ReportInputs) -> Headline | None:
    """How the intrinsic dimension of the last layer differs from the first one's, and whether training did it."""
    trained, twin = (course_of(inputs, "intrinsic_dimension", control) for control in (TRAINED, UNTRAINED))
    ends = [layer for layer in inputs.maps if layer in trained]
    if len(ends) < 2:
        return None
    first, last = trained[ends[0]], trained[ends[-1]]
    change = first.change_to(last)
    if change is None or change.low <= 0 <= change.high:
        return None
    verb = "fall" if change.value < 0 else "rise"
    untrained, control = "", ""
    if ends[0] in twin and ends[-1] in twin:
        before, after = twin[ends[0]], twin[ends[-1]]
        other = before.change_to(after)
        same_way = other is not None and (other.high < 0 if change.value < 0 else other.low > 0)
        apart = other.change_to(change) if other is not None else None
        less = apart is not None and (apart.high < 0 if change.value < 0 else apart.low > 0)
        untrained = (
            f" Untrained, it does not clearly {verb}."
            if not same_way
            else f" Untrained, only to {after.value:.1f}."
            if less
            else f" Untrained, to {after.value:.1f}, too."
        )
        control = f" Control, untrained twin: {before} to {after}."
    return Headline(
        key="dimension",
        sentence=f"The number of directions in which the {inputs.things} vary {verb}s from {first.value:.1f} at"
        f" {ends[0]} to {last.value:.1f} at {ends[-1]}.{untrained}",
        sure=f"Intrinsic dimension (TwoNN), 95% intervals over half samples: {first} to {last}; the change is"
        f" {change.value:+.1f}, {change.low:+.1f} to {change.high:+.1f}.{control}",
        layer=ends[-1],
        colour="label",
        values=[first.value, last.value],
    )


def mistakes(inputs: ReportInputs) -> Headline | None:
    """How many samples the network gets wrong, and how many of these it is sure of."""
    samples = inputs.samples
    if samples.label is None or samples.predicted is None or samples.confidence is None:
        return None
    wrong = samples.predicted != samples.label
    count, total = int(wrong.sum()), len(wrong)
    if not count:
        return None
    sure = int((samples.confidence[wrong] > SURE).sum())
    share = share_of(count, total)
    layers = list(inputs.maps)
    likely = np.bincount(samples.label.astype(np.intp)).max() / total
    return Headline(
        key="mistakes",
        sentence=f"The network gets {count:,} of {total:,} {inputs.things} wrong, {sure:,} of them while more than"
        f" {SURE:.0%} sure.",
        sure=f"{share.value:.1%} wrong, 95% interval (Wilson) {share.low:.1%} to {share.high:.1%}. Control: to name"
        f" the most frequent class always is wrong in {1 - likely:.0%}.",
        layer=layers[-1],
        colour="correct",
        kept="wrong",
        values=[count, sure],
    )


def decided_early(inputs: ReportInputs) -> Headline | None:
    """Which share of the samples is decided at the first layer already, and where most of the others are."""
    layers, decisions, labels = list(inputs.maps), inputs.measures.decisions, inputs.samples.label
    if not isinstance(decisions, SampleDecisions) or labels is None or not len(decisions.commit_layer):
        return None
    commit = decisions.commit_layer
    names, counts = commit_names(layers), np.bincount(commit, minlength=len(layers) + 1)
    early = share_of(int(counts[0]), len(commit))
    later = int(counts[1:].argmax()) + 1
    where = f"at {names[later]}" if later < len(layers) else names[later]
    rest = f" The others decide later, most often {where} ({counts[later]:,})." if counts[later] else ""
    chance = np.bincount(labels.astype(np.intp)).max() / len(labels)
    if early.low <= chance:
        return None
    return Headline(
        key="decided",
        sentence=f"{counts[0] / len(commit):.0%} of the {inputs.things} are decided at {layers[0]}: from there on,"
        f" their neighbours vote as the network will.{rest}",
        sure=f"{counts[0]:,} of {len(commit):,}, 95% interval (Wilson) {early.low:.1%} to {early.high:.1%}. The vote is"
        f" the most frequent label among the neighbours in a layer."
        f" Control: chance is {chance:.0%}.",
        layer=layers[min(later, len(layers) - 1)],
        colour="commit",
        values=[float(counts[0] / len(commit)), float(counts[later])],
    )


def worst_map(inputs: ReportInputs) -> Headline | None:
    """The map that is to be trusted least, by its kNN recall."""
    course = course_of(inputs, "map_recall", TRAINED)
    if not course:
        return None
    layer = min(course, key=lambda name: course[name].value)
    best = max(course, key=lambda name: course[name].value)
    pairs = len(course) * (len(course) - 1) // 2
    change = course[layer].change_to(course[best])
    if layer == best or change is None:
        return None
    change = widened(change, pairs)
    if change.low <= 0:
        return None
    k = int(next(iter(inputs.measures.points.values())).neighbours.shape[1])
    chance = k / max(1, len(inputs.measures.rows) - 1)
    return Headline(
        key="map",
        sentence=f"Trust the map of {layer} least: of the {k} nearest on it, {course[layer].value:.0%} are among the"
        f" {k} nearest in the layer. The best is {best}: {course[best].value:.0%}.",
        sure=f"kNN recall, 95% intervals: {layer} {course[layer].percent}, {best}"
        f" {course[best].percent}; apart by {100 * change.value:.0f} points, interval {100 * change.low:.0f} to"
        f" {100 * change.high:.0f}, widened for the choice among {pairs} pairs of layers. Control: by"
        f" chance {chance:.1%}.",
        layer=layer,
        colour="trust",
        values=[course[layer].value, course[best].value],
    )


def like_neighbours(inputs: ReportInputs) -> Headline | None:
    """How much more the neighbours in the last layers share a label than in the untrained twin."""
    trained, twin = (course_of(inputs, "neighbourhood_hit", control) for control in (TRAINED, UNTRAINED))
    both = [layer for layer in trained if layer in twin]
    if not both:
        return None
    layer = max(both, key=lambda name: trained[name].value)
    change = twin[layer].change_to(trained[layer])
    if change is None or widened(change, len(both)).low <= 0:
        return None
    return Headline(
        key="hit",
        sentence=f"At {layer}, {trained[layer].value:.0%} of a sample's neighbours have its label; in the untrained"
        f" network {twin[layer].value:.0%}.",
        sure=f"Neighbourhood hit, 95% intervals: {trained[layer].percent} against"
        f" {twin[layer].percent} in the control.",
        layer=layer,
        values=[trained[layer].value, twin[layer].value],
    )


# In the order in which they are shown; the first five that a run has.
HEADLINES: tuple[Callable[[ReportInputs], Headline | None], ...] = (
    pair_parts,
    dimension_changes,
    mistakes,
    decided_early,
    worst_map,
    like_neighbours,
)
