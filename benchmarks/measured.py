"""A command's time and its peak memory, all its processes together."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SECONDS_BETWEEN = 0.5  # more often would take a share of the processor itself


@dataclass(frozen=True)
class Cost:
    """Seconds, the largest memory of one process, and of all together, in GiB; and what the command printed last."""

    seconds: float
    peak_process: float
    peak_all: float
    last_line: str


def measure(*command: str, folder: Path) -> Cost:
    """Run a command of this Python's modules, sampling its memory twice a second.

    Memory is the proportional share where the system tells it, so that shared pages count once.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peaks = [0.0, 0.0]
    done = threading.Event()

    def watch() -> None:
        root = psutil.Process(process.pid)
        while not done.wait(SECONDS_BETWEEN):
            try:
                processes = [root, *root.children(recursive=True)]
                sizes = [getattr(each.memory_full_info(), "pss", each.memory_info().rss) for each in processes]
            except psutil.Error:
                continue
            peaks[0], peaks[1] = max(peaks[0], *sizes), max(peaks[1], sum(sizes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, errors = process.communicate()
    done.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {errors[-2000:]}")
    lines = out.strip().splitlines()
    return Cost(time.perf_counter() - begin, peaks[0] / 2**30, peaks[1] / 2**30, lines[-1] if lines else "")
