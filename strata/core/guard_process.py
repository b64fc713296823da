"""The guard's own program, see `guard.py`. It imports nothing of Strata, so it starts in a few hundredths of a second.

python -I guard_process.py STAGE DVC SIGNALS FILES    # two process ids (DVC: 0 if none), two pipes to read from
"""

import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

SECONDS_TO_END = 5.0
SECONDS_BETWEEN_CHECKS = 0.5
ENDING = {signal.SIGTERM, signal.SIGINT}


def watch(stage: int, dvc: int, signals: int, files: int) -> set[Path]:
    """Watch a stage until it has ended, or no longer needs a guard; return the paths that it had not finished."""
    heard, deadline, pipes = b"", None, [signals, files]
    while os.getppid() == stage:
        ready, _, _ = select.select(pipes, [], [], SECONDS_BETWEEN_CHECKS if deadline is None else 0.05)
        read = {pipe: os.read(pipe, 65536) for pipe in ready}
        pipes = [pipe for pipe in pipes if read.get(pipe) != b""]  # nothing to read: the stage has closed it
        heard += read.get(files, b"")
        if deadline is None and ENDING & set(read.get(signals, b"")):
            deadline = time.monotonic() + SECONDS_TO_END
        if deadline is None and not pipes:
            break
        if deadline is None and dvc and _parent(stage) not in (dvc, None):
            os.kill(stage, signal.SIGTERM)
            deadline = time.monotonic() + SECONDS_TO_END
        if deadline is not None and time.monotonic() > deadline:
            _kill(stage)
            break
    return _unfinished(heard + _rest(files))


def _rest(pipe: int) -> bytes:
    """Return what is still in a pipe; a process that the stage started may keep it open."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1 << 20)
    except BlockingIOError:
        return b""


def _unfinished(heard: bytes) -> set[Path]:
    """Return the paths that were begun (+) and not ended (-)."""
    paths: set[Path] = set()
    for message in heard.split(b"\0")[:-1]:
        path = Path(os.fsdecode(message[1:]))
        paths.add(path) if message[:1] == b"+" else paths.discard(path)
    return paths


def _parent(process: int) -> int | None:
    import psutil

    try:
        return psutil.Process(process).ppid()
    except psutil.Error:
        return None


def _kill(stage: int) -> None:
    """Kill a stage and all processes that it started, except this one."""
    import psutil

    try:
        others = psutil.Process(stage).children(recursive=True)
        os.kill(stage, signal.SIGKILL)
    except (psutil.Error, ProcessLookupError):
        return
    for other in others:
        if other.pid != os.getpid():
            other.kill()
    while os.getppid() == stage:
        time.sleep(0.01)
    print(f"error: killed, as it did not end within {SECONDS_TO_END:.0f} s of the signal", file=sys.stderr)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    for half_written in watch(*map(int, sys.argv[1:])):
        remove(half_written)
