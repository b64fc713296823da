"""The guard: a small process beside a stage, for what the stage cannot do once it is stuck or killed.

Python handles a signal only between two steps of Python code, so a stage that is stuck in native code, such as a
barrier of OpenMP, does not notice SIGTERM. Neither does a thread of it, if the interpreter's lock is held. Python's
handler in C still writes the signal's number to a pipe, where the guard reads it.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAM = Path(__file__).with_name("guard_process.py")
LONGEST_MESSAGE = 512  # bytes; POSIX writes no more than this to a pipe in one piece on every system

_files: int | None = None  # where the guard hears of half-written files; None in a process without a guard


@contextmanager
def guarded() -> Iterator[None]:
    """Context in which a guard watches this process, on systems with POSIX signals.

    The guard kills this process and those that it started if they do not end within 5 s of SIGTERM or Ctrl-C. If DVC
    started this process, the guard sends SIGTERM once DVC is gone. When this process has ended in whatever way, the
    guard removes what it had not finished to write, see `removed_if_killed`.
    """
    global _files
    if not hasattr(os, "posix_spawn"):
        yield
        return
    (signals_out, signals), (files_out, files) = os.pipe(), os.pipe()
    for descriptor in (signals_out, files_out):
        os.set_inheritable(descriptor, True)
    dvc = os.getppid() if "DVC_STAGE" in os.environ else 0
    words = [sys.executable, "-I", str(PROGRAM), *map(str, (os.getpid(), dvc, signals_out, files_out))]
    # A signal to the whole group, as Ctrl-C is, must not end the guard.
    blocked = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    guard = os.posix_spawn(sys.executable, words, os.environ, setsigmask=blocked)
    os.close(signals_out)
    os.close(files_out)
    os.set_blocking(signals, False)
    before, _files = signal.set_wakeup_fd(signals, warn_on_full_buffer=False), files
    try:
        yield
    finally:
        # The guard ends now, or, after a signal, when this process has ended: it may still wait for a thread.
        signal.set_wakeup_fd(before)
        _files = None
        os.close(signals)
        os.close(files)
        with suppress(ChildProcessError):
            os.waitpid(guard, os.WNOHANG)


@contextmanager
def removed_if_killed(path: Path) -> Iterator[None]:
    """Context in which the guard, if there is one, removes a file or folder should this process be killed."""
    _tell(b"+", path)
    try:
        yield
    finally:
        _tell(b"-", path)


def _tell(kind: bytes, path: Path) -> None:
    message = kind + os.fsencode(path.absolute()) + b"\0"
    if _files is not None and len(message) <= LONGEST_MESSAGE:
        with suppress(OSError):  # a guard that was killed itself
            os.write(_files, message)
