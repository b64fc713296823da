"""`layers: auto` through all stages: the proposal is recorded with the activations, read by all after, and shown."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import strata
from stages import embed
from strata.artifacts.proposed_layers import read_proposed_layers, write_proposed_layers
from strata.artifacts.run import RunArtifacts
from strata.commands.compare import compared_page
from strata.core.errors import StrataError
from strata.core.layers import Layer
from strata.core.params import read_params
from strata.jobs import pool
from strata.observed import write_params
from tests.jobs.pool_jobs import PoolHere
from tests.stages.whole_run import noisy_bars, run_stages
from tests.tiny_pipeline import run_extract, run_train

MLP = {"target": "networks.mlp:Mlp", "arguments": {"hidden": [12, 6]}, "outputs": "logits"}
VIT = {"target": "networks.vit:vit", "arguments": {"patch": 4, "depth": 2, "width": 16}, "outputs": "logits"}
EXPECTED = {"input": "input", "relu1": "relu1", "relu2": "relu2", "fc3": "fc3"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a small network, whose layers nobody named; weights are kept during training."""
    folder = tmp_path_factory.mktemp("auto")
    images, rows = noisy_bars(120)
    np.savez(folder / "bars.npz", images=images, labels=rows - 3)
    return run_stages(
        folder,
        folder / "bars.npz",
        dataset={"test_share": 0.3},
        network=MLP,
        layers="auto",
        train={"checkpoints": [0]},
        measure={"late_layers": 1},
    )


def test_every_stage_has_the_proposed_layers(run):
    assert {name: str(layer) for name, layer in run.chosen_layers.items()} == EXPECTED
    assert run.proposed and list(run.layers) == list(EXPECTED)
    for folder in (run.paths.activations, run.paths.embeddings, run.paths.activations / "checkpoints/0"):
        assert set(EXPECTED) <= {path.stem for path in folder.glob("*.parquet")}
    assert list(dict.fromkeys(run.measures.table["layer"])) == list(EXPECTED)
    assert (run.layers["relu2"].shape, run.map("fc3").layer) == ((6,), "fc3")


def test_the_page_and_the_networks_summary_say_that_they_were_proposed(run):
    page = run.paths.page.read_text(encoding="utf-8")
    (own,) = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])["runs"]
    assert list(own["layers"]) == list(EXPECTED)
    assert own["facts"]["Layers"] == "proposed for this network: input, relu1, relu2, fc3"
    assert "layers: auto" in own["params"] and own["params"].endswith(
        "# layers: auto, as proposed for this network\nlayers:\n  input:\n    module: input\n"
        "  relu1:\n    module: relu1\n  relu2:\n    module: relu2\n  fc3:\n    module: fc3\n"
    )
    lines = run.paths.summary.read_text(encoding="utf-8").splitlines()
    first = lines.index("proposed for this network, as `layers: auto` takes them, with the size of each output:")
    assert [line.split() for line in lines[first + 1 : first + 4]] == [
        ["layers:"],
        ["input:", "input", "#", "1", "x", "16", "x", "16"],
        ["relu1:", "relu1", "#", "12"],
    ]


def test_a_page_that_compares_shows_the_proposed_layers(run):
    page = compared_page(("a", "b"), [run, RunArtifacts(run.paths, run.params_path)])
    assert "module: relu2" in page


def test_another_network_has_another_proposal(run, tmp_path):
    """Nothing of the first network's list is left, and what was taken is recorded in the layers' files."""
    params = tmp_path / "params.yaml"
    params.write_text(run.params_path.read_text(encoding="utf-8"), encoding="utf-8")
    out, changed = tmp_path / "data", read_params(params)
    write_params(params, {**changed, "network": VIT, "train": {**changed["train"], "checkpoints": []}})
    run_train(params, run.paths.raw, out)
    run_extract(params, run.paths.raw, out)
    layers, origin = read_proposed_layers(out / "activations/layers.json")
    assert [str(layer) for layer in layers.values()] == [
        *("input", "conv_proj", "encoder.layers.encoder_layer_0, take cls", "encoder.ln, take cls", "heads.head")
    ]
    other = RunArtifacts(replace(run.paths, activations=out / "activations", model=out / "model"), params)
    assert other.layers["encoder.ln"].taken == "encoder.ln, take cls" and other.provenance == origin
    # Layers that are named leave no proposal behind.
    write_params(params, {**read_params(params), "layers": ["input", "heads.head"]})
    run_extract(params, run.paths.raw, out)
    assert not (out / "activations/layers.json").exists()


def test_a_proposal_of_another_model_is_refused(run, tmp_path, monkeypatch):
    path = run.paths.proposed_layers
    content, (layers, origin) = path.read_bytes(), read_proposed_layers(path)
    monkeypatch.setattr(pool, "Pool", PoolHere)
    command = ["--params", str(run.params_path), "--data", str(run.paths.raw.parent), "--out", str(tmp_path / "maps")]
    try:
        write_proposed_layers(path, layers, replace(origin, model_sha256="0" * 64))
        for read in (
            lambda: RunArtifacts(run.paths, run.params_path).layers,
            lambda: embed.main([*command, "--reports", str(tmp_path)]),
        ):
            with pytest.raises(StrataError, match="do not belong together: their model_sha256 differ"):
                read()
        path.write_text('{"layers": [{"name": "../x", "module": "input"}], "origin": {}}', encoding="utf-8")
        with pytest.raises(StrataError, match=r"layers\.json is damaged; run `dvc repro -f extract`"):
            read_proposed_layers(path)
        path.unlink()
        with pytest.raises(StrataError, match=r"layers\.json is missing, with the layers of `layers: auto`"):
            read_proposed_layers(path)
    finally:
        path.write_bytes(content)


def test_what_is_taken_of_a_layer_is_read_as_it_was_written(run, tmp_path):
    layers = {"a": Layer(module="lstm", part=0, take="mean"), "b": Layer(module="b", pool="4x4", project=7)}
    write_proposed_layers(tmp_path / "layers.json", layers, run.provenance)
    assert read_proposed_layers(tmp_path / "layers.json") == (layers, run.provenance)


def test_observe_proposes_layers_for_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "Pool", PoolHere)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 6 * 6, 4))
    observed = strata.observe(model, torch.randn(24, 1, 8, 8), "auto", out=tmp_path / "run")
    assert {name: str(layer) for name, layer in observed.chosen_layers.items()} == {
        "input": "input",
        "2": "2",
        "3": "3",
    }
    assert observed.params["layers"] == "auto"
    with pytest.raises(StrataError, match="layers: a list of names, a map from names to modules, or 'auto', not 'fc'"):
        strata.observe(model, torch.randn(24, 1, 8, 8), "fc", out=tmp_path / "run")
