"""What this process may use: free memory and processor cores, also where a container or a batch system limits them."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from strata.core.errors import StrataError

MOUNTS = Path("/sys/fs/cgroup")
GROUPS = Path("/proc/self/cgroup")
# A file that can be given back to make room, and does not count as used, as in psutil's `available`.
RECLAIMABLE = ("inactive_file", "active_file")
PERIOD = 100_000  # microseconds, where the kernel does not say
# What is needed may be so many times an estimate: the lowest was 0.78 of a stage's memory, 0.74 of a process's
# (benchmarks/plan.md).
MARGIN = 1.35
# The variable that says how many threads of a process may run code whose result does not depend on their number.
THREADS_EACH = "STRATA_THREADS_EACH"


def free_memory() -> int:
    """Return the bytes that a process may still take: what the machine has, or less where control groups limit it.

    Source: the kernel's documents of control groups, version 1 (memory.txt) and 2.
    """
    return min([psutil.virtual_memory().available, *_left_in_groups()])


def usable_cores() -> int:
    """Return how many processor cores this process may use, at least one: its affinity, and its control groups' quota.

    Of a quota of 1.5 cores one counts: two busy processes would be stopped for a third of the time.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([allowed, *_quotas()])))


def number_in_environment(name: str) -> int | None:
    """Return the number of an environment variable, None if it is not set.

    Raises StrataError unless it is a whole number of at least 1.
    """
    text = os.environ.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise StrataError(f"{name} must be a whole number of at least 1, not {text!r}")
    return int(text)


def _left_in_groups() -> Iterator[int]:
    for folder in _folders("memory"):
        unified = (folder / "memory.max").exists()
        limit = _number(folder / ("memory.max" if unified else "memory.limit_in_bytes"))
        used = _number(folder / ("memory.current" if unified else "memory.usage_in_bytes"))
        if limit is None or used is None:
            continue
        kept = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
        # Version 1 counts the groups below by names of their own.
        reclaimable = sum(int(kept.get(name if unified else f"total_{name}", 0)) for name in RECLAIMABLE)
        yield max(0, limit - max(0, used - reclaimable))


def _quotas() -> Iterator[float]:
    for folder in _folders("cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdecimal():  # neither `max` nor -1
            yield int(quota) / (int(period) if period.isdecimal() else PERIOD)


def _folders(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control group for a controller, and of those above it.

    In a container the file may name the group as the host sees it, whose folder is not there: the mount's root is.
    """
    for line in _text(GROUPS).splitlines():
        number, controllers, group = line.split(":", 2)
        if number != "0" and controller not in controllers.split(","):
            continue
        for mount in [MOUNTS] if number == "0" else [MOUNTS / controllers, MOUNTS / controller]:
            folder = mount / group.strip("/")
            yield from (each for each in (folder, *folder.parents) if each.is_relative_to(mount) and each.is_dir())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:  # not Linux, or not this version of control groups
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None
