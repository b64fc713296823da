"""strata.observe: a run of your own objects has the same files as one of the stages, and says what it lacks."""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import strata
from strata.artifacts.needs import Need
from strata.core.errors import StrataError
from strata.core.params import SECTIONS, read_params
from strata.core.strict_yaml import read_mapping
from strata.jobs import pool
from strata.observed import DEFAULTS
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import ROOT

QUICK = {"half_samples": 2, "stability_samples": 24, "stability_perplexities": [3], "stability_iterations": 100}
QUICK |= {"stability_exaggeration_iterations": 150}
MAPS = {"perplexity": 4, "iterations": 100, "early_exaggeration_iterations": 150}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch, tmp_path):
    monkeypatch.setattr(pool, "Pool", PoolHere)
    monkeypatch.chdir(tmp_path)


class Recurrent(nn.Module):
    """An LSTM over token ids, with logits of three classes; the mask says which tokens count."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, input_ids, attention_mask=None):
        states, _ = self.lstm(self.embedding(input_ids))
        if attention_mask is None:
            return {"logits": self.head(states[:, -1])}
        weights = attention_mask.float().unsqueeze(-1)
        return {"logits": self.head((states * weights).sum(1) / weights.sum(1))}


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 6 * 6, 4))


def pictures(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 1, 8, 8)).astype(np.float32), np.arange(count) % 4


def finished(run):
    run.embed(**MAPS)
    run.measure(**QUICK)
    return run


def test_activations_and_predictions_are_those_of_the_model():
    model, (inputs, labels) = small(), pictures(30)
    loader = DataLoader(TensorDataset(torch.from_numpy(inputs), torch.from_numpy(labels)), batch_size=7)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = strata.observe(model, loader, {"relu": "1", "output": "3"}, batch_size=8)
    with torch.inference_mode():
        relu, output = model[:2](torch.from_numpy(inputs)), model(torch.from_numpy(inputs))
    np.testing.assert_allclose(run.activations("relu").values, relu.flatten(1).numpy(), atol=1e-6)
    np.testing.assert_array_equal(run.samples.predicted, output.argmax(dim=1).numpy())
    np.testing.assert_allclose(run.samples.confidence, output.softmax(dim=1).amax(dim=1).numpy(), atol=1e-6)
    np.testing.assert_array_equal(run.samples.label, labels)
    assert run.params["network"]["outputs"] == "logits" and run.dataset.classes == ["0", "1", "2", "3"]
    # The model is as it was.
    assert model.training and all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    for name, tensor in run_weights(run).items():
        assert torch.equal(tensor, before[name])


def run_weights(run):
    return torch.load(run.paths.weights, weights_only=True)


def test_a_run_with_training_samples_has_probes_and_a_page():
    model, (inputs, labels) = small(), pictures(60)
    run = strata.observe(
        model,
        [(inputs[:30], labels[:30])],
        ["1", "3"],
        train=[(inputs[30:], labels[30:])],
        classes=["a", "b", "c", "d"],
    )
    table = finished(run).measures.table
    assert {"probe_accuracy", "neighbourhood_hit", "intrinsic_dimension"} <= set(table["measure"])
    assert set(table["control"]) == {"none", "untrained", "random projection", "shuffled labels"}
    page = run.page("shown/report.html", dpi=50)
    text = page.read_text(encoding="utf-8")
    assert page.name == "report.html" and "own data, layer by layer" in text
    again = strata.open_run("run")
    pd.testing.assert_frame_equal(again.measures.table, table)
    with pytest.raises(StrataError, match="the run's network was an object of another program: call"):
        again.network()


def test_without_training_samples_probes_are_left_out_and_named(capsys):
    inputs, labels = pictures(30)
    run = finished(strata.observe(small(), inputs, ["1", "3"], labels))
    measures = set(run.measures.table["measure"])
    assert "neighbourhood_hit" in measures and not {"probe_accuracy", "knn_accuracy", "collapse_duality"} & measures
    assert "linear probe" in (said := capsys.readouterr().err) and "(there are no training samples)" in said


def test_without_labels_maps_and_geometry_are_there():
    run = finished(strata.observe(small(), pictures(30)[0], ["1", "3"]))
    measures = set(run.measures.table["measure"])
    assert run.samples.label is None and "intrinsic_dimension" in measures and "neighbourhood_hit" not in measures
    assert run.page(dpi=50) == run.paths.page


def test_token_ids_with_a_mask_by_their_names():
    torch.manual_seed(0)
    model, rng = Recurrent(), np.random.default_rng(0)
    ids, mask = rng.integers(0, 20, (30, 6)), (np.arange(6) < rng.integers(2, 7, (30, 1))).astype(np.int64)
    batches = [
        {
            "input_ids": torch.from_numpy(ids[rows]),
            "attention_mask": torch.from_numpy(mask[rows]),
            "labels": torch.from_numpy(ids[rows, 0] % 3),
        }
        for rows in (slice(0, 16), slice(16, 30))
    ]
    layers = {"words": {"module": "embedding", "take": "mean"}, "states": {"module": "lstm", "part": 0, "take": "last"}}
    run = strata.observe(model, batches, {**layers, "output": "head"})
    with torch.inference_mode():
        words = model.embedding(torch.from_numpy(ids)).numpy()
        output = model(torch.from_numpy(ids), torch.from_numpy(mask))["logits"]
    expected = (words * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(run.activations("words").values, expected, atol=1e-6)
    np.testing.assert_allclose(run.activations("output").values, output.numpy(), atol=1e-6)
    np.testing.assert_array_equal(run.samples.predicted, output.argmax(dim=1).numpy())
    assert run.params["network"] | {"part": "logits", "mask": "attention_mask"} == run.params["network"]


def test_numbers_to_predict_are_carried_along():
    inputs, _ = pictures(30)
    values = np.linspace(0.5, 3, 30)
    run = strata.observe(small(), inputs, ["1"], values)
    assert run.dataset.targets == "values" and run.params["network"]["outputs"] == "features"
    np.testing.assert_allclose(run.samples.targets[:, 0], values, rtol=1e-6)


@pytest.mark.parametrize(
    ("last", "form"),
    [(nn.Softmax(dim=1), "probabilities"), (nn.LogSoftmax(dim=1), "log-probabilities"), (nn.Tanh(), "logits")],
)
def test_the_form_of_the_output_is_found(last, form):
    inputs, labels = pictures(30)
    run = strata.observe(nn.Sequential(*small(), last), inputs, ["1"], labels)
    assert run.params["network"]["outputs"] == form


def test_an_encoder_has_no_predictions():
    inputs, labels = pictures(30)
    run = strata.observe(small()[:2], inputs, ["0", "1"], labels)
    assert run.params["network"]["outputs"] == "features" and run.samples.predicted is None
    np.testing.assert_array_equal(run.samples.label, labels)


class Fixed(nn.Module):
    """A module whose weights nothing draws again."""

    def __init__(self, seed=0):
        super().__init__()
        self.mixing = nn.Parameter(torch.randn(64, 8, generator=torch.Generator().manual_seed(seed)))

    def forward(self, x):
        return x.flatten(1) @ self.mixing


def test_a_model_that_cannot_be_drawn_again_asks_for_make():
    inputs, _ = pictures(30)
    run = strata.observe(Fixed(), inputs, ["input"])
    run.embed(**MAPS)
    with pytest.raises(StrataError, match=r"no seed changes mixing.*pass make=, a function that makes it"):
        run.measure(**QUICK)
    made = strata.observe(Fixed(), inputs, ["input"], make=lambda: Fixed(torch.randint(1 << 30, ()).item()))
    assert "untrained" in set(finished(made).measures.table["control"])


def test_the_same_call_gives_the_same_bytes():
    inputs, labels = pictures(30)
    runs = [finished(strata.observe(small(), inputs, ["1", "3"], labels, out=out)) for out in ("one", "two")]
    first, second = (
        {
            path.relative_to(run.paths.raw.parent.parent): path.read_bytes()
            for folder in (run.paths.activations, run.paths.embeddings, run.paths.measures)
            for path in folder.rglob("*")
            if path.is_file()
        }
        for run in runs
    )
    assert first == second and len(first) > 6


def test_a_run_is_replaced_and_nothing_else_is(tmp_path):
    inputs, _ = pictures(30)
    strata.observe(small(), inputs, ["1", "3"], out="again")
    assert list(strata.observe(small(), inputs, ["0"], out="again").layers) == ["0"]
    assert sorted(path.name for path in (tmp_path / "again/data/activations").glob("*.parquet")) == [
        "0.parquet",
        "samples.parquet",
    ]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("text", encoding="utf-8")
    with pytest.raises(StrataError, match=r"mine has files that .* did not write: choose another `out`"):
        strata.observe(small(), inputs, ["1"], out="mine")
    assert (tmp_path / "mine/thesis.tex").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batches": np.zeros((30, 3), dtype=np.float32)}, "the model does not take inputs of 3: Expected 3D"),
        ({"layers": ["9"]}, "layer '9'"),
        ({"labels": np.arange(29) % 4}, "batches: 30 inputs, but 29 labels"),
        ({"classes": ["a"]}, "classes: 1 names, but there are 4 classes: name all"),
        ({"train": pictures(30)[0]}, "only the test batches have labels: give them to both, or to none"),
        ({"outputs": "logits", "part": "scores"}, "part: the model outputs"),
    ],
)
def test_what_does_not_fit_is_one_line(change, said):
    inputs, labels = pictures(30)
    call = {"model": small(), "batches": inputs, "layers": ["1"], "labels": labels} | change
    with pytest.raises(StrataError) as caught:
        strata.observe(**call)
    assert str(caught.value).startswith(said)


def test_the_stages_come_in_their_order():
    run = strata.observe(small(), pictures(30)[0], ["1", "3"])
    with pytest.raises(StrataError, match=r"measure needs the maps: call embed\(\) first"):
        run.measure()
    with pytest.raises(StrataError, match=r"the page shows what was measured: call measure\(\) first"):
        run.page()


def test_a_setting_that_is_refused_is_not_kept():
    run = strata.observe(small(), pictures(30)[0], ["1", "3"])
    with pytest.raises(StrataError, match=r"embed\.perplexity: "):
        run.embed(perplexity=-1)
    run.embed(**MAPS)
    assert run.map("1").method.settings["perplexity"] == "4"


def test_the_parameters_have_every_key_of_params_yaml():
    own, usual = read_mapping(DEFAULTS.read_text(encoding="utf-8"), "defaults"), read_params(ROOT / "params.yaml")
    assert set(own) == set(SECTIONS)
    for name, section in usual.items():
        if isinstance(section, dict) and name != "layers":
            assert set(own[name]) == set(section), name


def page_data(run):
    text = run.page().read_text(encoding="utf-8")
    return json.loads(re.search(r'id="payload">(.*?)</script>', text, re.DOTALL)[1])


def test_batches_of_images_are_shown_as_such():
    inputs, labels = pictures(30)
    pixels = np.clip(np.round(inputs * 40 + 128), 0, 255)
    run = finished(
        strata.observe(small(), [((pixels / 255 - 0.5) / 0.25, labels)], {"output": "3"}, mean=0.5, std=0.25)
    )
    np.testing.assert_array_equal(run.pictures(), pixels[:, 0])
    assert run.images().dtype == np.float32 and Need.IMAGES not in run.lacks
    payload = page_data(run)
    assert payload["texts"] is None and (payload["sprite"]["height"], payload["sprite"]["width"]) == (8, 8)
    sheet = Image.open(io.BytesIO(base64.b64decode(payload["sprite"]["sheets"][0].partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(sheet.convert("L"))[:8, :8], pixels[0, 0])
    assert (run.paths.figures / "misclassified.png").exists()


def test_images_are_given_or_denied():
    inputs, labels = pictures(30)
    given = np.arange(30, dtype=np.uint8)[:, None, None, None] + np.zeros((5, 6, 3), dtype=np.uint8)
    run = strata.observe(small(), [(inputs, labels)], {"output": "3"}, images=given)
    np.testing.assert_array_equal(run.pictures(), given)
    run = strata.observe(small(), [(inputs, labels)], {"output": "3"}, images=False)
    assert run.lacks[Need.IMAGES] == "the data are numbers, and no images"
    for settings, line in (
        ({"images": given[:9]}, "images: 9, but there are 30"),
        ({"images": False, "std": 2}, "mean, std"),
    ):
        with pytest.raises(StrataError, match=line):
            strata.observe(small(), [(inputs, labels)], {"output": "3"}, **settings)
