"""The peak of this process's own memory, and work that is done in a new process to see what it takes."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import psutil

from strata.core.errors import StrataError
from strata.jobs.pool import end_with_parent

Job = TypeVar("Job")
Result = TypeVar("Result")
SECONDS_BETWEEN = 0.005


def own_memory(process: psutil.Process | None = None) -> int:
    """Return the bytes of a process's memory, by default this one's, without what it has mapped from files.

    The system takes those back when it needs them. Where it does not tell them apart, they count.
    """
    found = (process or psutil.Process()).memory_info()
    return int(found.rss - getattr(found, "shared", 0))


class Peak:
    """The most memory that was seen, in bytes."""

    def __init__(self) -> None:
        self.bytes = own_memory()

    def look(self) -> None:
        """Look at the memory now."""
        self.bytes = max(self.bytes, own_memory())


@contextmanager
def watched() -> Iterator[Peak]:
    """Context in which this process's memory is sampled by a thread."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(SECONDS_BETWEEN):
            peak.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        peak.look()


def in_new_process(work: Callable[[Job], Result], job: Job, remedy: str) -> Result:
    """Return work(job), done in a process of its own. Raises StrataError, which ends with `remedy`, if that dies."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent) as pool:
        try:
            return pool.submit(work, job).result()
        except BrokenProcessPool:
            raise StrataError(f"plan: one batch did not fit into memory: {remedy}") from None
