"""The whole pipeline under DVC, in a temporary clone of the working tree: it runs, caches, and repeats itself."""

import json

import pytest

from strata.jobs.pool import PROCESSES
from tests.environments.small_clone import run


@pytest.fixture
def clone(small_clone):
    return small_clone


def test_every_path_of_the_contract_exists(clone):
    files = {
        path.relative_to(clone).as_posix() for folder in ("data", "reports") for path in (clone / folder).rglob("*")
    }
    expected = {
        *(f"data/raw/{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
        "data/raw/dataset.json",
        "data/model/mnist_cnn.pt",
        *(f"data/activations/{name}.parquet" for name in ("input", "h5", "h6", "samples")),
        *(f"data/embeddings/{name}.parquet" for name in ("input", "h5", "h6")),
        *(f"data/measures/points/{name}.parquet" for name in ("input", "h5", "h6")),
        *(f"data/measures/{name}.parquet" for name in ("samples", "stability_maps")),
        *(f"reports/{name}.json" for name in ("training", "embedding", "measures")),
        *(f"reports/{name}.csv" for name in ("learning_curve", "epochs", "predictions", "measures", "cka")),
        *(f"reports/{name}.csv" for name in ("measures_by_layer", "intrinsic_dimension", "stability", "class_pairs")),
        *(f"reports/figures/maps.{suffix}" for suffix in ("png", "svg")),
        *("reports/network.txt", "reports/index.html"),
    }
    assert expected <= files
    assert json.loads((clone / "reports/training.json").read_text())["test_accuracy"] > 0.85


def test_outputs_are_ignored_by_git_and_nothing_is_left_to_do(clone):
    assert run("git", "status", "--porcelain", folder=clone) == ""
    assert "up to date" in run("dvc", "status", folder=clone)
    again = run("dvc", "repro", folder=clone)
    assert "Running stage" not in again
    assert again.count("didn't change, skipping") == 7


def test_a_change_of_one_section_runs_its_stage_and_what_follows(clone):
    params = clone / "params.yaml"
    before = params.read_text(encoding="utf-8")
    try:
        params.write_text(before.replace("perplexity: auto", "perplexity: 20"), encoding="utf-8")
        changed = set(json.loads(run("dvc", "status", "--json", folder=clone)))
    finally:
        params.write_text(before, encoding="utf-8")
    assert changed == {"embed", "measure", "report"}


def test_recomputing_everything_in_two_processes_gives_the_same_lock_to_the_byte(clone, monkeypatch):
    monkeypatch.setenv(PROCESSES, "2")
    lock = clone / "dvc.lock"
    before = lock.read_bytes()
    run("dvc", "repro", "--force", "--quiet", folder=clone)
    assert lock.read_bytes() == before
    assert run("git", "status", "--porcelain", folder=clone) == ""
