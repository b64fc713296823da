"""DVC's own files, which a full disk or a power cut leaves empty or cut short: dvc.lock and those of .dvc/tmp."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from strata.commands.git import git_says
from strata.core.errors import StrataError

MARKERS = re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
LOCK = "dvc.lock"
NUMBER = re.compile(r"\d+(e\d+)?")  # YAML 1.2 has 4e59, which PyYAML takes for text
SHOWN = 3  # names in the line


def merge_faults(project: Path) -> Iterator[str]:
    """Yield a line for each of DVC's files with Git's conflict markers, and for a dvc.lock that DVC cannot read.

    dvc.lock is never changed: it may hold what was not committed.
    """
    for name in ("dvc.yaml", "params.yaml"):
        if MARKERS.search(_text(project / name)):
            yield f"{name} has Git's conflict markers: edit it, then `git add {name}`"
    path = project / LOCK
    text = _text(path)
    if MARKERS.search(text):
        yield f"{LOCK} has Git's conflict markers: {_remedy(project)}, then `make repro` and `git add {LOCK}`"
    elif path.exists() and not is_lock(text):
        what = "is damaged or cut short" if text.strip("\0\n ") else "is empty"
        yield f"{LOCK} {what}: {_remedy(project)}, then `make repro`; DVC's cache has the results"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def is_lock(text: str) -> bool:
    """Return whether DVC can read this text as dvc.lock."""
    import yaml

    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506, a safe loader
    except (yaml.YAMLError, ValueError):
        return False
    if not isinstance(content, dict) or content.get("schema") != "2.0":
        return False
    stages = content.get("stages", {})
    return isinstance(stages, dict) and all(map(_is_stage, stages.values()))


def _is_stage(stage: Any) -> bool:
    if not isinstance(stage, dict) or not stage.get("cmd"):
        return False
    params = stage.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(values, dict) for values in params.values()):
        return False
    return all(_are_entries(stage.get(key, [])) for key in ("deps", "outs"))


def _are_entries(entries: Any) -> bool:
    return isinstance(entries, list) and all(
        isinstance(entry, dict)
        and "path" in entry
        and _is_hash(entry.get("md5"))
        and all(value is not None for key, value in entry.items() if key != "md5")
        for entry in entries
    )


def _is_hash(value: Any) -> bool:
    """Return whether DVC takes this for a hash: three characters or more, a whole number too, but no other number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return len(str(value)) > 2
    return value is None or (isinstance(value, str) and len(value) > 2 and not NUMBER.fullmatch(value))


def _remedy(project: Path) -> str:
    """Return what to type for a dvc.lock that Git has; without one, it has to be made again."""
    if git_says(project, "ls-files", "--unmerged", LOCK):
        return f"`git checkout --ours {LOCK}`"
    for revision, command in (("", f"git checkout {LOCK}"), ("HEAD", f"git checkout HEAD {LOCK}")):
        if is_lock(git_says(project, "show", f"{revision}:./{LOCK}") or "-"):
            return f"`{command}`"
    return f"`mv {LOCK} {LOCK}.bak`"


def mend(dvc: Path) -> list[str]:
    """Remove the files of DVC's folder that DVC cannot read, and makes again; return their names, from the project.

    Raises StrataError if a DVC is at work here, which may be writing them.
    """
    bad = [path for path, is_whole in _own_files(dvc / "tmp") if not is_whole(_text(path))]
    names = [path.relative_to(dvc.parent).as_posix() for path in bad]
    if bad:
        _remove(dvc, bad, _shortened(names))
    return names


def forget_records(dvc: Path) -> None:
    """Let DVC forget the hashes that it recorded, in a database that is damaged: it keeps them by the age of this file.

    Raises StrataError if a DVC is at work here.
    """
    _remove(dvc, [dvc / "tmp/btime"], "DVC's database of hashes")


def _remove(dvc: Path, paths: list[Path], what: str) -> None:
    from zc.lockfile import LockError, LockFile

    number = dvc_at_work(dvc.parent)
    try:
        lock = LockFile(str(dvc / "tmp/lock"))  # a DVC that starts now waits, or says that another is at work
    except LockError:
        number, lock = number or 0, None
    try:
        if number is not None:
            raise StrataError(
                f"{what}: damaged or cut short, and a DVC is at work here{f' (process {number})' if number else ''};"
                " wait for it, or end it, then run `make doctor`"
            )
        for path in paths:
            path.unlink(missing_ok=True)
    finally:
        if lock is not None:
            lock.close()


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _own_files(folder: Path) -> Iterator[tuple[Path, Callable[[str], bool]]]:
    """Yield the files of .dvc/tmp without which DVC works, and with which it fails if they are cut short."""
    for path in (folder / "rwlock", folder / "exps/rwlock"):
        if path.is_file():
            yield path, _is_rwlock
    broker = folder / "exps/celery/broker"
    for pattern in ("control/*.exchange", "in/*.msg", "processed/*.msg"):
        for path in broker.glob(pattern):
            yield path, _is_json


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_rwlock(text: str) -> bool:
    """Return whether DVC can read this text as its list of readers and writers."""
    if not _is_json(text):
        return False
    content = json.loads(text)
    if not isinstance(content, dict) or not content.keys() <= {"read", "write"}:
        return False
    readers, writers = content.get("read", {}), content.get("write", {})
    if not isinstance(readers, dict) or not isinstance(writers, dict):
        return False
    lists = [*readers.values(), list(writers.values())]
    return all(isinstance(infos, list) and all(map(_is_info, infos)) for infos in lists)


def _is_info(info: Any) -> bool:
    return isinstance(info, dict) and isinstance(info.get("pid"), int) and isinstance(info.get("cmd"), str)


def dvc_at_work(project: Path) -> int | None:
    """Return the number of a DVC process in this project, or of one whose folder is not known; None without one."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        number, words, folder = (process.info[key] for key in ("pid", "cmdline", "cwd"))
        if number == os.getpid() or not any(Path(word).name in ("dvc", "dvc.exe") for word in (words or [])[:4]):
            continue
        if folder is None or Path(folder).is_relative_to(project.resolve()):
            return number
    return None
