"""Runs all stages with just as much memory as the plan asks for: what it passes must not be killed for lack of memory.

python -m benchmarks.plan_limit [--out benchmarks/plan_limit.md] [--settings digits colour]

As root on Linux: a control group has the limit, as a container has. Files that the system keeps in memory count there,
too, and it must give them back.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import ROOT, SETTINGS, run_stage, write_project

MOUNT = Path("/sys/fs/cgroup")
GROUP = "strata_plan_limit"
FIRST, STEP = 0.6 * 2**30, 1.05  # the first limit to try in bytes, and by how much the next is higher
STAGES = ("train", "replicate", "extract", "embed", "measure", "report")
KILLED = 137
HEADER = """# All stages with the least memory that the plan passes

By `python -m benchmarks.plan_limit`: a control group limits the memory of all processes together. The limit grows by 5%
until `make plan` passes; then all stages run under it. If one were killed, the plan would pass what then fails.

| setting | the plan refuses, MiB | the plan passes, MiB | stages |
|---|---:|---:|---|
"""


@dataclass(frozen=True)
class Limited:
    """A control group: the file that takes its processes, and that of its limit in bytes."""

    processes: Path
    limit: Path

    def run(self, limit: float, command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command with so many bytes of memory."""
        self.limit.write_text(str(int(limit)), encoding="ascii")
        return subprocess.run(
            ["sh", "-c", f'echo $$ > {self.processes} && exec "$@"', "sh", *command],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a Markdown file; default: the terminal alone")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    options = parser.parse_args()
    rows = []
    with control_group() as group:
        for name in options.settings:
            with tempfile.TemporaryDirectory(dir=options.out.parent if options.out else None) as scratch:
                refused, passed, ended = least(group, Path(scratch), name)
            rows.append(f"| {name} | {refused / 2**20:.0f} | {passed / 2**20:.0f} | {ended} |")
            print(rows[-1], flush=True)
    if options.out:
        options.out.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")


@contextmanager
def control_group() -> Iterator[Limited]:
    """Context of a control group without processes, of version 1 or 2."""
    first = MOUNT / "memory"
    folder = (first if first.exists() else MOUNT) / GROUP
    folder.mkdir(exist_ok=True)
    try:
        yield Limited(folder / "cgroup.procs", folder / ("memory.limit_in_bytes" if first.exists() else "memory.max"))
    finally:
        folder.rmdir()


def least(group: Limited, folder: Path, name: str) -> tuple[float, float, str]:
    """Return the last limit that the plan refuses, the first that it passes, and how the stages end under that."""
    write_project(folder, *SETTINGS[name])
    run_stage("download", folder)
    place = ["--params", str(folder / "params.yaml"), "--data", str(folder / "data")]
    refused, limit = 0.0, float(FIRST)
    while (done := group.run(limit, [sys.executable, "-m", "strata.commands.plan.main", "--brief", *place])).returncode:
        if not any(word in done.stderr for word in ("free", "memory")) and done.returncode != KILLED:
            raise RuntimeError(done.stderr)
        refused, limit = limit, limit * STEP
    for stage in STAGES:
        command = [sys.executable, "-m", f"stages.{stage}", *place, "--reports", str(folder / "reports")]
        if stage == "report":
            command = [*command[:-2], "--out", str(folder / "reports")]
        done = group.run(limit, command, STRATA_PLAN="off")
        if done.returncode:
            return refused, limit, f"**{stage} fails**: {(done.stderr.splitlines() or [''])[-1]}"
    return refused, limit, "all end well"


if __name__ == "__main__":
    main()
