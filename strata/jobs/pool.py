"""Independent jobs in parallel processes of one numerical thread each: the results do not depend on how many."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol, TypeVar

import psutil

from strata.core.console import progress
from strata.core.errors import StrataError
from strata.jobs.cluster import SCHEDULER, ClusterPool

Job = TypeVar("Job")
Result = TypeVar("Result")
PROCESSES = "STRATA_PROCESSES"
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class Pool:
    """Processes that are started at once, and wait for jobs: a process takes seconds to import what it needs."""

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: a forked child would keep the parent's thread pools, and their locks.
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)
        with _one_thread_each(), _deaf_to_interrupts():
            for _ in range(workers):  # each call finds no idle process, and so starts one
                self._executor.submit(int)

    def run(
        self, work: Callable[[Job], Result], jobs: Sequence[Job], title: str, costs: Sequence[float] | None = None
    ) -> list[Result]:
        """Return work(job) for every job, in order; `work` is a function of a module, jobs and results can be pickled.

        Jobs of more `costs` begin sooner: the longest last would keep all others waiting. The first error ends all, an
        interrupt at once. Raises StrataError where a process dies.
        """
        try:
            with _one_thread_each(), _deaf_to_interrupts():
                order = sorted(range(len(jobs)), key=lambda place: -costs[place]) if costs else range(len(jobs))
                futures = {self._executor.submit(work, jobs[place]): place for place in order}
            results = {}
            for future in progress(as_completed(futures), title, len(jobs), unit="job"):
                results[futures[future]] = future.result()
        except BrokenProcessPool:
            raise StrataError(
                f"{title}: a worker process died, most likely for lack of memory; run again with {PROCESSES}=1"
            ) from None
        except (KeyboardInterrupt, SystemExit):
            for process in multiprocessing.active_children():  # the jobs under way could take minutes
                process.kill()
            raise
        return [results[place] for place in range(len(jobs))]

    def close(self) -> None:
        """End the processes, after the jobs under way; jobs that have not begun are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """End this worker when the process that started it does: after SIGKILL it would wait for jobs for ever."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Jobs(Protocol):
    """What does jobs: processes of this machine, or a cluster."""

    def run(
        self, work: Callable[[Job], Result], jobs: Sequence[Job], title: str, costs: Sequence[float] | None = None
    ) -> list[Result]:
        """Return work(job) for every job, in order."""

    def close(self) -> None:
        """End the work."""


@contextmanager
def started_pool(most: int, bytes_each: float = 0) -> Iterator[Jobs]:
    """Context of a pool of `most` processes, or fewer: one a core, or the environment variable STRATA_PROCESSES.

    Fewer, too, where the memory that is free holds no more processes of `bytes_each`. With STRATA_SCHEDULER the jobs go
    to the workers of a Dask scheduler instead. Every job runs in a process started afresh, even where there is only
    one, so that the same code runs with the same number of threads.
    """
    pool: Jobs = (
        ClusterPool(os.environ[SCHEDULER]) if on_cluster() else Pool(min(process_count(), most, fitting(bytes_each)))
    )
    try:
        yield pool
    finally:
        pool.close()


def on_cluster() -> bool:
    """Return whether jobs go to a scheduler's workers."""
    return bool(os.environ.get(SCHEDULER))


def fitting(bytes_each: float) -> int:
    """Return how many processes of so many bytes fit into the memory that is free now, at least one."""
    return max(1, int(psutil.virtual_memory().available // max(1.0, bytes_each)))


def run_jobs(work: Callable[[Job], Result], jobs: Sequence[Job], title: str) -> list[Result]:
    """Return work(job) for every job, in order, from a pool of its own: see `Pool.run` and `started_pool`."""
    with started_pool(len(jobs)) as pool:
        return pool.run(work, jobs, title)


def process_count() -> int:
    """Return how many processes may run at once. Raises StrataError where STRATA_PROCESSES is no positive number."""
    text = os.environ.get(PROCESSES, "")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise StrataError(f"{PROCESSES} must be a whole number of at least 1, not {text!r}")
    return int(text)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Numerical libraries read their number of threads from the environment when they are loaded."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started here do not get Ctrl-C, which goes to all of a terminal: their parent ends them.

    A Ctrl-C in the meantime reaches this process at the end of the context.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
