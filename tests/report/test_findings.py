"""Sentences that state findings, against the tables of a tiny run; and captions, against claims that no table makes."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from strata.artifacts.measured import COMMIT_DEFINITION, read_decisions, read_points
from strata.artifacts.run import RunArtifacts
from strata.core.paths import Paths
from strata.maps.start import start_sentence
from strata.maps.tsne import Tsne
from strata.report.page.figure_list import missing_figures, report_figures
from strata.report.page.findings import (
    commit_sentence,
    identified_sentence,
    kl_sentence,
    measured_set,
    networks_sentence,
    outside_sentence,
    recall_sentence,
    stability_meaning,
    start_of,
)
from strata.report.page.inputs import load_report_inputs
from strata.report.page.map_figures import TRAINING_FIGURES
from strata.report.page.payload import run_payload
from strata.report.params import ReportParams
from tests.tiny_pipeline import MEASURED, TINY_PARAMS

LAYERS = ["input", "h4", "h6"]


@pytest.fixture(scope="module")
def inputs(tiny_run):
    run = RunArtifacts(Paths.of(tiny_run / "data", tiny_run / "reports"), tiny_run / "params.yaml")
    return load_report_inputs(run, 0)


@pytest.fixture(scope="module")
def table(tiny_run):
    rows = pd.read_csv(tiny_run / "reports/measures.csv")
    return rows[rows["control"] == "none"].set_index(["measure", "layer"])["value"]


@pytest.fixture(scope="module")
def captions(inputs):
    return {figure.name: figure.caption for figure, _ in report_figures(inputs, ReportParams(**TINY_PARAMS["report"]))}


def test_recall_is_each_layers_own(inputs, table, captions):
    sentence = recall_sentence(inputs)
    found = dict(re.findall(r"(\w+) (\d+%)", sentence.split("):")[1]))
    assert found == {layer: f"{table['map_recall', layer]:.0%}" for layer in LAYERS}
    assert f"among the {MEASURED} measured of 40 mapped images" in sentence
    assert sentence in captions["maps"]


def test_the_maps_captions_say_the_start_and_its_cost(inputs, captions):
    assert start_sentence("input") in captions["maps"] and captions["maps"].count("start from") == 1
    over_training = next(row for row in TRAINING_FIGURES if row.name == "maps_over_training")
    assert over_training.caption(inputs, {}).count(start_sentence("input") + " Each map is turned") == 1
    assert run_payload(inputs, np.arange(3), {}, "")["method"]["start"] == start_sentence("input")
    before = {layer: replace(each, method=replace(each.method, start="")) for layer, each in inputs.maps.items()}
    assert start_of(replace(inputs, maps=before)) == ""


def test_networks_outside_the_interval_are_counted(inputs, tiny_run, captions):
    table = pd.read_csv(tiny_run / "reports/networks.csv").set_index(["measure", "layer"])
    first = table[table["network"] == 1]
    counted = [
        not row["low"] <= value <= row["high"]
        for (measure, layer), row in first.iterrows()
        for number, value in table.loc[[(measure, layer)], ["network", "value"]].to_numpy()
        if number != 1 and np.isfinite(value) and row["low"] < row["high"]
    ]
    assert f"{sum(counted)} of {len(counted)} values of the other networks" in outside_sentence(inputs)
    assert outside_sentence(inputs) in captions["networks"]
    assert (
        "the range over 3 networks" in networks_sentence(inputs) and networks_sentence(inputs) in captions["measures"]
    )


def test_layers_are_identified_as_often_as_the_tables_say(inputs, tiny_run, captions):
    """By hand from the rows: for h4 and h6 of every network, the layer of another that is most alike."""
    rows = pd.read_csv(tiny_run / "reports/between_networks.csv", dtype={"network": str, "other_network": str})
    cka = {}
    for row in rows[rows["measure"] == "cka"].itertuples():
        cka[row.network, row.layer, row.other_network, row.other_layer] = row.value
        cka[row.other_network, row.other_layer, row.network, row.layer] = row.value
    hits = [
        max(("h4", "h6"), key=lambda other, a=first, b=second, one=layer: cka[a, one, b, other]) == layer
        for first in "123"
        for second in "123"
        if first != second
        for layer in ("h4", "h6")
    ]
    assert len(hits) == 12
    assert f"in {sum(hits)} of 12 cases" in identified_sentence(inputs)
    assert identified_sentence(inputs) in captions["networks"]
    metrics = json.loads((tiny_run / "reports/measures.json").read_text(encoding="utf-8"))
    assert metrics["layers_identified"] == round(sum(hits) / 12, 4)


def test_one_network_has_no_sentence_about_others(inputs):
    networks = inputs.measures.networks
    one = replace(
        inputs.measures, networks=networks[networks["network"] == 1], between=inputs.measures.between.iloc[:0]
    )
    alone = replace(inputs, measures=one)
    assert networks_sentence(alone) == outside_sentence(alone) == identified_sentence(alone) == ""
    assert any("only one: see `replicate.networks`" in line for line in missing_figures(alone))


def test_shares_of_commit_layers_are_those_of_the_samples(inputs, tiny_run, captions):
    commit = read_decisions(tiny_run / "data/measures/samples.parquet")[0].commit_layer
    sentence = commit_sentence(inputs)
    shares = {layer: np.mean(commit == place) for place, layer in enumerate(LAYERS)}
    assert sum(shares.values()) == pytest.approx(1)  # the last layer is the output: no sample commits after it
    assert sentence.startswith(f"{shares['input']:.1%} of {MEASURED} samples have, already at input, neighbours whose")
    later = dict(re.findall(r"(\w+) (\d+\.\d%)", sentence.partition("commit later:")[2]))
    assert later == {layer: f"{shares[layer]:.1%}" for layer in LAYERS[1:] if shares[layer]}
    assert sentence in captions["late_deciders"] and COMMIT_DEFINITION in captions["late_deciders"]


def test_where_all_commit_at_the_first_layer_no_other_is_named(inputs):
    decisions = inputs.measures.decisions
    at_once = replace(decisions, commit_layer=np.zeros_like(decisions.commit_layer))
    found = commit_sentence(replace(inputs, measures=replace(inputs.measures, decisions=at_once)))
    assert found.startswith("100.0% of") and found.endswith("at every later layer.")


def test_a_vote_of_the_output_is_the_prediction(inputs, tiny_run):
    votes = read_points(tiny_run / "data/measures/points/h6.parquet")[0].vote
    np.testing.assert_array_equal(votes, inputs.samples.predicted[inputs.measures.rows])


def test_agreement_of_random_starts_says_of_which_maps_it_is(inputs, tiny_run):
    stability = pd.read_csv(tiny_run / "reports/stability.csv")
    runs, points = stability["runs"].max(), stability["points"].max()
    expected = f"agreement of {runs} random starts of t-SNE on {points} of the points"
    assert stability_meaning(inputs) == f"{expected}, at perplexity 3"
    for perplexities, text in (([5.0, 30.0, 100.0], ", over perplexities 5, 30 and 100"), ([np.nan] * 3, "")):
        changed = replace(inputs.measures, stability=stability.assign(perplexity=perplexities))
        assert stability_meaning(replace(inputs, measures=changed)) == expected + text


def test_the_measured_set_is_named_where_it_is_not_all(inputs, captions):
    assert f"Of 40 mapped images {MEASURED} are measured" in measured_set(inputs)
    assert "nearest among all 40" in measured_set(inputs) and measured_set(inputs) in captions["measures"]
    everything = replace(inputs, measures=replace(inputs.measures, rows=np.arange(40)))
    assert measured_set(everything) == "" and "measured of" not in recall_sentence(everything)


def test_the_page_is_given_the_sentences(inputs):
    payload = run_payload(inputs, np.arange(40), {}, "")
    assert payload["findings"] == {"recall": recall_sentence(inputs), "measured": measured_set(inputs)}
    assert payload["stability_meaning"] == stability_meaning(inputs)
    assert (payload["measured"], payload["mapped"]) == (MEASURED, 40)


def test_one_divergence_is_shown_and_named(inputs, table, captions):
    for layer in LAYERS:
        assert kl_sentence(inputs, layer).startswith(
            f"KL divergence {table['map_kl_divergence', layer]:.3f}, by the exact"
        )
        assert captions[f"map_{layer}"].count("KL divergence") == 1
    without = inputs.measures.table[inputs.measures.table["measure"] != "map_kl_divergence"]
    assert kl_sentence(replace(inputs, measures=replace(inputs.measures, table=without)), "h4") == ""


def test_captions_claim_nothing_that_no_table_shows(captions):
    text = " ".join(captions.values())
    assert not re.search("mostly neighbours|vary less|never commit|mislabelled|hard for people", text)


def test_caveats_of_sizes_and_distances_are_the_sources():
    """Wattenberg et al. 2016: sizes "mean nothing", distances between clusters "might not mean anything"."""
    first = Tsne.caveats[0]
    assert (
        first == "How large a cluster is means nothing; how far clusters are from each other might not mean anything."
    )
