"""One core: a stage that asks for two threads and a process for its jobs gives the same bytes as on all cores."""

import os
import shutil
import sys

import pytest

from strata.jobs.pool import PROCESSES
from tests.environments.stand_ins import attempt
from tests.tiny_pipeline import ROOT

CORES = "import os; from strata.jobs.pool import process_count; print(len(os.sched_getaffinity(0)), process_count())"


@pytest.fixture
def one_core() -> list[str]:
    """The start of a command that runs on one core."""
    if shutil.which("taskset") is None or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs taskset and two cores")
    return ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]


def test_one_core_is_one_process(one_core):
    done = attempt(*one_core, sys.executable, "-c", CORES, folder=ROOT, **{PROCESSES: None})
    assert done.stdout == "1 1\n"


def test_two_threads_on_one_core_train_the_same_weights(one_core, write_params, tiny_data, tmp_path):
    params = write_params(train={"threads": 2, "epochs": 1})
    weights = []
    for name, start in (("one", one_core), ("all", [])):
        folders = ("--raw", str(tiny_data), "--out", str(tmp_path / name / "model"), "--reports", str(tmp_path / name))
        command = (*start, sys.executable, "-m", "stages.train", "--params", str(params), *folders)
        done = attempt(*command, folder=ROOT, **{PROCESSES: None})
        assert done.returncode == 0, done.stderr
        weights.append((tmp_path / name / "model/mnist_cnn.pt").read_bytes())
    assert weights[0] == weights[1]
