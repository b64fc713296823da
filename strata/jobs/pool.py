"""Independent jobs in parallel processes, one numerical thread each: results do not depend on how many there are.

Where processes are fewer than cores, code whose result does not depend on its threads may use more: see THREADS_EACH.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.util import Finalize
from types import ModuleType
from typing import Literal, Protocol, TypeVar

from strata.core.console import progress
from strata.core.errors import StrataError
from strata.core.limits import MARGIN, THREADS_EACH, free_memory, number_in_environment, usable_cores
from strata.jobs.cluster import SCHEDULER, ClusterPool

Job = TypeVar("Job")
Result = TypeVar("Result")
PROCESSES = "STRATA_PROCESSES"
# Not forked from this process: a child would inherit its thread pools and their locks. On Linux a process that does
# nothing else imports what the jobs need, once for all workers, and they are forked from that; elsewhere each imports.
START: Literal["forkserver", "spawn"] = "forkserver" if sys.platform == "linux" else "spawn"
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
# glibc keeps freed memory: the next array of a job then needs no new pages, which cost more than to fill it.
MEMORY_KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class Pool:
    """Processes that start at once and wait for jobs, because a process takes seconds to import what it needs."""

    def __init__(self, workers: int, imports: Sequence[str] = ()) -> None:
        import_ahead(imports)
        context = multiprocessing.get_context(START)
        each = {THREADS_EACH: str(max(1, process_count() // workers))}
        start = (imports, dict(os.environ) | _one_thread() | each)
        self._executor = ProcessPoolExecutor(workers, mp_context=context, initializer=begin, initargs=start)
        with _one_thread_each(), _interrupts_blocked(), _main_hidden():
            for _ in range(workers):  # no process is idle yet, so each call starts one
                self._executor.submit(int)

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], title: str, costs: Sequence[float] | None = None
    ) -> list[Result]:
        """Return work(job) for every job, in order; `work` must be a module's function, jobs and results picklable.

        Each job starts as soon as `jobs` yields it, while the next is made. Jobs with higher `costs` start first, so
        that no long job runs alone at the end. The first error ends all jobs, and an interrupt ends them at once.
        Raises StrataError if a process dies, TypeError for a function of the script.
        """
        if getattr(work, "__module__", None) == "__main__":
            name = getattr(work, "__name__", work)
            raise TypeError(f"{title}: {name} must be a function of a module that workers can import")
        numbered: Iterable[tuple[int, Job]] = enumerate(jobs)
        if costs is not None:
            numbered = sorted(numbered, key=lambda each: -costs[each[0]])
        futures, results = {}, {}
        try:
            for index, job in numbered:
                with _one_thread_each(), _interrupts_blocked(), _main_hidden():
                    futures[self._executor.submit(work, job)] = index
            for future in progress(as_completed(futures), title, len(futures), unit="job"):
                results[futures[future]] = future.result()
        except BrokenProcessPool:
            raise StrataError(
                f"{title}: a worker process died, probably for lack of memory; run again with {PROCESSES}=1"
            ) from None
        except (KeyboardInterrupt, SystemExit):
            for process in multiprocessing.active_children():  # running jobs could take minutes
                process.kill()
            raise
        return [results[index] for index in range(len(results))]

    def close(self) -> None:
        """End the processes once their current jobs are done; jobs that have not started are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def import_ahead(modules: Sequence[str]) -> None:
    """Let the process that workers will be forked from import modules, while this one imports what it needs itself."""
    if START == "forkserver" and not on_cluster():
        with _one_thread_each(), _interrupts_blocked(), _main_hidden():
            multiprocessing.get_context(START).set_forkserver_preload(list(modules))
            forkserver.ensure_running()


def begin(imports: Sequence[str], environment: Mapping[str, str]) -> None:
    """Prepare a new process: it ends with its parent, and imports the modules that its jobs need before there are jobs.

    Nothing is collected meanwhile, as all of it stays. `environment` is that of the parent, which may have changed
    since the process that this one is forked from began.
    """
    end_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    gc.disable()
    for module in imports:
        with suppress(ImportError):  # of a package that is not installed: the job that needs it says so
            import_module(module)
    gc.freeze()
    gc.enable()
    # When it ends, it need not look for garbage among what jobs have imported since: that takes half a second.
    Finalize(None, gc.freeze, exitpriority=0)


def end_with_parent() -> None:
    """End this worker when its parent process ends: if the parent were killed, the worker would wait forever."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Jobs(Protocol):
    """Anything that runs jobs: processes on this machine, or a cluster."""

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], title: str, costs: Sequence[float] | None = None
    ) -> list[Result]:
        """Return work(job) for every job, in order; each starts as soon as it is there."""

    def close(self) -> None:
        """End the work."""


@contextmanager
def started_pool(limit: int, bytes_each: float = 0, imports: Sequence[str] = (), besides: float = 0) -> Iterator[Jobs]:
    """Context of a pool of at most `limit` processes, one per core or as many as STRATA_PROCESSES says.

    There are fewer if free memory does not hold that many processes of `bytes_each`, and `besides`, which this process
    will take. While there are no jobs, they import the modules named. With STRATA_SCHEDULER the jobs go to the workers
    of a Dask scheduler instead. Even a single job runs in a new process, so that the same code always runs with the
    same number of threads.
    """
    pool: Jobs
    if on_cluster():
        pool = ClusterPool(os.environ[SCHEDULER])
    else:
        pool = Pool(processes_for(limit, bytes_each, besides), imports)
    try:
        yield pool
    finally:
        pool.close()


def perform(job: Callable[[], Result]) -> Result:
    """Do a job that takes nothing, in a process of the pool."""
    return job()


def on_cluster() -> bool:
    """Return whether jobs go to a scheduler's workers."""
    return bool(os.environ.get(SCHEDULER))


def processes_for(limit: int, bytes_each: float, besides: float = 0) -> int:
    """Return how many processes `started_pool` starts. Raises StrataError as `process_count` does."""
    return min(process_count(), limit, fitting(bytes_each, besides))


def fitting(bytes_each: float, besides: float = 0) -> int:
    """Return how many processes of `bytes_each` fit into free memory with `besides`, at least one.

    Both are estimates: they fit if what they may be at most does.
    """
    return max(1, int((free_memory() / MARGIN - besides) // max(1.0, bytes_each)))


def run_jobs(
    work: Callable[[Job], Result], jobs: Sequence[Job], title: str, imports: Sequence[str] = ()
) -> list[Result]:
    """Return work(job) for every job, in order, using a new pool: see `Pool.run` and `started_pool`."""
    with started_pool(len(jobs), imports=[work.__module__, *imports]) as pool:
        return pool.run(work, jobs, title)


def process_count() -> int:
    """Return how many processes may run at once. Raises StrataError if STRATA_PROCESSES is not a positive number."""
    return number_in_environment(PROCESSES) or usable_cores()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Context in which new processes use one thread, and keep freed memory: both are read from the environment."""
    environment = _one_thread()
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _one_thread() -> dict[str, str]:
    return dict.fromkeys(THREAD_LIMITS, "1") | MEMORY_KEPT


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Context in which new processes do not import the script that runs: jobs are functions of modules.

    Otherwise a script that has no `if __name__ == "__main__"` would run again in each of them.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Context in which new processes ignore Ctrl-C, which a terminal sends to all of them: their parent ends them.

    A Ctrl-C within the context reaches this process at its end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
