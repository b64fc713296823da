"""A command's time and peak memory, over all its processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SECONDS_BETWEEN = 0.5  # sampling more often would itself take processor time


@dataclass(frozen=True)
class Cost:
    """Seconds, peak memory of one process and of all together in GiB, and the last line that the command printed."""

    seconds: float
    peak_process: float
    peak_all: float
    last_line: str


def measure(*command: str, folder: Path) -> Cost:
    """Run a Python module with arguments, sampling its memory twice a second.

    Memory is the proportional share, if the system reports it, so that shared pages count once.
    """
    peaks = [0.0, 0.0]

    def look(processes: Sequence[psutil.Process]) -> None:
        sizes = [getattr(each.memory_full_info(), "pss", each.memory_info().rss) for each in processes]
        peaks[0], peaks[1] = max(peaks[0], *sizes), max(peaks[1], sum(sizes))

    begin = time.perf_counter()
    out = watched([sys.executable, "-m", *command], folder, look)
    lines = out.strip().splitlines()
    return Cost(time.perf_counter() - begin, peaks[0] / 2**30, peaks[1] / 2**30, lines[-1] if lines else "")


def watched(
    command: Sequence[str],
    folder: Path,
    look: Callable[[Sequence[psutil.Process]], None],
    seconds_between: float = SECONDS_BETWEEN,
) -> str:
    """Run a command in a folder, and return what it prints; `look` sees its processes, the first of them its own.

    Raises RuntimeError with the end of its errors if it fails.
    """
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done = threading.Event()

    def watch() -> None:
        root = psutil.Process(process.pid)
        while not done.wait(seconds_between):
            with suppress(psutil.Error):  # a process that has just ended
                look([root, *root.children(recursive=True)])

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, errors = process.communicate()
    done.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {errors[-2000:]}")
    return out
