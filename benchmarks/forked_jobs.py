"""Jobs one after another, each in a copy of this process: a program that an emulated one starts runs natively.

A copy also outlives QEMU 7.2, whose emulation of a process that works for minutes sometimes ends in a crash of its own.
"""

import os
import pickle
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

ATTEMPTS = 4


class ForkedJobs:
    """A pool with the methods of `strata.pool.Pool`."""

    def __init__(self, _workers: int) -> None:
        pass

    def run(
        self, work: Callable[[Any], Any], jobs: Sequence[Any], title: str, _costs: Sequence[float] | None = None
    ) -> list[Any]:
        """Return work(job) for every job, in order. A job whose process crashes is done again, at most 3 times."""
        results = []
        for job in jobs:
            for _attempt in range(ATTEMPTS):
                status, data = in_a_copy(work, job)
                if not os.WIFSIGNALED(status):
                    break
                print(f"{title}: the emulated process crashed; once more", flush=True)
            if status:
                raise SystemExit(f"{title}: a job failed")
            results.append(pickle.loads(data))  # noqa: S301, our own copy's
        return results

    def close(self) -> None:
        """Every process has ended."""


def in_a_copy(work: Callable[[Any], Any], job: Any) -> tuple[int, bytes]:
    """Do a job in a copy of this process, with one thread; return how it ended, and its pickled result."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(receiver)
            with threadpool_limits(1), os.fdopen(sender, "wb") as out:
                pickle.dump(work(job), out)
            status = 0
        except BaseException:  # noqa: BLE001, told, and the copy ends
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(sender)
    with os.fdopen(receiver, "rb") as source:
        data = source.read()
    return os.waitpid(child, 0)[1], data
