"""The experiments a repository knows: made by hand as DVC leaves them, a reference a commit."""

import json
import subprocess
import warnings

import pytest
import yaml
from dvc.repo import Repo

from strata.commands.known_experiments import Experiment, known_experiments

PARAMS = {"seed": 0, "train": {"momentum": 0.9, "freeze": []}}
IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]


def git(folder, *words: str) -> str:
    return subprocess.run(["git", *IDENTITY, *words], cwd=folder, text=True, capture_output=True, check=True).stdout


def commit(folder, params: dict, training: dict | None) -> str:
    """Commit the folder with these parameters and metrics; return the commit."""
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    metrics = folder / "reports/training.json"
    metrics.parent.mkdir(exist_ok=True)
    metrics.unlink(missing_ok=True)
    if training is not None:
        metrics.write_text(json.dumps(training), encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a run")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path):
    """A Git and DVC repository with one commit; a test adds experiments."""
    git(tmp_path, "init", "--quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pygtrie, in what DVC calls
        Repo.init(str(tmp_path)).close()
    commit(tmp_path, PARAMS, {"test_accuracy": 0.9})
    return tmp_path


def add_experiment(folder, name: str, params: dict, training: dict | None) -> None:
    base = git(folder, "rev-parse", "HEAD").strip()
    made = commit(folder, params, training)
    git(folder, "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", made)
    git(folder, "reset", "--quiet", "--hard", base)


def test_experiments_of_all_commits_are_found_with_what_they_changed(repository):
    train = {"momentum": 0, "freeze": ["conv1", "conv2"]}
    add_experiment(repository, "still-life", {**PARAMS, "train": train}, {"test_accuracy": 0.8})
    commit(repository, {**PARAMS, "seed": 7}, {"test_accuracy": 0.91})
    add_experiment(repository, "calm-sea", {**PARAMS, "seed": 8}, {"test_accuracy": 0.7, "parameters": 3})
    assert known_experiments(repository) == [
        Experiment("calm-sea", {"seed": "8"}, {"test_accuracy": 0.7, "parameters": 3}),
        Experiment(
            "still-life",
            {"seed": "0", "train.freeze": "['conv1', 'conv2']", "train.momentum": "0"},
            {"test_accuracy": 0.8},
        ),
    ]


def test_an_experiment_without_metrics_of_training_is_left_out(repository):
    add_experiment(repository, "failed", PARAMS, None)
    assert known_experiments(repository) == []


def test_a_folder_that_is_no_repository_has_none(tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 0\n", encoding="utf-8")
    assert known_experiments(tmp_path) == []


def test_a_git_repository_without_dvc_has_none(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert known_experiments(tmp_path) == []
