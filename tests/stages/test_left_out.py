"""All stages without labels, and with a network without a head: what needs what is missing is left out, by name."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

import strata
from networks.encoder import Encoder
from stages import train
from strata.artifacts.measure_registry import read_registry
from strata.artifacts.measured import MeasuredSamples
from strata.artifacts.needs import Need
from strata.commands.compare import compared_page
from strata.commands.export import main as export
from strata.core.errors import StrataError
from tests.stages.whole_run import noisy_bars, run_stages, write_params

ENCODER = {
    "target": "torch.nn:Flatten",
    "arguments": {},
    "outputs": "features",
}
SMALL = {"target": "networks.mlp:Mlp", "arguments": {"hidden": [12, 6], "classes": 4}, "outputs": "logits"}


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """A run on 60 images without labels, with an untrained classifier of four classes of its own."""
    folder = tmp_path_factory.mktemp("unlabelled")
    np.save(folder / "images.npy", noisy_bars(60)[0])
    layers = ["input", "relu1", "fc3"]
    return run_stages(
        folder,
        folder / "images.npy",
        network=SMALL,
        layers=layers,
        train={"epochs": 0},
        replicate={"networks": 2},
        embed={"initialization_layer": "own"},
        extract={"split": "train"},
    )


def page_of(run):
    """Return the page's text, and its data."""
    text = run.paths.page.read_text(encoding="utf-8")
    payload = re.search(r'<script type="application/json" id="payload">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(payload[1])


def test_the_data_says_that_it_has_no_labels(unlabelled):
    assert unlabelled.dataset.targets == "none" and unlabelled.dataset.classes == []
    assert unlabelled.dataset.counts == {"train": 48, "test": 12}
    assert sorted(path.name for path in unlabelled.paths.raw.iterdir()) == [
        "dataset.json",
        "t10k-images-idx3-ubyte",
        "train-images-idx3-ubyte",
    ]


def test_samples_have_predictions_and_no_labels(unlabelled):
    schema = pq.read_schema(unlabelled.paths.samples)
    assert schema.names == ["sample_id", "split", "predicted", "confidence"]
    assert unlabelled.samples.label is None and unlabelled.samples.log_probability is None
    assert set(unlabelled.samples.predicted.tolist()) <= {0, 1, 2, 3}
    assert unlabelled.lacks == {Need.LABELS: "the data has no labels"}


def test_the_tables_of_training_have_a_header_only(unlabelled):
    for name, columns in (
        ("epochs", ["epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy"]),
        ("learning_curve", ["epoch", "images_seen", "train_loss", "train_accuracy"]),
        ("predictions", ["actual", "predicted"]),
    ):
        table = pd.read_csv(unlabelled.paths.table(name))
        assert list(table.columns) == columns and table.empty
    assert list(unlabelled.training) == ["parameters"]
    replicates = json.loads(unlabelled.paths.metrics("replicates").read_text(encoding="utf-8"))
    assert replicates == {"networks": 2, "test_accuracy": {}}


def test_measures_are_those_that_need_no_labels(unlabelled):
    registry = read_registry(unlabelled.paths.registry)
    needing = {measure.key for measure in registry.measures if Need.LABELS in measure.needs}
    found = set(unlabelled.measures.table["measure"])
    assert len(needing) == 12 and not found & needing
    optional = {"spectrum_exponent"}  # needs more points than these
    assert found >= {measure.key for measure in registry.measures} - needing - optional
    assert set(unlabelled.measures.table["control"]) == {"none", "untrained", "random projection"}
    assert unlabelled.measures.pairs.empty and not unlabelled.measures.between.empty
    assert unlabelled.measures.table["value"].notna().any()
    metrics = json.loads(unlabelled.paths.metrics("measures").read_text(encoding="utf-8"))
    assert "neighbourhood_hit" not in metrics and "late" not in metrics and metrics["points"] == 40


def test_samples_are_measured_but_not_decided(unlabelled):
    measures = unlabelled.measures
    assert type(measures.decisions) is MeasuredSamples and len(measures.decisions.sample_id) == 40
    with pytest.raises(ValueError, match="not decided"):
        _ = measures.decided
    points = measures.points["relu1"]
    assert points.vote is None and points.hit is None and np.isfinite(points.trustworthiness).all()
    assert not unlabelled.paths.probe_decisions.exists()


def test_the_page_names_what_is_left_out(unlabelled):
    text, payload = page_of(unlabelled)
    (note,) = re.findall(r">(Left out: [^<]*)<", text)
    assert "neighbourhood hit" in note and "linear probe accuracy" in note and "commit layers" in note
    assert note.endswith("(the data has no labels).")
    assert payload["labels"] is None and payload["classes"] == ["0", "1", "2", "3"][: len(payload["classes"])]
    run = payload["runs"][0]
    assert run["commit"] is None and run["predicted"] is not None
    titles = [panel["title"] for panel in run["panels"]]
    assert "Linear probe" not in titles and "Participation ratio" in titles
    figures = {path.stem for path in unlabelled.paths.figures.glob("*.png")}
    assert not figures & {"confusion", "misclassified", "late_deciders", "sample_output", "learning_curve"}
    assert figures >= {"maps", "map_relu1", "measures", "cka", "networks", "perplexity_grid"}


def test_two_runs_without_labels_are_compared(unlabelled):
    page = compared_page(("first", "second"), [unlabelled, unlabelled])
    assert page.count("Participation ratio") >= 1 and "Linear probe" not in page


def test_exports_have_no_columns_of_what_is_missing(unlabelled, tmp_path):
    data, params = unlabelled.paths.raw.parent, unlabelled.params_path
    export.main(["--params", str(params), "--data", str(data), "--out", str(tmp_path)])
    table = pd.read_csv(tmp_path / "arrays/samples.csv")
    assert list(table.columns) == ["sample_id", "predicted", "confidence", "split"] and len(table) == 48
    atlas = pq.read_schema(tmp_path / "atlas/samples.parquet").names
    assert "label" not in atlas and {"x_relu1", "neighbours_relu1", "image", "confidence"} <= set(atlas)


def test_the_front_door_opens_a_run_without_labels(unlabelled):
    run = strata.open_run(unlabelled.params_path.parent)
    predictions = run.log_probabilities(run.network(), run.inputs())
    assert (predictions.argmax(axis=1) == run.samples.predicted).all()
    assert run.new_map("relu1", perplexity=4).shape == (48, 2)
    maps = {layer: run.map(layer).points for layer in run.layers}
    colours = strata.draw_maps(maps, run.samples.label, run.dataset.classes).axes[0].collections[0].get_facecolors()
    assert len(np.unique(colours, axis=0)) == 1


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    """A run on 80 labelled images with an encoder without a head: its output is what its last layer outputs."""
    folder = tmp_path_factory.mktemp("headless")
    images, rows = noisy_bars(80)
    torch.save(Encoder(image_shape=(1, 16, 16), width=8).state_dict(), folder / "encoder.pth")
    np.savez(folder / "images.npz", images=images, labels=rows % 2)
    network = {"target": "networks.encoder:Encoder", "arguments": {"width": 8}, "outputs": "features"}
    return run_stages(
        folder,
        folder / "images.npz",
        network=network,
        layers=["input", "relu1", "relu2"],
        train={"epochs": 0, "init_from": str(folder / "encoder.pth")},
        extract={"split": "test"},
        measure={"stability_samples": 24},
        dataset={"test_share": 0.5},
    )


def test_a_network_without_a_head_predicts_nothing_but_is_read(headless):
    assert headless.lacks == {Need.PREDICTIONS: "the network predicts no classes"}
    schema = pq.read_schema(headless.paths.samples)
    assert schema.names == ["sample_id", "split", "label"]
    table = headless.measures.table
    assert set(table["measure"]) >= {"neighbourhood_hit", "probe_accuracy", "early_exit_share", "collapse_duality"}
    assert "prediction_agreement" not in set(table["measure"])
    assert set(table["control"]) == {"none", "untrained", "random projection", "shuffled labels"}
    assert not headless.measures.pairs.empty and type(headless.measures.decisions) is MeasuredSamples
    assert headless.measures.points["relu1"].vote is not None


def test_the_page_of_a_network_without_a_head(headless):
    text, payload = page_of(headless)
    (note,) = re.findall(r">(Left out: [^<]*)<", text)
    assert note.startswith("Left out: agreement of the linear probe with the network, commit layers, test accuracy")
    assert note.endswith("(the network predicts no classes).")
    assert payload["runs"][0]["predicted"] is None and payload["labels"] is not None
    assert payload["runs"][0]["layers"]["relu1"]["vote"] is not None


@pytest.mark.parametrize(
    ("arrays", "outputs", "message"),
    [
        ({}, "logits", "train.epochs 2: the data has no labels; to train nothing, set train.epochs: 0"),
        (
            {"labels": noisy_bars(60)[1] % 2},
            "features",
            "train.epochs 2: network.outputs is `features`: there is no output to train; to train nothing, set"
            " train.epochs: 0",
        ),
        (
            {"labels": noisy_bars(60)[1] / 7},
            "logits",
            "train.epochs 2: the data has no classes: set network.outputs: values; to train nothing, set"
            " train.epochs: 0",
        ),
    ],
)
def test_what_cannot_be_trained_is_one_line(arrays, outputs, message, tmp_path):
    from stages import download

    np.savez(tmp_path / "images.npz", images=noisy_bars(60)[0], **arrays)
    params = write_params(tmp_path, tmp_path / "images.npz", network={**SMALL, "outputs": outputs}, layers=["input"])
    download.main(["--params", str(params), "--out", str(tmp_path / "data/raw")])
    with pytest.raises(StrataError) as caught:
        train.main(["--params", str(params), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "data/model")])
    assert str(caught.value) == message
