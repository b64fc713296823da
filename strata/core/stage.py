"""How every stage script starts and ends: its command line, and a one-line error instead of a traceback."""

import argparse
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from strata.core.errors import StrataError
from strata.core.guard import guarded
from strata.core.portable import LimitsMissingError, restart_under_limits

MACHINE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.ENOENT: "no such file or folder; run `dvc repro` to make it",
    errno.EFBIG: "the file would be larger than the file system, or `ulimit -f`, allows",
    errno.ENOTDIR: "a part of this path is a file, not a folder; move that file away",
    errno.EEXIST: "a file is in the way; move it away",
    errno.ENAMETOOLONG: "the name is too long for the file system; choose a shorter one",
}

OUT_OF_MEMORY = "error: out of memory; free some, or lower the stage's batch_size in params.yaml"
TORCH_OUT_OF_MEMORY = "can't allocate memory"  # PyTorch raises a RuntimeError

# Threads that wait for work sleep. By default they spin, which beside other work takes most of the time. OpenMP reads
# this when PyTorch is loaded, so a stage imports this file first. No result changes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def stage_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that accepts `--params` and shows the script's docstring as help."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: %(default)s")
    return parser


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; after a user's mistake or a fault of the machine, print one line on standard error and exit with 1.

    SIGTERM ends the stage as Ctrl-C does, and half-written files are removed. So does the death of the DVC process that
    runs it; otherwise the next `dvc repro` would meet a stage that is still writing. Its guard kills a stage that does
    not end 5 s later. The stage restarts under limits if `reproducible: portable` requires it.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    previous_handler = signal.signal(signal.SIGTERM, _terminate)
    try:
        with guarded():
            _under_limits(main)
    except StrataError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except RuntimeError as error:
        if TORCH_OUT_OF_MEMORY not in str(error):
            raise
        sys.exit(OUT_OF_MEMORY)
    except OSError as error:
        if error.errno not in MACHINE_FAULTS:
            raise
        sys.exit(f"error: {error.filename or 'writing'}: {MACHINE_FAULTS[error.errno]}")
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
        gc.freeze()  # the process ends: to look for garbage among all of PyTorch's objects would take half a second


def _under_limits(main: Callable[[], None]) -> None:
    try:
        main()
    except LimitsMissingError:
        restart_under_limits()


def _terminate(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
