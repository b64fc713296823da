"""What the pool's tests run in other processes: a spawned process imports its work from a module like this."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from threadpoolctl import threadpool_limits

from strata.core.errors import StrataError


class PoolHere:
    """A pool that runs the jobs in this process by one thread: at once, and with warnings as errors."""

    def __init__(self, _: int, _imports: Sequence[str] = ()) -> None:
        pass

    def run(self, work, jobs, _title, _costs=None) -> list:
        with threadpool_limits(1):
            return [work(job) for job in jobs]

    def close(self) -> None:
        pass


def square_after_a_while(number: int) -> int:
    """Return the square; the smaller the number, the later."""
    time.sleep(0.1 * (3 - number))
    return number * number


def touch(path: Path) -> None:
    """Make an empty file."""
    path.touch()


def is_imported(module: str) -> bool:
    """Return whether this process has imported a module."""
    return module in sys.modules


def fail_on_two(number: int) -> int:
    if number == 2:
        raise ValueError(f"cannot do {number}")
    return number


def give_up(name: str) -> NoReturn:
    raise StrataError(f"layer '{name}': nothing to embed")


def die(_: int) -> NoReturn:
    os._exit(1)


def take_all_memory(size: int) -> int:
    """Ask for more memory than there is."""
    return len(np.empty(size))


def environment(name: str) -> tuple[str | None, int]:
    """Return an environment variable and the process's number."""
    return os.environ.get(name), os.getpid()


def die_once(job: tuple[str, int]) -> int:
    """Kill this process the first time that any job comes here, later return the square."""
    marker, number = job
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return number * number
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process does not get here")


def folder_and_threads(_: int) -> tuple[str, int, list[int]]:
    """Return this process's folder, its number, and how many threads its numerical libraries may use."""
    from threadpoolctl import threadpool_info

    return str(Path.cwd()), os.getpid(), [library["num_threads"] for library in threadpool_info()]
