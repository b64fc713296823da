"""Where each stage's time goes: imports, starts of processes, work, writing. Writes profile.md.

python -m benchmarks.stage_profile --out benchmarks
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.profiled_stage import STAGE, WORKER
from benchmarks.run import ROOT, stage_commands

HEADER = """# Where the default run's time goes

By `make profile`: every stage's command by itself, one after another, in seconds by the clock and of a processor.
*Imports*: until the stage's own process has imported what it names at its top. *Processes*: until those of its pool
are ready for jobs, the slowest by the clock, and all of them by the processor; what only a job imports counts as work.
*Writing*: by Parquet's writers, and until files are on the disk; drawing into a file is work. *Work* is the rest of
the processor's time, of the stage's own process and of the others.
"""
COLUMNS = (
    "stage",
    "clock",
    "processor",
    "imports, clock",
    "imports, processor",
    "processes",
    "ready, clock",
    "ready, processor",
    "own work",
    "their work",
    "writing, clock",
    "writing, processor",
)


@dataclass(frozen=True)
class ProcessTime:
    """Seconds by the clock and of a processor: until ready for work, in all, and of these for writing."""

    kind: str
    ready: tuple[float, float]
    all: tuple[float, float]
    writing: tuple[float, float]


@dataclass(frozen=True)
class StageTime:
    """The seconds of a stage by the clock, and its processes' times: its own, and those of its pools."""

    clock: float
    processes: Sequence[ProcessTime]

    def row(self) -> list[float]:
        """Return the numbers of the stage's row in the table."""
        (own,) = (each for each in self.processes if each.kind == STAGE)
        others = [each for each in self.processes if each.kind == WORKER]
        works = [
            sum(each.all[1] - each.ready[1] - each.writing[1] for each in processes) for processes in ([own], others)
        ]
        return [
            self.clock,
            sum(each.all[1] for each in self.processes),
            *own.ready,
            len(others),
            max((each.ready[0] for each in others), default=0.0),
            sum(each.ready[1] for each in self.processes if each.kind != STAGE),
            *works,
            sum(each.writing[0] for each in self.processes),
            sum(each.writing[1] for each in self.processes),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("stages", "strata", "networks", "benchmarks"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "params.yaml", folder)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "."], cwd=folder, check=True)
        times = {name: profiled(command, folder) for name, command in stage_commands().items()}
    (out / "profile.md").write_text(table(times), encoding="utf-8")


def profiled(command: Sequence[str], folder: Path) -> StageTime:
    """Run a stage in a folder, and return its times. Raises CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory() as notes:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "benchmarks.profiled_stage", notes, *command], cwd=folder, check=True)
        clock = time.perf_counter() - begin
        found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(notes).glob("*.json"))]
    processes = [
        ProcessTime(each["kind"], *(tuple(each[part]) for part in ("ready", "all", "writing"))) for each in found
    ]
    return StageTime(clock, processes)


def table(times: Mapping[str, StageTime]) -> str:
    """Return the table of all stages, with their sum, as Markdown."""
    rows = {name: stage.row() for name, stage in times.items()}
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"| {' | '.join(COLUMNS)} |\n", f"|---|{'---:|' * (len(COLUMNS) - 1)}\n"]
    for name, row in rows.items():
        cells = [f"{number:.0f}" if place == 4 else f"{number:.1f}" for place, number in enumerate(row)]
        lines.append(f"| {name} | {' | '.join(cells)} |\n")
    return HEADER + "\n" + "".join(lines)


if __name__ == "__main__":
    main()
