"""Kill every stage at random moments, then let DVC repair it: the result must equal that of an undisturbed run.

python -m benchmarks.kills --kills 60 --seed 0

It works in a temporary clone with a small pipeline. Each round kills every stage, the last one first, then `dvc repro`
itself, and then lets `dvc repro` finish without DVC's run cache, so that everything killed is computed again.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.killed_stage import (
    DVC_REPRO,
    SIGNALS,
    Ended,
    Stage,
    absent_objects,
    end_by,
    half_files,
    read_stages,
    remove_outs,
    written_files,
)
from tests.environments.small_clone import commit_all, copy_working_tree, run

KILLS_OF_A_STAGE = 2  # per round; the second kill starts from what the first left
DVC = "dvc repro"


@dataclass
class Tally:
    """The results: kills by stage and signal, one line per difference, and the longest time that a process survived."""

    kills: dict[tuple[str, str], int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, name: str, kind: str, ended: Ended, faults: list[str]) -> None:
        """Count a kill and the faults after it."""
        self.kills[name, kind] = self.kills.get((name, kind), 0) + 1
        self.seconds = max(self.seconds, ended.seconds)
        self.differences += [f"{name} {kind}: {fault}" for fault in faults]


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed run in a repository: its stages, its files' hashes, dvc.lock, and each command's seconds."""

    folder: Path
    stages: Mapping[str, Stage]
    files: Mapping[str, str]
    lock: bytes
    durations: Mapping[str, float]


def undisturbed_run(folder: Path) -> Undisturbed:
    """Run the pipeline in a clone, once with DVC, and once stage by stage to time each stage."""
    copy_working_tree(folder)
    run("dvc", "repro", "--quiet", folder=folder)
    commit_all(folder, "undisturbed")
    stages = read_stages(folder)
    files, durations = written_files(folder, stages.values()), {}
    for stage in stages.values():
        begin = time.monotonic()
        run(*stage.command, folder=folder)
        durations[stage.name] = time.monotonic() - begin
    durations[DVC] = sum(durations.values())
    whole = Undisturbed(folder, stages, files, (folder / "dvc.lock").read_bytes(), durations)
    if differences(whole):
        raise RuntimeError(f"two undisturbed runs differ: {differences(whole)}")
    return whole


def kill(whole: Undisturbed, name: str, kind: int, rng: random.Random, tally: Tally) -> None:
    """Kill a stage, or `dvc repro`, at a random moment, and check what it left; retry if it ended before the signal."""
    signal = SIGNALS[kind % len(SIGNALS)]
    stages = [whole.stages[name]] if name in whole.stages else []
    command = stages[0].command if stages else DVC_REPRO
    while True:
        for stage in stages:
            remove_outs(whole.folder, stage)
        ended = end_by(signal, command, whole.folder, rng.random() * whole.durations[name])
        if ended.status is not None:
            break
    left = [f"still running: {line}" for line in ended.left]
    half = [f"half-written: {path}" for path in half_files(whole.folder, whole.stages.values(), whole.files)]
    absent = [f"in dvc.lock but missing or damaged: {path}" for path in absent_objects(whole.folder)]
    tally.add(name, signal.name, ended, left + half + absent)


def differences(whole: Undisturbed) -> list[str]:
    """Return one line per difference from the undisturbed run."""
    files = written_files(whole.folder, whole.stages.values())
    paths = sorted(path for path in {*files, *whole.files} if files.get(path) != whole.files.get(path))
    lines = [f"differs: {path}" for path in paths]
    if (whole.folder / "dvc.lock").read_bytes() != whole.lock:
        lines.append("differs: dvc.lock")
    return lines + [f"git status: {line}" for line in run("git", "status", "-s", folder=whole.folder).splitlines()]


def rounds_of_kills(whole: Undisturbed, kills: int, seed: int) -> Tally:
    """Kill stages in rounds, each followed by a repairing run, until there have been `kills` kills."""
    rng, tally, done = random.Random(seed), Tally(), 0
    turn = {name: rng.randrange(len(SIGNALS)) for name in (*whole.stages, DVC)}  # then each signal in turn
    while done < kills:
        for name in reversed(whole.stages):
            for _ in range(min(KILLS_OF_A_STAGE, kills - done)):
                kill(whole, name, turn[name], rng, tally)
                turn[name], done = turn[name] + 1, done + 1
        kill(whole, DVC, turn[DVC], rng, tally)
        turn[DVC] += 1
        run(*DVC_REPRO, folder=whole.folder)
        tally.differences += [f"after {done} kills: {line}" for line in differences(whole)]
        print(f"kills: {done} of {kills}, {len(tally.differences)} differences", file=sys.stderr, flush=True)
    return tally


def table(tally: Tally) -> str:
    """Return the kills by stage and signal as a Markdown table."""
    names = [kind.name for kind in SIGNALS]
    counts = {
        stage: [str(tally.kills.get((stage, kind), 0)) for kind in names]
        for stage in dict.fromkeys(name for name, _ in tally.kills)
    }
    rows = [names, ["---"] * len(names), *counts.values()]
    heads = ["killed", "---", *counts]
    return "\n".join(f"| {head} | {' | '.join(row)} |" for head, row in zip(heads, rows, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="of stages; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strata kills ö ") as scratch:
        tally = rounds_of_kills(undisturbed_run(Path(scratch)), options.kills, options.seed)
    print(table(tally))
    print(f"{sum(tally.kills.values())} kills, {options.kills} of them of stages; {len(tally.differences)} differences")
    print(f"no process survived for more than {tally.seconds:.1f} s")
    print("\n".join(tally.differences))
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
