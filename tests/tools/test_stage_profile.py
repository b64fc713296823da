"""Where a stage's time goes, by hand, and noted by processes that run."""

import sys

import pytest

from benchmarks.profiled_stage import SERVER, STAGE, WORKER
from benchmarks.stage_profile import COLUMNS, ProcessTime, StageTime, profiled, table
from strata.jobs.pool import START
from tests.tiny_pipeline import ROOT

OWN = ProcessTime(STAGE, ready=(1.5, 1.0), all=(9.0, 4.0), writing=(0.5, 0.25))
WORKERS = [
    ProcessTime(WORKER, ready=(2.0, 0.5), all=(7.0, 5.5), writing=(0.25, 0.0)),
    ProcessTime(WORKER, ready=(2.5, 0.75), all=(7.0, 4.0), writing=(0.0, 0.0)),
]


def test_a_row_by_hand():
    assert StageTime(10.0, [OWN, *WORKERS]).row() == [10.0, 13.5, 1.5, 1.0, 2, 2.5, 1.25, 2.75, 8.25, 0.75, 0.25]
    server = ProcessTime(SERVER, ready=(2.0, 1.0), all=(2.0, 1.0), writing=(0.0, 0.0))
    assert StageTime(10.0, [OWN, server, *WORKERS]).row() == [
        *(10.0, 14.5, 1.5, 1.0, 2, 2.5, 2.25, 2.75, 8.25, 0.75, 0.25)
    ]
    assert StageTime(10.0, [OWN]).row() == [10.0, 4.0, 1.5, 1.0, 0, 0.0, 0.0, 2.75, 0, 0.5, 0.25]


def test_the_last_row_is_the_sum():
    *_, head, _, first, second, last = table({"a": StageTime(1.0, [OWN]), "b": StageTime(2.0, [OWN])}).splitlines()
    assert len(head.split("|")) == len(first.split("|")) == len(COLUMNS) + 2
    assert first.startswith("| a | 1.0 | 4.0 |") and second.startswith("| b | 2.0 | 4.0 |")
    assert last == "| all | 3.0 | 8.0 | 3.0 | 2.0 | 0 | 0.0 | 0.0 | 5.5 | 0.0 | 1.0 | 0.5 |"


STAGE_TEXT = """
import os, time
from strata.core.stage import run_stage
from strata.jobs.pool import run_jobs

def main():
    run_jobs(time.sleep, [0.2, 0.2], "sleep")
    descriptor = os.open("written", os.O_CREAT | os.O_WRONLY)
    os.fsync(descriptor)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="stages need POSIX")
def test_processes_note_their_times(tmp_path, monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "2")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "look.py").write_text(STAGE_TEXT)
    times = profiled(["look"], tmp_path)
    server = [SERVER] if START == "forkserver" else []
    assert sorted(each.kind for each in times.processes) == [*server, STAGE, WORKER, WORKER]
    assert all(each.all[0] >= each.ready[0] > 0 and each.all[1] >= each.ready[1] > 0 for each in times.processes)
    assert times.clock > sum(each.writing[0] for each in times.processes) > 0
