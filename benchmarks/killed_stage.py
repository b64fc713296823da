"""Run a command, send it a signal, and look at what is left: processes, files, and dvc.lock."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from strata.commands.recorded import cached, files_of, objects_folder, read_lock
from strata.core.files import md5_of
from tests.environments.small_clone import environment
from tests.pipeline_paths import outputs

SECONDS_TO_END = 15.0  # a worker checks for its parent only once it has loaded its libraries
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
DVC_REPRO = (sys.executable, "-m", "dvc", "repro", "--quiet", "--no-run-cache")


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml: its command, and the paths that it writes."""

    name: str
    command: tuple[str, ...]
    outs: tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (None if it ended before the signal), and the command lines of what it left.

    `seconds` is how long the processes took to end; `printed` is the command's standard error.
    """

    status: int | None
    left: list[str]
    seconds: float
    printed: str


def read_stages(folder: Path) -> dict[str, Stage]:
    """Return the stages of a repository, in order, with commands that use this Python."""
    content = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    stages = {}
    for name, stage in content.items():
        stages[name] = Stage(name, (sys.executable, *stage["cmd"].split()[1:]), tuple(outputs(stage)))
    return stages


def remove_outs(folder: Path, stage: Stage) -> None:
    """Remove what a stage writes, as DVC does before it runs it."""
    for out in stage.outs:
        path = folder / out
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def end_by(kind: signal.Signals, command: Sequence[str], folder: Path, delay: float) -> Ended:
    """Start a command in a new session, and send it a signal after `delay` seconds.

    SIGINT goes to all its processes, as Ctrl-C does; other signals go to the first process only. Processes that are
    still left are killed.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        begin = time.monotonic()
        os.killpg(process.pid, kind) if kind == signal.SIGINT else process.send_signal(kind)
        while living(process.pid) and time.monotonic() - begin < SECONDS_TO_END:
            time.sleep(0.05)
            process.poll()
        seconds = time.monotonic() - begin
        left = living(process.pid)
        lines = [f"{other.pid}: {' '.join(other.cmdline())}" for other in left]
        for other in left:
            other.kill()
        _, printed = process.communicate()
        return Ended(process.returncode, lines, seconds, printed)
    return Ended(None, [], 0.0, process.communicate()[1])


def living(session: int) -> list[psutil.Process]:
    """Return the running processes of a session, without zombies."""
    processes = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
        except (psutil.Error, OSError):
            continue
    return processes


def written_files(folder: Path, stages: Iterable[Stage]) -> dict[str, str]:
    """Return the MD5 of every file with a final name that stages have written, by path."""
    paths = []
    for stage in stages:
        for out in stage.outs:
            path = folder / out
            paths += [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    final = [path for path in paths if not path.name.endswith(".part")]
    return {path.relative_to(folder).as_posix(): md5_of(path) for path in sorted(final)}


def half_files(folder: Path, stages: Iterable[Stage], whole: Mapping[str, str]) -> list[str]:
    """Return the final paths whose bytes differ from those of the complete file."""
    return [path for path, md5 in written_files(folder, stages).items() if whole.get(path) != md5]


def absent_objects(folder: Path) -> list[str]:
    """Return the artifacts of dvc.lock that are missing from DVC's cache, or damaged there."""
    if not (folder / "dvc.lock").exists():
        return []
    outs = {path: md5 for stage in read_lock(folder / "dvc.lock").values() for path, md5 in stage.outs.items()}
    objects = objects_folder(folder)
    kept = {path: md5 for path, md5 in outs.items() if not in_git(path)}
    return [
        path
        for path, md5 in files_of(objects, kept).items()
        if not cached(objects, md5).is_file() or md5_of(cached(objects, md5)) != md5.removesuffix(".dir")
    ]


def in_git(path: str) -> bool:
    """Return whether an artifact is kept in Git, and so not in DVC's cache."""
    return Path(path).suffix in (".csv", ".json") and path != "reports/environment.json"
