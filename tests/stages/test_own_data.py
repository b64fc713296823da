"""User data, in its three forms, through all stages: small images in, and a page with their class names out."""

import json
from contextlib import nullcontext

import numpy as np
import pytest

from stages import download
from strata.artifacts.activations import read_activations
from strata.artifacts.samples import read_samples
from strata.dataset.description import load_images, read_description
from strata.maps import map_files
from strata.measures import run_tables
from strata.report import whole_report
from strata.report.page.packing import unpacked
from tests.sources.own_images import NAMES, class_folders, idx_folder, npz_file
from tests.stages.test_report import draw_for_the_page, payload_of, run_report
from tests.tiny_pipeline import run_embed, run_extract, run_measure, run_train


class Here:
    """Does a pool's jobs in this process: to start others takes seconds."""

    def run(self, work, jobs, *_):
        return [work(job) for job in jobs]


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    for stage in (map_files, run_tables):
        monkeypatch.setattr(stage, "started_pool", lambda *_: nullcontext(Here()))
    monkeypatch.setattr(whole_report, "run_jobs", draw_for_the_page)


def run_all(params, out):
    """Run every stage on the data set that the parameters name; return the page's data."""
    data = out / "raw"
    download.main(["--params", str(params), "--out", str(data)])
    run_train(params, data, out)
    run_extract(params, data, out)
    run_embed(params, out)
    run_measure(params, out)
    run_report(params, data, out)
    return payload_of((out / "reports/index.html").read_text(encoding="utf-8"))


def own_params(write_params, path, layers=("input", "h6"), **dataset):
    return write_params(
        dataset={"name": str(path), **dataset},
        layers=list(layers),
        train={"epochs": 4, "lr": 0.02},
        measure={"samples": 40, "half_samples": 2, "stability_perplexities": [3]},
        report={"page_samples": 1000},
    )


def check_run(out, payload, name, classes, test_images):
    description = read_description(out / "raw")
    assert description.name == name
    assert description.classes == payload["classes"] == classes
    samples, _ = read_samples(out / "activations/samples.parquet")
    images = load_images(out / "raw", "test")
    assert len(samples.label) == test_images
    np.testing.assert_array_equal(samples.label, images.labels)
    np.testing.assert_array_equal(unpacked(payload["labels"]), images.labels)
    # The bars can be told apart: the network has learned them.
    assert json.loads((out / "reports/training.json").read_text())["test_accuracy"] > 0.9
    facts = payload["runs"][0]["facts"]
    assert facts["Data set"].startswith(f"{name}: {description.counts['train']} training and {test_images} test images")
    assert facts["Files read, SHA-256"] == description.source_sha256


def test_class_folders_in_colour(tmp_path, write_params):
    folder = class_folders(tmp_path / "insects $5", 240)
    params = own_params(write_params, folder, ("input", "h1", "h6"), colour="rgb", test_share=0.25)
    payload = run_all(params, tmp_path)
    check_run(tmp_path, payload, "insects $5", NAMES, 60)
    assert read_description(tmp_path / "raw").image_shape == [3, 16, 16]
    layer = read_activations(tmp_path / "activations/input.parquet")
    assert layer.info.shape == (3, 16, 16)
    pixels = load_images(tmp_path / "raw", "test").images
    description = read_description(tmp_path / "raw")
    expected = (pixels[5].transpose(2, 0, 1) / 255 - description.mean) / description.std
    np.testing.assert_allclose(layer.values[5].reshape(3, 16, 16), expected, atol=1e-5)
    assert (payload["sprite"]["height"], payload["sprite"]["width"]) == (16, 16)


def test_an_npz_file(tmp_path, write_params):
    params = own_params(write_params, npz_file(tmp_path / "mine.npz", 180, 60))
    check_run(tmp_path, run_all(params, tmp_path), "mine", NAMES, 60)


def test_idx_files(tmp_path, write_params):
    params = own_params(write_params, idx_folder(tmp_path / "mine", 180, 60))
    check_run(tmp_path, run_all(params, tmp_path), "mine", ["0", "1", "2"], 60)
