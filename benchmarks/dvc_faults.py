"""Faults of DVC itself: killed experiments, a disk that fills at any of its writes, files of .dvc/tmp cut short.

python -m benchmarks.dvc_faults --kills 16 --disks 14 --cuts 10 --seed 0

It works in a temporary clone whose stages are stand-ins: they write in a moment what depends on `seed` alone. After
each fault comes what a person would type, and then `dvc repro`; everything must be as in an undisturbed run. A disk
that fills needs the right to mount.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.killed_stage import SIGNALS, absent_objects, end_by, read_stages, written_files
from benchmarks.kills import Undisturbed, differences
from strata.commands.killed_experiment import UNDO
from tests.environments.small_clone import commit_all, environment, run
from tests.environments.stand_ins import copy_with_stand_ins

PAGE = os.sysconf("SC_PAGE_SIZE")  # a tmpfs gives room by pages, so each page less ends DVC at an earlier write
DISK = "64m"
SECONDS_TO_NOTICE = 30  # that the disk is full: diskcache, where DVC keeps hashes, tries to write again without end
DVC = (sys.executable, "-m", "dvc")

# Like the stand-ins of the tests, but the content depends on the seed, and folders have several pages.
STAND_IN = """
import re
import yaml
from pathlib import Path
name = Path(__file__).stem
seed = re.search(r"(?m)^seed: (\\d+)", Path("params.yaml").read_text(encoding="utf-8"))[1]
stage = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"][name]
for entry in [*stage["outs"], *stage.get("metrics", []), *stage.get("plots", [])]:
    path = Path(entry if isinstance(entry, str) else next(iter(entry)))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text(f'{{"stage": {seed}}}\\n' if path.suffix == ".json" else f"{name}\\n{seed}\\n")
    else:
        path.mkdir(exist_ok=True)
        (path / "file").write_text(f"{name} {seed}\\n" * 1000)
"""


@dataclass
class Faults:
    """What came of the faults, by kind: their number, how often a command had to be mended first, and differences."""

    counts: dict[str, int] = field(default_factory=dict)
    mended: dict[str, list[str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def add(self, kind: str, fault: str, mended: list[str], found: list[str]) -> None:
        """Count a fault, what had to be mended after it, and the differences that remain."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.mended.setdefault(kind, []).extend(mended)
        self.differences += [f"{fault}: {line}" for line in found]


def undisturbed_run(folder: Path) -> Undisturbed:
    """Run the stand-ins in a clone, and time an experiment."""
    copy_with_stand_ins(folder)
    for path in (folder / "stages").glob("[a-z]*.py"):
        path.write_text(STAND_IN, encoding="utf-8")
    run(*DVC, "repro", "--quiet", folder=folder)
    commit_all(folder, "undisturbed")
    stages = read_stages(folder)
    files, lock = written_files(folder, stages.values()), (folder / "dvc.lock").read_bytes()
    begin = time.monotonic()
    run(*DVC, "exp", "run", "--quiet", "-S", "seed=1", folder=folder)
    return Undisturbed(folder, stages, files, lock, {"dvc exp run": time.monotonic() - begin})


def repaired(whole: Undisturbed) -> tuple[list[str], list[str]]:
    """Undo the changes, run `dvc repro`, and return what had to be mended for it, and the differences that remain."""
    mended = []
    for lock in whole.folder.glob(".git/*.lock"):
        mended.append(f"removed {lock.relative_to(whole.folder)}")
        lock.unlink()
    run("sh", "-c", UNDO, folder=whole.folder)
    command = (*DVC, "repro")
    done = subprocess.run(command, cwd=whole.folder, env=environment(), text=True, capture_output=True)
    if done.returncode:
        mended.append(last_line(done.stderr))
        mend(whole.folder)
        done = subprocess.run(command, cwd=whole.folder, env=environment(), text=True, capture_output=True)
    failed = [f"dvc repro: {last_line(done.stderr)}"] if done.returncode else []
    missing = [f"missing from the cache: {path}" for path in absent_objects(whole.folder)]
    status = run(*DVC, "status", folder=whole.folder)
    outdated = [] if "up to date" in status else [f"dvc status: {' '.join(status.split())[:100]}"]
    return mended, failed + missing + outdated + differences(whole)


def mend(folder: Path) -> None:
    """Remove DVC's record of who reads and writes what, and a dvc.lock that was cut short, as DVC's errors suggest."""
    (folder / ".dvc/tmp/rwlock").unlink(missing_ok=True)
    run("git", "restore", "dvc.lock", folder=folder)


def last_line(text: str) -> str:
    """Return the last line that DVC printed, without its advertisement."""
    lines = [line for line in text.splitlines() if line and "troubles?" not in line]
    return lines[-1][:160] if lines else "no message"


def set_seed(folder: Path, seed: int) -> None:
    """Change the seed in params.yaml, which every stage reads, or an input of it."""
    params = folder / "params.yaml"
    params.write_text(re.sub(r"(?m)^seed: \d+", f"seed: {seed}", params.read_text(encoding="utf-8")), encoding="utf-8")


def kill_experiment(whole: Undisturbed, number: int, rng: random.Random, faults: Faults) -> None:
    """Kill `dvc exp run` at a random moment, then undo what it changed."""
    kind = SIGNALS[number % len(SIGNALS)]
    command = (*DVC, "exp", "run", "--quiet", "-S", f"seed={number + 2}")
    ended = end_by(kind, command, whole.folder, rng.random() * whole.durations["dvc exp run"])
    left = [f"still running: {line}" for line in ended.left]
    mended, found = repaired(whole)
    faults.add(f"dvc exp run, {kind.name}", f"kill {number}", mended, left + found)


def fill_disk(whole: Undisturbed, number: int, pages: int, faults: Faults) -> None:
    """Leave room for so many pages, run `dvc repro` with another seed, then make room and finish."""
    filling = whole.folder.parent / "filling"
    set_seed(whole.folder, number + 1000)
    room = os.statvfs(whole.folder)
    filling.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - pages * PAGE)))
    command = (*DVC, "repro", "--quiet", "--no-run-cache")
    process = subprocess.Popen(command, cwd=whole.folder, env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        printed = process.communicate(timeout=SECONDS_TO_NOTICE)[1]
        kind = "the disk is full" if process.returncode else "the disk had room"
    except subprocess.TimeoutExpired:
        kind = "the disk is full, and DVC's database waits for room"
        filling.unlink()
        printed = process.communicate()[1]
    filling.unlink(missing_ok=True)
    crash = ["Traceback of DVC's"] if "Traceback" in printed else []
    mended, found = repaired(whole)
    faults.add(kind, f"room for {pages} pages", crash + mended, found)


def cut_file(whole: Undisturbed, path: Path, length: int, faults: Faults) -> None:
    """Cut a file short, and then let `dvc repro` run a stage."""
    content = path.read_bytes()
    path.write_bytes(content[:length])
    (whole.folder / "reports/environment.json").unlink()  # so that it has something to do
    mended, found = repaired(whole)
    faults.add("a file of .dvc/tmp cut short", f"{path.relative_to(whole.folder)} at {length}", mended, found)


def cuts(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield every file under .dvc/tmp that is not empty, with the lengths to cut it to: nothing, half, all but one."""
    for path in sorted(path for path in (folder / ".dvc/tmp").rglob("*") if path.is_file()):
        if size := path.stat().st_size:
            yield from ((path, length) for length in sorted({0, size // 2, size - 1}))


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Context of a file system of 64 MB, or of None without the right to mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def pages_written(whole: Undisturbed) -> int:
    """Return how many pages the file system gives to a `dvc repro` with another seed."""
    before = lowest = os.statvfs(whole.folder).f_bavail
    set_seed(whole.folder, 999)
    process = subprocess.Popen((*DVC, "repro", "--quiet", "--no-run-cache"), cwd=whole.folder, env=environment())
    while process.poll() is None:
        lowest = min(lowest, os.statvfs(whole.folder).f_bavail)
        time.sleep(0.002)
    repaired(whole)
    return before - lowest


def all_faults(scratch: Path, kills: int, disks: int, cut: int, seed: int) -> Faults:
    """Make the faults of every kind, in a random order of places, and return what came of them."""
    rng, faults = random.Random(seed), Faults()

    def tell(kind: str, done: int, of: int) -> None:
        print(f"{kind}: {done} of {of}, {len(faults.differences)} differences", file=sys.stderr, flush=True)

    whole = undisturbed_run(scratch / "clone")
    repaired(whole)
    for number in range(kills):
        kill_experiment(whole, number, rng, faults)
        tell("killed experiments", number + 1, kills)
    places = list(cuts(whole.folder))
    chosen = rng.sample(places, min(cut, len(places)))
    for number, (path, length) in enumerate(chosen):
        cut_file(whole, path, length, faults)
        tell(f"cut files, of {len(places)} places", number + 1, len(chosen))
    with small_disk(scratch / "disk") as disk:
        if disk is None or not disks:
            print("no full disk: it needs the right to mount a file system", file=sys.stderr)
            return faults
        os.environ["DVC_SITE_CACHE_DIR"] = str(disk / "site cache")  # or DVC would write some files elsewhere
        small = undisturbed_run(disk / "clone")
        repaired(small)
        pages = pages_written(small)
        for number in range(disks):
            fill_disk(small, number, (pages * number) // disks, faults)
            tell(f"full disks, of {pages} pages", number + 1, disks)
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=16, help="of `dvc exp run`; default: %(default)s")
    parser.add_argument("--disks", type=int, default=14, help="disks that fill; default: %(default)s")
    parser.add_argument("--cuts", type=int, default=10, help="files of .dvc/tmp cut short; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strata faults ") as scratch:
        faults = all_faults(Path(scratch), options.kills, options.disks, options.cuts, options.seed)
    for kind, count in faults.counts.items():
        mended = faults.mended[kind]
        print(f"{kind}: {count} faults, {len(mended)} to mend before `dvc repro`")
        print("\n".join(f"    {line}" for line in sorted(set(mended))))
    print(f"{sum(faults.counts.values())} faults, {len(faults.differences)} differences")
    print("\n".join(faults.differences))
    sys.exit(1 if faults.differences else 0)


if __name__ == "__main__":
    main()
