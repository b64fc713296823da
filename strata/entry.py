"""How every stage script starts and ends: its command line, and one line instead of a traceback."""

import argparse
import errno
import sys
from collections.abc import Callable
from pathlib import Path

from strata.errors import StrataError

MACHINE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.ENOENT: "no such file or folder; run `dvc repro` to make it",
}


def stage_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the script's docstring as help and takes `--params`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: %(default)s")
    return parser


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; end a user's mistake or a machine's fault with one line on standard error and status 1."""
    try:
        main()
    except StrataError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        sys.exit("error: out of memory; free some, or lower the stage's batch_size in params.yaml")
    except OSError as error:
        if error.errno not in MACHINE_FAULTS:
            raise
        sys.exit(f"error: {error.filename or 'writing'}: {MACHINE_FAULTS[error.errno]}")
