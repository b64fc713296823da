"""Free memory and cores: the machine's, or what control groups of version 1 or 2, as containers have, leave of them."""

import os
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from strata.core import limits

Memory = namedtuple("Memory", "available")
MIB = 2**20


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that writes the files of control groups, and the list of this process's groups."""
    monkeypatch.setattr(limits, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(limits, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8000 * MIB))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def write(own: str, files: dict[str, str]) -> None:
        Path(limits.GROUPS).write_text(own)
        for name, text in files.items():
            path = limits.MOUNTS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")

    return write


@pytest.mark.usefixtures("groups")
def test_without_control_groups_the_machine_counts():
    assert limits.free_memory() == 8000 * MIB and limits.usable_cores() == 8


@pytest.mark.usefixtures("groups")
def test_without_an_affinity_all_cores_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert limits.usable_cores() == 6


def test_version_2_limits_memory_and_cores_and_files_in_memory_can_be_given_back(groups):
    stat = f"anon 5\ninactive_file {100 * MIB}\nactive_file {50 * MIB}\nshmem 99"
    files = {"memory.max": str(1000 * MIB), "memory.current": str(350 * MIB), "memory.stat": stat}
    groups("0::/\n", files | {"cpu.max": "250000 100000"})
    assert limits.free_memory() == (1000 - 350 + 150) * MIB and limits.usable_cores() == 2


def test_the_tightest_group_above_counts(groups):
    """A job's own group has no limit, its user's has one, and the machine's none."""
    files = {
        "job/user/memory.max": "max",
        "job/memory.max": str(10 * MIB),
        "memory.max": "max",
        "job/cpu.max": "50000 100000",
    }
    used = {f"{folder}memory.current": str(3 * MIB) for folder in ("job/user/", "job/", "")}
    groups("0::/job/user\n", files | used)
    assert limits.free_memory() == 7 * MIB and limits.usable_cores() == 1


def test_version_1_has_a_folder_per_controller_and_sums_of_all_groups_below(groups):
    stat = f"inactive_file 1\nactive_file 1\ntotal_inactive_file {20 * MIB}\ntotal_active_file {10 * MIB}"
    memory = {"limit_in_bytes": str(500 * MIB), "usage_in_bytes": str(130 * MIB), "stat": stat}
    files = {f"memory/a/memory.{name}": text for name, text in memory.items()}
    files |= {"cpu,cpuacct/a/cpu.cfs_quota_us": "300000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"}
    groups("4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n", files)
    assert limits.free_memory() == 400 * MIB and limits.usable_cores() == 3
    groups("4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n", {"cpu,cpuacct/a/cpu.cfs_quota_us": "-1"})
    assert limits.usable_cores() == 8


def test_a_container_sees_its_own_group_as_the_root(groups):
    """The list names the group as the host does; in the container only the root of the mount is there."""
    groups("4:memory:/docker/0123\n", {"memory/memory.limit_in_bytes": "4096", "memory/memory.usage_in_bytes": "96"})
    assert limits.free_memory() == 4000


def test_a_full_group_leaves_nothing_and_one_core(groups):
    files = {"memory.max": "4096", "memory.current": "5000", "cpu.max": "1000 100000"}
    groups("0::/\n", files)
    assert limits.free_memory() == 0 and limits.usable_cores() == 1


def test_no_limit_of_version_1_is_a_large_number(groups):
    groups("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712", "memory/memory.usage_in_bytes": "5"})
    assert limits.free_memory() == 8000 * MIB
