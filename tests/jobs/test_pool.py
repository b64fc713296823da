"""Jobs in processes of their own: order, errors, dead workers, and one numerical thread each."""

import multiprocessing
import os
import time

import pytest

from strata.core.errors import StrataError
from strata.core.limits import THREADS_EACH
from strata.jobs import pool as pool_module
from strata.jobs.pool import THREAD_LIMITS, process_count, processes_for, run_jobs, started_pool
from tests.jobs.pool_jobs import die, environment, fail_on_two, give_up, is_imported, square_after_a_while, touch
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def two_processes(monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "2")


def children():
    """Return the numbers of the processes that this one has started and that still run."""
    return {process.pid for process in multiprocessing.active_children()}


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
        "embed: t-SNE: a worker process died, probably for lack of memory; run again with STRATA_PROCESSES=1"
    )


def test_a_function_of_the_script_that_runs_is_refused(monkeypatch):
    """Workers do not import that script, so they would die, as if for lack of memory."""
    monkeypatch.setattr(square_after_a_while, "__module__", "__main__")
    with pytest.raises(TypeError) as caught:
        run_jobs(square_after_a_while, [1], "square")
    assert str(caught.value) == "square: square_after_a_while must be a function of a module that workers can import"


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
    monkeypatch.setattr(pool_module, "usable_cores", lambda: 3)
    assert process_count() == 3


@pytest.mark.parametrize(("free", "besides", "count"), [(27, 0, 4), (13.5, 0, 2), (13.4, 0, 1), (27, 10, 2), (1, 0, 1)])
def test_as_many_processes_start_as_surely_fit(monkeypatch, free, besides, count):
    """Estimates can be too low: what is estimated at 10 fits into 13.5."""
    monkeypatch.delenv("STRATA_PROCESSES")
    monkeypatch.setattr(pool_module, "usable_cores", lambda: 4)
    monkeypatch.setattr(pool_module, "free_memory", lambda: free * 1e9)
    assert processes_for(7, bytes_each=4.99e9, besides=besides * 1e9) == count


def test_the_same_processes_serve_every_run_of_a_pool():
    with started_pool(7) as pool:
        started = children()
        first = pool.run(environment, ["HOME"] * 12, "look")
        second = pool.run(environment, ["PATH"] * 12, "look again")
        assert len(started) == 2 and children() == started
    assert {process for _, process in first + second} <= started
    assert [value for value, _ in first + second] == [os.environ.get("HOME")] * 12 + [os.environ.get("PATH")] * 12


@pytest.mark.parametrize(("asked", "most", "count"), [("5", 2, 2), ("1", 7, 1), ("2", 2, 2)])
def test_a_pool_has_no_more_processes_than_asked_for_and_needed(monkeypatch, asked, most, count):
    monkeypatch.setenv("STRATA_PROCESSES", asked)
    with started_pool(most) as pool:
        assert len(children()) == count  # started at once, before there are jobs
        pool.run(environment, ["HOME"] * 10, "look")
        assert len(children()) == count


@pytest.mark.parametrize(
    ("cores", "processes", "threads"), [("1", 1, "1"), ("5", 2, "2"), ("2", 2, "1"), ("7", 7, "1")]
)
def test_cores_that_no_process_would_use_are_for_threads_that_change_no_byte(monkeypatch, cores, processes, threads):
    monkeypatch.setenv("STRATA_PROCESSES", cores)
    with started_pool(processes) as pool:
        assert pool.run(environment, [THREADS_EACH], "look")[0][0] == threads
    assert THREADS_EACH not in os.environ


def test_a_job_runs_while_the_next_is_made(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"

    def in_time():
        yield first
        wait_until(first.exists)
        yield second

    with started_pool(2) as pool:
        assert pool.run(touch, in_time(), "touch") == [None, None]
    assert second.exists()


def test_an_error_while_jobs_are_made_is_raised_here_and_ends_the_processes():
    def in_time():
        yield 3
        raise StrataError("no network")

    with pytest.raises(StrataError, match=r"^no network$"), started_pool(2) as pool:
        pool.run(square_after_a_while, in_time(), "square")
    assert not children()


def test_processes_import_what_they_are_told_to():
    with started_pool(1, imports=["colorsys"]) as pool:
        assert pool.run(is_imported, ["colorsys", "chunk"], "look") == [True, False]


def test_what_is_not_installed_is_left_to_the_job_that_needs_it():
    with started_pool(1, imports=["not_installed", "colorsys"]) as pool:
        assert pool.run(is_imported, ["colorsys"], "look") == [True]


def test_workers_have_the_environment_of_now_whenever_the_first_pool_began(monkeypatch):
    monkeypatch.setenv("STRATA_TEST", "first")
    assert [value for value, _ in run_jobs(environment, ["STRATA_TEST"], "look")] == ["first"]
    monkeypatch.setenv("STRATA_TEST", "second")
    assert [value for value, _ in run_jobs(environment, ["STRATA_TEST"], "look")] == ["second"]


def test_no_jobs_have_no_results():
    with started_pool(1) as pool:
        assert pool.run(environment, [], "look") == []


def test_the_processes_are_ended_after_the_context():
    with started_pool(2) as pool:
        assert pool.run(square_after_a_while, [2, 3], "square") == [4, 9]
        assert children()
    assert not children()


@pytest.mark.parametrize(("work", "kind"), [(give_up, StrataError), (die, StrataError), (fail_on_two, ValueError)])
def test_the_processes_are_ended_after_an_error_of_a_job(work, kind):
    with pytest.raises(kind), started_pool(2) as pool:
        pool.run(work, [2, 2, 2], "work")
    assert not children()


def test_the_processes_are_ended_after_an_error_between_the_runs():
    with pytest.raises(KeyError), started_pool(2) as pool:
        pool.run(environment, ["HOME"], "look")
        raise KeyError
    assert not children()


def test_jobs_that_have_not_begun_are_dropped_after_an_error():
    start = time.monotonic()
    with pytest.raises(TypeError), started_pool(2) as pool:
        pool.run(time.sleep, ["no number", *[0.2] * 300], "sleep")
    assert time.monotonic() - start < 15  # all of them would take 30 s


def test_a_pool_restores_the_environment_at_once(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ)
    with started_pool(2) as pool:
        assert dict(os.environ) == before
        results = pool.run(environment, THREAD_LIMITS * 2, "look") + pool.run(environment, THREAD_LIMITS, "look")
        assert dict(os.environ) == before
    assert [value for value, _ in results] == ["1"] * 3 * len(THREAD_LIMITS)
    with pytest.raises(ValueError, match="cannot do 2"), started_pool(1) as pool:
        pool.run(fail_on_two, [1, 2], "work")
    assert dict(os.environ) == before
