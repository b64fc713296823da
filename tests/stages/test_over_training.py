"""Weights kept during training go through all stages; the trained network's own artifacts stay what they are."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from strata.artifacts.activations import read_activations
from strata.artifacts.maps import read_map
from strata.jobs import pool
from strata.maps.map_files import aligned_over_training
from strata.report import whole_report
from strata.report.page.packing import unpacked
from tests.jobs.pool_jobs import PoolHere
from tests.stages.test_report import ON_PAGE, payload_of, run_report
from tests.tiny_pipeline import run_embed, run_extract, run_measure, run_train

LAYERS = ["input", "h4", "h6"]
TIMES = ["0", "0.5", "2"]
OVER_TRAINING = ("maps_over_training", "measures_over_training")


@pytest.fixture
def kept(tiny_data, write_params, tmp_path, monkeypatch):
    """Folders of a run that keeps weights, and of the same run without, and the parameters of the first."""
    monkeypatch.setattr(pool, "Pool", PoolHere)
    folders = {}
    for name, times in (("without", []), ("with", [float(time) for time in TIMES])):
        params = write_params(layers=LAYERS, train={"checkpoints": times})
        out = folders[name] = tmp_path / name
        shutil.copytree(tiny_data, out / "raw")
        run_train(params, out / "raw", out)
        run_extract(params, out / "raw", out)
        run_embed(params, out)
        run_measure(params, out)
    return folders["with"], folders["without"], params


def draw_some(work, jobs, _):
    """Draw the page's figures and those over training, in this process."""
    return [work(job) for job in jobs if job[0] in {*ON_PAGE, *OVER_TRAINING}]


def test_every_time_goes_through_all_stages(kept, monkeypatch):
    out, without, params = kept
    monkeypatch.setattr(whole_report, "run_jobs", draw_some)

    # The trained network's artifacts are the same as without.
    for path in sorted(without.rglob("*")):
        if path.is_file() and path.name not in ("measures_over_training.csv", ".empty"):
            assert (out / path.relative_to(without)).read_bytes() == path.read_bytes(), path

    # The last weights kept are those at the end; the first are those before any training.
    weights = {time: torch.load(out / f"model/checkpoints/{time}.pt", weights_only=True) for time in TIMES}
    final = torch.load(out / "model/mnist_cnn.pt", weights_only=True)
    assert all(torch.equal(weights["2"][key], value) for key, value in final.items())
    assert not torch.equal(weights["0"]["fc2.bias"], weights["0.5"]["fc2.bias"])

    def values(folder, layer):
        return read_activations(out / "activations" / folder / f"{layer}.parquet").values

    np.testing.assert_array_equal(values("checkpoints/0", "input"), values("", "input"))
    np.testing.assert_array_equal(values("checkpoints/2", "h6"), values("", "h6"))
    assert np.abs(values("checkpoints/0.5", "h6") - values("", "h6")).max() > 0.05

    # At the last time the map is the trained network's, turned onto itself.
    for layer in LAYERS:
        there, here = (read_map(out / "embeddings" / folder / f"{layer}.parquet") for folder in ("checkpoints/2", ""))
        np.testing.assert_allclose(there.points, here.points, atol=1e-3)

    table = pd.read_csv(out / "reports/measures_over_training.csv")
    assert sorted(table["epochs"].unique()) == [0, 0.5, 2]
    trained = pd.read_csv(out / "reports/measures.csv", keep_default_na=False, na_values=[""])
    trained = trained[trained["control"] == "none"].set_index(["layer", "measure"])["value"]
    last = table[table["epochs"] == 2].set_index(["layer", "measure"])["value"]
    assert {"probe_accuracy", "neighbourhood_hit", "intrinsic_dimension"} <= set(last.index.get_level_values(1))
    np.testing.assert_allclose(last, trained[last.index])
    assert pd.read_csv(without / "reports/measures_over_training.csv").empty

    run_report(params, out / "raw", out)
    run = payload_of((out / "reports/index.html").read_text(encoding="utf-8"))["runs"][0]
    assert list(run["earlier"]) == TIMES
    shown = unpacked(run["ids"])
    points = read_map(out / "embeddings/checkpoints/0.5/h4.parquet").points[shown]
    entry = run["earlier"]["0.5"]["h4"]["x"]
    np.testing.assert_allclose(unpacked(entry), points[:, 0], rtol=0, atol=entry["step"])
    assert {f"{name}.png" for name in OVER_TRAINING} <= {path.name for path in (out / "reports/figures").iterdir()}


def test_maps_turn_back_from_the_trained_network_time_by_time():
    rng = np.random.default_rng(0)
    half_turn = np.array([[-1.0, 0.0], [0.0, -1.0]])
    first, second = rng.normal(size=(2, 30, 2))
    first, second = (points - points.mean(axis=0) for points in (first, second))
    turned = aligned_over_training([first, second, first @ half_turn, second, first, second @ half_turn], 2)
    assert len(turned) == 6
    for place, expected in enumerate((first, turned[1], first, turned[1], first, turned[1])):
        np.testing.assert_allclose(turned[place], expected, atol=1e-9)
