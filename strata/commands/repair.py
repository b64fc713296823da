"""Repair: before `dvc repro`, look for objects of DVC's cache that have changed, so that DVC makes them again.

`python -m strata.commands.doctor --repro` does it."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import SCMError
from dvc_data.hashfile.hash_info import HashInfo

from strata.commands.recorded import LockedStage, cached, files_of, read_lock
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import md5_of

OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")
SHOWN = 5  # names in the line


def repair_here() -> None:
    """Repair the cache of the project in this folder, and say what was damaged."""
    try:
        with Repo(str(Path.cwd())) as repo, repo.lock:
            damaged = repair(Path.cwd(), repo.cache.local)
    except (DvcException, SCMError):
        return  # no project, or another DVC is at work: the next command, `dvc repro`, says so
    if damaged:
        more = f" and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
        say(f"damaged in DVC's cache, and removed to be made again: {', '.join(damaged[:SHOWN])}{more}")


def repair(project: Path, cache: Any) -> list[str]:
    """Remove the damaged objects of DVC's cache, and files of the project with the same bytes; return their names.

    An object is read only if its size, time or inode is not what DVC recorded, or if it is in dvc.lock and has no
    record. What is whole is recorded, and loses its other names if `cache.type` allows no hard links.
    """
    objects = Path(cache.path)
    outs = _recorded_files(project, objects)
    damaged = []
    for path in _doubtful(cache, {cached(objects, md5) for md5 in outs.values()}):
        md5 = path.parent.name + path.name
        if md5_of(path) == md5.removesuffix(".dir"):
            _record(cache, path, md5)
            continue
        path.unlink()
        names = [name for name, out in outs.items() if out == md5]
        for name in names:
            _remove_if_not(project / name, md5)
        damaged += names or [md5]
    if "hardlink" not in cache.cache_types:
        for path in _all_objects(objects):
            if path.stat().st_nlink > 1:
                _cut_links(cache, path)
    return sorted(damaged)


def _recorded_files(project: Path, objects: Path) -> dict[str, str]:
    """Return the hash of every artifact in dvc.lock, and of the files in its folders, by path; {} without dvc.lock."""
    try:
        stages: Iterable[LockedStage] = read_lock(project / "dvc.lock").values()
    except StrataError:
        return {}
    return {path: md5 for stage in stages for path, md5 in files_of(objects, stage.outs).items()}


def _all_objects(objects: Path) -> list[Path]:
    return [path for path in objects.glob("??/*") if OBJECT.fullmatch(path.relative_to(objects).as_posix())]


def _doubtful(cache: Any, named: set[Path]) -> Iterator[Path]:
    """Yield the objects that are not as DVC recorded them, and those of `named` without a record."""
    present = {str(path): path for path in _all_objects(Path(cache.path))}
    for name, _, recorded in cache.state.get_many(list(present), cache.fs, {}):
        path = present[name]
        if recorded is not None and recorded.value == path.parent.name + path.name:
            continue
        if path in named or cache.state.hashes.get(name) is not None:
            yield path


def _remove_if_not(path: Path, md5: str) -> None:
    if path.is_file() and md5_of(path) != md5:
        path.unlink()


def _cut_links(cache: Any, path: Path) -> None:
    """Replace an object by a copy of itself: what is written to its other names no longer reaches it."""
    part = path.with_name(f".{path.name}.part")
    try:
        shutil.copyfile(path, part)
        part.chmod(path.stat().st_mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _record(cache, path, path.parent.name + path.name)


def _record(cache: Any, path: Path, md5: str) -> None:
    cache.state.save(str(path), cache.fs, HashInfo(cache.hash_name, md5))
