"""Verify: recompute a committed state from scratch, in another folder and with other processes, and compare.

python -m strata.commands.verify [--rev REVISION]
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import SCMError, resolve_rev

from strata.commands.distance import how_far
from strata.commands.place import check_git
from strata.commands.recorded import LockedStage, cached, damaged_objects, objects_folder, read_lock
from strata.core.console import say
from strata.core.errors import StrataError, in_short
from strata.core.files import md5_of
from strata.core.stage import run_stage, stage_parser
from strata.jobs.pool import PROCESSES, process_count
from strata.report.environment import differences

ENVIRONMENT = "reports/environment.json"
OWN_CACHE = "[cache]\n    dir = cache\n"  # in the clone's .dvc, even if the project's configuration names another


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--rev", default="HEAD", help="a Git revision or an experiment's name; default: %(default)s")
    options = parser.parse_args(arguments)
    project = Path.cwd()
    check_git(project, "revisions")
    objects = objects_folder(project)
    with tempfile.TemporaryDirectory(prefix="strata-verify-") as scratch:
        folder = clone(project, options.rev, Path(scratch) / "clone")
        recorded = read_lock(folder / "dvc.lock")
        problems = [*committed_problems(folder, recorded), *damaged_objects(objects, recorded)]
        for line in problems:
            print(line)
        processes = 1 if process_count() > 1 else 2
        say(f"verify: recomputing {options.rev} with {processes} processes, caches empty")
        repeat(folder, processes)
        again = read_lock(folder / "dvc.lock")
        problems += report(objects, folder, recorded, again)
        environment_lines(objects, folder, recorded)
    if problems:
        raise StrataError(
            f"verify: {options.rev} differs from what its code and parameters compute; see the lines above"
        )
    print(f"verify: every artifact of {options.rev} is the same")


def clone(project: Path, revision: str, folder: Path) -> Path:
    """Clone the committed state of a revision or experiment into `folder`; return where in it the project is.

    Raises StrataError if there is no such revision.
    """
    try:
        with Repo(str(project)) as repo:
            commit = resolve_rev(repo.scm, revision)
            source, dvc = Path(repo.scm.root_dir), Path(repo.dvc_dir)
    except (SCMError, DvcException) as error:
        raise StrataError(
            f"'{revision}' is neither a Git revision nor an experiment; `dvc exp list` lists the experiments ({error})"
        ) from None
    git("clone", "--quiet", "--no-checkout", str(source), str(folder), folder=source)
    git("fetch", "--quiet", "origin", "+refs/exps/*:refs/exps/*", folder=folder)
    git("checkout", "--quiet", commit, folder=folder)
    (folder / dvc.relative_to(source) / "config.local").write_text(OWN_CACHE, encoding="utf-8")
    return folder / project.resolve().relative_to(source.resolve())


def git(*command: str, folder: Path) -> str:
    """Run Git and return its output. Raises StrataError with its message if it fails."""
    done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise StrataError(f"git {command[0]}: {in_short(done.stderr)}")
    return done.stdout


def committed_problems(folder: Path, recorded: dict[str, LockedStage]) -> list[str]:
    """Return a line for every file in Git that does not match dvc.lock."""
    lines = []
    for name, stage in recorded.items():
        for path, md5 in stage.outs.items():
            if (folder / path).is_file() and md5_of(folder / path) != md5:
                lines.append(f"{name}: {path} in Git does not match dvc.lock")
    return lines


def repeat(folder: Path, processes: int) -> None:
    """Run every stage of the clone again."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {**os.environ, "PATH": path, PROCESSES: str(processes)}
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", "--force", "--quiet"], cwd=folder, env=variables)
    if done.returncode:
        raise StrataError("verify: the pipeline failed; see its message above")


def report(objects: Path, folder: Path, recorded: dict[str, LockedStage], again: dict[str, LockedStage]) -> list[str]:
    """Print a table of stages and artifacts; return a line for each that differs."""
    problems: list[str] = []
    width = max(len(path) for stage in again.values() for path in stage.outs)
    for name, stage in again.items():
        before = recorded.get(name)
        if before is None:
            problems.append(f"{name}: the stage is not in dvc.lock")
            continue
        changed = [path for path, md5 in stage.deps.items() if before.deps.get(path) not in (md5, None)]
        stale = [path for path in changed if not any(path in other.outs for other in again.values())]
        if before.command != stage.command or before.params != stage.params or stale:
            cause = stale[0] if stale else "its parameters" if before.params != stage.params else "its command"
            problems.append(f"{name}: {cause} changed without recomputing")
        for path, md5 in stage.outs.items():
            same = before.outs.get(path) == md5
            print(f"{name:9} {path:{width}}  {'same' if same else 'DIFFERENT'}")
            if not same:
                distance = "" if problems else how_far(objects, before.outs.get(path), folder / path)
                problems.append(f"{name}: {path} differs{distance}")
    for line in problems:
        print(line)
    return problems


def environment_lines(objects: Path, folder: Path, recorded: dict[str, LockedStage]) -> None:
    """Print a note for every difference between the clone's environment and the recorded one, if that is cached."""
    md5 = next((stage.outs[ENVIRONMENT] for stage in recorded.values() if ENVIRONMENT in stage.outs), "")
    record = cached(objects, md5)
    if not record.is_file():
        lines = ["note: the recorded environment is not in the cache"]
    else:
        first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (record, folder / ENVIRONMENT))
        lines = [f"note: {line}" for line in differences(first, second)]
    for line in lines:
        print(line)


if __name__ == "__main__":
    run_stage(main)
