"""Runs a stage, and notes where the time of each of its processes goes.

python -m benchmarks.profiled_stage notes stages.measure --data data --out data/measures    # on Linux
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any
from unittest.mock import patch

NOTES = "STRATA_PROFILE_NOTES"  # the folder; processes inherit it
STAGE, WORKER, SERVER = "stage", "worker", "server"  # workers are forked from the last, which imports for them

_writing = [0.0, 0.0]
_kept = ExitStack()  # of a process of a pool, to its end


def main() -> None:
    folder, module, *arguments = sys.argv[1:]
    os.environ[NOTES] = str(Path(folder).absolute())
    sys.argv = ["-m", *arguments]  # as while `python -m stages.NAME` imports the stage
    stage = import_module(module)
    ready = spent()
    pool = sys.modules.get("strata.jobs.pool")
    with ExitStack() as stack:
        stack.enter_context(timed_writing())
        if pool is not None:
            stack.enter_context(patch.object(pool, "begin", begin))
        try:
            stage.run_stage(stage.main)
        finally:
            server = forkserver._forkserver._forkserver_pid
            if server is not None:
                spent_there = process_seconds(server)
                note(SERVER, spent_there, spent_there)
            note(STAGE, ready, spent(), _writing)


def begin(imports: Sequence[str], environment: Mapping[str, str]) -> None:
    """Begin as a process of a pool does, and note at its end where its time went."""
    from strata.jobs import pool

    pool.begin(imports, environment)
    _kept.enter_context(timed_writing())
    # By the clock, it is as if each worker had waited for the imports of the server that it is forked from.
    since = os.getppid() if pool.START == "forkserver" else os.getpid()
    ready = process_seconds(since)[0], time.process_time()
    Finalize(None, lambda: note(WORKER, ready, spent(), _writing), exitpriority=0)


def spent() -> tuple[float, float]:
    """Return the seconds since this process began, and the seconds of a processor that it took."""
    return process_seconds(os.getpid())[0], time.process_time()


def process_seconds(process: int) -> tuple[float, float]:
    """Return the seconds since a process began, and those of a processor that it took, to a hundredth."""
    # By the clock that the kernel notes beginnings with: the day's time of them is known to a second only.
    numbers = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, began = (int(numbers[place]) / os.sysconf("SC_CLK_TCK") for place in (11, 12, 19))
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began, user + system


def note(
    kind: str, ready: tuple[float, float], took: tuple[float, float], writing: Sequence[float] = (0.0, 0.0)
) -> None:
    """Write what a process took until it was ready for work, in all, and to write its results."""
    content = {"kind": kind, "ready": ready, "all": took, "writing": writing}
    (Path(os.environ[NOTES]) / f"{kind}-{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")


@contextmanager
def timed_writing() -> Any:
    """Context that adds up the time of Parquet's writers, and until files are on the disk."""
    with ExitStack() as stack:
        parquet = sys.modules.get("pyarrow.parquet")
        targets = [(os, "fsync"), (os, "replace")]
        targets += [(parquet.ParquetWriter, name) for name in ("write_table", "close")] if parquet else []
        for owner, name in targets:
            stack.enter_context(patch.object(owner, name, timed(getattr(owner, name))))
        yield


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that also adds its seconds, and those of a processor in its thread, to the writing."""

    def call(*arguments: Any, **named: Any) -> Any:
        wall, processor = time.perf_counter(), time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            _writing[0] += time.perf_counter() - wall
            _writing[1] += time.thread_time() - processor

    return call


if __name__ == "__main__":
    import_module("benchmarks.profiled_stage").main()  # by this name, other processes find `begin`
