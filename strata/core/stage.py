"""How every stage script starts and ends: its command line, and one line instead of a traceback."""

import argparse
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from strata.core.errors import StrataError
from strata.core.portable import LimitsMissingError, start_anew

MACHINE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.ENOENT: "no such file or folder; run `dvc repro` to make it",
}

OUT_OF_MEMORY = "error: out of memory; free some, or lower the stage's batch_size in params.yaml"
TORCH_OUT_OF_MEMORY = "can't allocate memory"  # PyTorch raises a RuntimeError
SECONDS_BETWEEN_LOOKS = 0.5


def stage_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the script's docstring as help and takes `--params`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: %(default)s")
    return parser


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; end a user's mistake or a machine's fault with one line on standard error and status 1.

    SIGTERM ends it as Ctrl-C does, with what is half-written removed. So does the death of the DVC that runs it: the
    next `dvc repro` would find a stage that still writes. Where `reproducible: portable` asks for it, the stage
    starts anew under its limits.
    """
    before = signal.signal(signal.SIGTERM, _terminate)
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
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
        signal.signal(signal.SIGTERM, before)


def _under_limits(main: Callable[[], None]) -> None:
    try:
        main()
    except LimitsMissingError:
        start_anew()


def _terminate(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)
