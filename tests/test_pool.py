"""Jobs in processes of their own: order, errors, dead workers, and one numerical thread each."""

import os

import pytest

from strata.errors import StrataError
from strata.pool import THREAD_LIMITS, process_count, run_jobs
from tests.pool_jobs import die, environment, fail_on_two, give_up, square_after_a_while


@pytest.fixture(autouse=True)
def two_processes(monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "2")


def test_results_come_in_the_order_of_the_jobs():
    assert run_jobs(square_after_a_while, [0, 1, 2, 3], "square") == [0, 1, 4, 9]


@pytest.mark.parametrize(
    ("work", "jobs", "kind", "message"),
    [
        (fail_on_two, [1, 2, 3], ValueError, "cannot do 2"),
        (give_up, ["h3"], StrataError, "layer 'h3': nothing to embed"),
    ],
)
def test_an_error_of_a_job_is_raised_here(work, jobs, kind, message):
    with pytest.raises(kind) as caught:
        run_jobs(work, jobs, "work")
    assert type(caught.value) is kind and str(caught.value) == message


def test_a_worker_that_dies_ends_in_one_clear_line():
    with pytest.raises(StrataError) as caught:
        run_jobs(die, [1, 2], "embed: t-SNE")
    assert str(caught.value) == (
        "embed: t-SNE: a worker process died, most likely for lack of memory; run again with STRATA_PROCESSES=1"
    )


def test_workers_are_other_processes_with_one_thread_each_and_the_environment_is_restored(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ)
    results = run_jobs(environment, THREAD_LIMITS, "look")
    assert [value for value, _ in results] == ["1"] * len(THREAD_LIMITS)
    assert os.getpid() not in {process for _, process in results}
    assert dict(os.environ) == before


def test_the_environment_is_restored_after_an_error(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = dict(os.environ)
    with pytest.raises(StrataError):
        run_jobs(give_up, ["h1"], "work")
    assert dict(os.environ) == before


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", " 2", "²"])
def test_a_number_of_processes_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("STRATA_PROCESSES", text)
    with pytest.raises(StrataError) as caught:
        run_jobs(environment, ["HOME"], "look")
    assert str(caught.value) == f"STRATA_PROCESSES must be a whole number of at least 1, not {text!r}"


def test_the_number_of_processes_is_the_one_asked_for(monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "12")
    assert process_count() == 12


@pytest.mark.parametrize("unset", [True, False])
def test_the_number_of_processes_is_that_of_the_cores_by_default(monkeypatch, unset):
    monkeypatch.delenv("STRATA_PROCESSES") if unset else monkeypatch.setenv("STRATA_PROCESSES", "")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert process_count() == 3


def test_without_an_affinity_all_cores_count(monkeypatch):
    monkeypatch.delenv("STRATA_PROCESSES")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert process_count() == 6
