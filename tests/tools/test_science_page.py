"""Published findings beside ours: verdicts on made-up tables, and the committed page against the committed tables."""

import pandas as pd
import pytest

from strata.artifacts.measured import TRAINED, UNTRAINED
from tests.tiny_pipeline import ROOT
from tools.science_page import (
    Tables,
    agreement,
    collapse,
    dimension_hunchback,
    layers_identified,
    outside_sentence,
    probes_rise,
    read_tables,
    science_page,
)

LAYERS = ["input", "h1", "h2", "out"]


def tables_of(values, identified=None, networks=1):
    """Return tables from (measure, control) -> values by layer; intervals are 0.1 wide on either side."""
    rows = [
        (layer, measure, value, value - 0.1, value + 0.1, control)
        for (measure, control), by_layer in values.items()
        for layer, value in zip(LAYERS, by_layer, strict=True)
    ]
    measures = pd.DataFrame(rows, columns=["layer", "measure", "value", "low", "high", "control"])
    every = pd.concat([measures.assign(network=number) for number in range(1, networks + 1)])
    metrics = {"points": 10} | ({} if identified is None else {"layers_identified": identified})
    return Tables(measures, every.drop(columns="control"), metrics, {"test_accuracy": 0.5}, LAYERS)


@pytest.mark.parametrize(
    ("trained", "untrained", "verdict"),
    [
        ([5, 9, 4, 2], [5, 6, 7, 3], "agrees"),
        ([9, 7, 4, 2], [5, 6, 7, 3], "agrees in part: no rise"),
        ([5, 5.1, 5, 5], [5, 5, 5, 3], "does not agree: no rise, no fall, the untrained dimension does not stay high"),
    ],
)
def test_a_dimension_that_rises_and_falls(trained, untrained, verdict):
    tables = tables_of({("intrinsic_dimension", TRAINED): trained, ("intrinsic_dimension", UNTRAINED): untrained})
    assert dimension_hunchback(tables).verdict == verdict


@pytest.mark.parametrize(
    ("trained", "untrained", "verdict"),
    [
        ([0.5, 0.7, 0.9, 0.9], [0.5, 0.6, 0.5, 0.2], "agrees"),
        ([0.5, 0.9, 0.6, 0.9], [0.5, 0.6, 0.5, 0.2], "agrees in part: it falls on the way"),
        ([0.5, 0.7, 0.9, 0.9], [0.5, 0.7, 0.9, 0.9], "agrees in part: the untrained network does as well"),
        ([0.5, 0.5, 0.5, 0.55], [0.5, 0.5, 0.5, 0.1], "agrees in part: no rise"),
    ],
)
def test_probes_that_rise(trained, untrained, verdict):
    tables = tables_of({("probe_accuracy", TRAINED): trained, ("probe_accuracy", UNTRAINED): untrained})
    assert probes_rise(tables).verdict == verdict


def test_collapse_is_that_of_the_last_hidden_layer_against_the_untrained_one():
    measures = ("collapse_variability", "collapse_norms", "collapse_angles", "collapse_duality")
    less = {(measure, TRAINED): [9, 9, 0.1, 9] for measure in measures}
    more = {(measure, UNTRAINED): [0, 0, 0.5, 0] for measure in measures}
    assert collapse(tables_of(less | more)).verdict.startswith("agrees in direction")
    equal = more | {("collapse_norms", UNTRAINED): [0, 0, 0.2, 0]}
    assert collapse(tables_of(less | equal)).verdict == "agrees in part: NC2, norms does not fall"


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1.0, "agrees"), (0.5, "does not agree: some layers are mistaken for others"), (None, "not tested")],
)
def test_layers_are_identified_or_not(share, verdict):
    found = layers_identified(tables_of({("zero_share", TRAINED): [0, 0, 0, 0]}, share, networks=3))
    assert found.verdict == verdict
    assert share is None or f"{share:.0%} of 18 cases: 3 layers of 3 networks" in found.here


def test_values_of_other_networks_outside_the_interval_are_counted():
    tables = tables_of({("zero_share", TRAINED): [0.3, 0.3, 0.3, 0.3]}, networks=2)
    others = tables.networks["network"] == 2
    tables.networks.loc[others, "value"] = [0.3, 0.39, 0.41, 0.1]
    assert "2 of 4 values of the other networks" in outside_sentence(tables)
    one = tables_of({("zero_share", TRAINED): [0.3] * 4})
    assert outside_sentence(one) == "Only one network was trained here."


def test_a_verdict_names_what_is_missing():
    assert agreement([True, True], ["a", "b"]) == "agrees"
    assert agreement([True, False], ["a", "b"]) == "agrees in part: b"
    assert agreement([False, False], ["a", "b"]) == "does not agree: a, b"


def test_the_page_is_that_of_the_committed_tables():
    page = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    assert page == science_page(read_tables(ROOT / "reports")), "run `python -m tools.science_page`"
