"""Doctor: what keeps DVC or a stage from working here. Mends what is safe, and says what to type for the rest.

python -m strata.commands.doctor            # also what would keep `dvc`, typed by hand, and experiments from working
python -m strata.commands.doctor --repro    # before `dvc repro`: then looks for damaged objects of DVC's cache
python -m strata.commands.doctor --then-repro    # the same, and then `dvc repro`, as `make repro` does
"""

import argparse
import getpass
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from strata.commands.dvc_state import forget_records, mend, merge_faults
from strata.commands.git import git_says
from strata.commands.killed_experiment import killed_experiment
from strata.commands.place import git_faults, holder_of, path_faults
from strata.core.errors import StrataError

CLOCK_FILES = ("requirements.txt", "params.yaml", "dvc.yaml", "dvc.lock")
SECONDS_OFF = 120  # file servers' clocks differ by seconds
TYPED_PATH = "STRATA_TYPED_PATH"  # the PATH of the shell, where make has put .venv first
QUEUED = "/broker/in/"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repro", action="store_true", help="what concerns `dvc repro` only, and DVC's cache")
    parser.add_argument("--then-repro", action="store_true", help="the same, and then `dvc repro`")
    options = parser.parse_args(arguments)
    repro = options.repro or options.then_repro
    project = Path.cwd()
    faults, notes = look(project)
    if not repro:
        notes += experiment_notes(project)
    for note in notes:
        print(note, file=sys.stderr)
    if faults:
        sys.exit("\n".join(f"error: {fault}" for fault in faults))
    if repro:
        look_at_cache(project)
        if options.then_repro:
            sys.exit(dvc_repro())
    elif not notes:
        print("doctor: nothing to mend")


def run_doctor() -> None:
    """Run the doctor; a fault that it meets is one line. It does without `run_stage`, whose imports take 0.15 s."""
    try:
        main()
    except StrataError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'doctor'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(130)


def look(project: Path) -> tuple[list[str], list[str]]:
    """Mend what is safe; return what keeps DVC or a stage from working, and notes of what was mended or is odd."""
    faults = [*path_faults(project), *git_faults(project), *merge_faults(project), *user_faults()]
    notes = clock_notes(project, time.time())
    if killed := killed_experiment(project):
        notes.append(killed)
    top = holder_of(".dvc", project)
    try:
        notes += _mended(mend(top / ".dvc") if top else [])
        check_threads(project)
    except StrataError as error:
        faults.append(str(error))
    return faults, notes


def _mended(names: list[str]) -> list[str]:
    if not names:
        return []
    shown = names[0] + (f" and {len(names) - 1} more" if names[1:] else "")
    lost = "; an experiment may be missing from the queue" if any(QUEUED in name for name in names) else ""
    return [f"mended: removed {shown}, cut short by a full disk or a power cut; DVC makes such files again{lost}"]


def user_faults() -> Iterator[str]:
    """Yield a line if this user has no name or no home, which DVC asks for: a number that the machine does not know."""
    try:
        getpass.getuser()
        Path("~").expanduser()
    except (KeyError, OSError, RuntimeError):
        number = f" {os.getuid()}" if hasattr(os, "getuid") else ""
        yield f"user{number} has no name or no home here, and DVC needs both: export LOGNAME=me HOME=/tmp"


def check_threads(project: Path) -> None:
    """Check that OMP_THREAD_LIMIT allows the threads of every section in params.yaml.

    Raises StrataError if it does not, or if the limit is set and params.yaml cannot be read.
    """
    from strata.network.thread_limit import LIMIT, check_thread_limit

    if LIMIT in os.environ:
        for key, threads in _threads(project):
            check_thread_limit(threads, key)


def _threads(project: Path) -> Iterator[tuple[str, int]]:
    from strata.core.params import read_params

    for name, section in read_params(project / "params.yaml").items():
        threads: Any = section.get("threads") if isinstance(section, dict) else None
        if isinstance(threads, int):
            yield f"{name}.threads", threads


def clock_notes(project: Path, now: float) -> list[str]:
    """Return a line if a file, or the last commit, is from the future: then the clock is wrong, here or there."""
    times = {name: (project / name).stat().st_mtime for name in CLOCK_FILES if (project / name).exists()}
    commit = git_says(project, "log", "-1", "--format=%ct")
    if commit.isdecimal():
        times["the last commit"] = float(commit)
    latest = max(times, key=lambda name: times[name], default=None)
    if latest is None or times[latest] < now + SECONDS_OFF:
        return []
    shown, then = (time.strftime("%Y-%m-%d %H:%M", time.localtime(each)) for each in (now, times[latest]))
    cure = "" if latest.startswith("the ") else f", or `touch {latest}` if it is right"
    return [f"note: the clock shows {shown}, but {latest} is from {then}: set the clock{cure}; downloads may fail"]


def experiment_notes(project: Path) -> list[str]:
    """Return a line for everything that would keep `dvc`, typed by hand, or experiments from working."""
    notes = []
    typed = os.environ.get(TYPED_PATH, os.environ.get("PATH", ""))
    found = shutil.which("python", path=typed)
    if found is None or Path(found).parent.resolve() != Path(sys.executable).parent.resolve():
        notes.append(f"`python` is {found or 'missing'}: type `. .venv/bin/activate` before `dvc`, or stages fail")
    if holder_of(".git", project) is not None:
        notes += _git_notes(project)
    return [f"note: {note}" for note in notes]


def _git_notes(project: Path) -> Iterator[str]:
    said = git_says(project, "rev-parse", "--is-shallow-repository", or_error=True)
    if "dubious ownership" in said:
        yield 'Git distrusts this folder, as another user owns it: git config --global --add safe.directory "$PWD"'
    elif said == "true":
        yield "in a shallow clone, `dvc exp run --temp` and the queue lose their results: git fetch --unshallow"
    names = {key: git_says(project, "config", f"user.{key}") for key in ("name", "email")}
    if not all(value or os.environ.get(f"GIT_COMMITTER_{key.upper()}") for key, value in names.items()):
        yield (
            "with changes that are not committed, `dvc exp run --temp` needs to know you: git config user.name NAME;"
            " git config user.email ADDRESS"
        )


def look_at_cache(project: Path) -> None:
    """Look for damaged objects of DVC's cache; if DVC's records of them are damaged, let it make new ones."""
    import sqlite3

    from strata.commands import repair

    try:
        repair.repair_here()
    except sqlite3.DatabaseError as error:
        top = holder_of(".dvc", project)
        if type(error) is not sqlite3.DatabaseError or top is None:  # its subclasses are about a full disk, or locks
            raise
        forget_records(top / ".dvc")
        print("mended: DVC's records of hashes were damaged; it reads the files again", file=sys.stderr)
        repair.repair_here()


def dvc_repro() -> int:
    """Run `dvc repro` in this process, which has loaded DVC already; return its exit status."""
    from dvc.cli import main as dvc

    sys.argv = ["dvc", "repro"]  # what DVC writes into its locks, for whoever waits for them
    return int(dvc(sys.argv[1:]))


if __name__ == "__main__":
    run_doctor()
