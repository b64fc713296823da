"""All stages on tables of numbers, on token ids with a mask, and on numbers and labels to predict."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from strata.artifacts.needs import Need
from strata.commands.export import main as export
from strata.dataset.idx import read_any
from tests.stages.whole_run import noisy_bars, run_stages

RNG = np.random.default_rng(3)
FEATURES = RNG.normal(5, 2, (120, 4)).astype(np.float32)
KINDS = (FEATURES[:, 0] + FEATURES[:, 1] > 10).astype(np.int64)


def page_of(run):
    text = run.paths.page.read_text(encoding="utf-8")
    payload = re.search(r'<script type="application/json" id="payload">(.*?)</script>', text, re.DOTALL)
    return json.loads(payload[1])


def exported(run, folder):
    export.main(["--params", str(run.params_path), "--data", str(run.paths.raw.parent), "--out", str(folder)])
    return pd.read_csv(folder / "arrays/samples.csv")


@pytest.fixture(scope="module")
def tabular(tmp_path_factory):
    """A run on a CSV of four features and a label."""
    folder = tmp_path_factory.mktemp("tabular")
    table = pd.DataFrame(FEATURES, columns=["a", "b", "c", "d"]).assign(label=np.array(["low", "high"])[KINDS])
    table.to_csv(folder / "table.csv", index=False)
    return run_stages(
        folder,
        folder / "table.csv",
        dataset={"inputs": "numbers", "standardize": True, "test_share": 0.4},
        network={"target": "networks.mlp:Mlp", "arguments": {"hidden": [8]}, "outputs": "logits"},
        layers=["input", "relu1", "fc2"],
        train={"epochs": 20, "lr": 0.1},
    )


def test_a_table_of_features_is_trained_on_and_measured(tabular):
    dataset = tabular.dataset
    assert (dataset.inputs, dataset.image_shape, dataset.classes) == ("numbers", [4], ["high", "low"])
    stored = read_any(tabular.paths.raw / "train-inputs-idx")
    assert stored.dtype == np.float32 and stored.shape == (dataset.counts["train"], 4)
    np.testing.assert_allclose(dataset.mean, stored.astype(np.float64).mean(axis=0))
    np.testing.assert_allclose(dataset.std, stored.astype(np.float64).std(axis=0))
    assert tabular.training["test_accuracy"] > 0.9
    layer = tabular.activations("input")
    np.testing.assert_allclose(layer.values, (tabular.images() - dataset.mean) / dataset.std, atol=1e-5)
    assert set(tabular.images()[:, 0].tolist()) <= set(FEATURES[:, 0].tolist())


def test_figures_with_images_are_left_out_and_the_page_shows_numbers(tabular, tmp_path):
    assert tabular.lacks == {Need.IMAGES: "the data are numbers, and no images"}
    figures = {path.stem for path in tabular.paths.figures.glob("*.png")}
    assert not figures & {"misclassified", "late_deciders", "sample_output"} and "confusion" in figures
    payload = page_of(tabular)
    assert payload["sprite"] is None and payload["texts"][0] == " ".join(f"{v:.4g}" for v in tabular.images()[0])
    table = exported(tabular, tmp_path)
    assert table["label_name"].tolist() == [["high", "low"][label] for label in tabular.samples.label]
    np.testing.assert_array_equal(np.load(tmp_path / "arrays/samples.npy"), tabular.images())


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A run on token ids of lengths 3 to 8; the label says whether token 1 is among them."""
    folder = tmp_path_factory.mktemp("text")
    count, length = 160, 8
    ids = RNG.integers(2, 12, (count, length))
    labels = np.arange(count) % 2
    ids[labels == 1, 1] = 1
    mask = (np.arange(length) < RNG.integers(3, length + 1, count)[:, None]).astype(np.int64)
    np.savez(folder / "text.npz", input_ids=ids * mask, attention_mask=mask, labels=labels)
    mean = {"take": "mean"}
    return run_stages(
        folder,
        folder / "text.npz",
        dataset={"test_share": 0.3},
        network={
            "target": "networks.text:Text",
            "arguments": {"width": 16, "heads": 2, "depth": 1},
            "outputs": "logits",
            "mask": "mask",
        },
        layers={
            "input": "input",
            "embedding": {"module": "embedding", **mean},
            "block": {"module": "blocks.0", **mean},
        },
        train={"epochs": 12, "lr": 0.1},
        embed={"initialization_layer": "own"},
        measure={"late_layers": 1},
    )


def test_token_ids_and_their_mask_reach_the_network(text):
    assert (text.dataset.inputs, text.dataset.masked, text.dataset.vocabulary) == ("tokens", True, 12)
    assert text.dataset.image_shape == [8] and text.training["test_accuracy"] > 0.9
    ids, mask = text.images()[:, 0], text.images()[:, 1]
    np.testing.assert_array_equal(text.activations("input").values, ids)
    weights = torch.load(text.paths.weights, weights_only=True)["embedding.weight"].numpy()
    expected = (weights[ids] * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(text.activations("embedding").values, expected, atol=1e-6)
    assert "a mask as mask" in text.paths.summary.read_text(encoding="utf-8")


def test_the_page_shows_the_tokens_that_count(text):
    payload = page_of(text)
    ids, mask = text.images()[0]
    assert payload["texts"][0].split() == [str(each) for each in ids[mask == 1]]
    assert text.lacks == {Need.IMAGES: "the data are tokens, and no images"}


@pytest.mark.parametrize("kind", ["values", "multi-label"])
def test_numbers_and_several_labels_are_trained_carried_and_colour_the_maps(kind, tmp_path):
    images, rows = noisy_bars(100)
    targets = (
        np.stack([rows / 10, -rows / 7], axis=1) if kind == "values" else np.stack([rows < 8, rows % 2 == 0], axis=1)
    )
    np.savez(tmp_path / "a.npz", images=images, labels=targets.astype(float))
    run = run_stages(
        tmp_path,
        tmp_path / "a.npz",
        dataset={"test_share": 0.4},
        network={"target": "networks.mlp:Mlp", "arguments": {"hidden": [16]}, "outputs": kind},
        layers=["input", "relu1", "fc2"],
        train={"epochs": 15, "lr": 0.02},
    )
    assert run.dataset.targets == kind and len(run.dataset.target_names) == 2
    samples = run.samples
    assert (
        samples.label is None and samples.predicted is None and samples.targets.shape == samples.output.shape == (40, 2)
    )
    if kind == "values":
        assert run.training["test_loss"] == pytest.approx(((samples.output - samples.targets) ** 2).mean(), abs=1e-5)
        assert run.training["test_loss"] < 0.25 * samples.targets.var(axis=0).mean()
        assert "test_accuracy" not in run.training
    else:
        told = ((samples.output > 0.5) == (samples.targets > 0.5)).mean()
        assert run.training["test_accuracy"] == pytest.approx(told, abs=1e-6) and told > 0.9
    assert Need.LABELS in run.lacks and Need.PREDICTIONS in run.lacks
    table = exported(run, tmp_path / "exports")
    names = run.dataset.target_names
    np.testing.assert_allclose(table[f"target {names[0]}"], samples.targets[:, 0], rtol=1e-5)
    np.testing.assert_allclose(table[f"output {names[1]}"], samples.output[:, 1], rtol=1e-4, atol=1e-5)
