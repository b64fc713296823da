"""The place of the project: whether DVC and Python can work there. Only Python's standard library is needed.

python -m strata.commands.place [--needs-git]    # make runs it before the set-up, which takes minutes
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from strata.core.errors import StrataError

# Folders that hold outs in dvc.yaml without being outs: DVC does not track what is below a link.
FOLDERS = ("data", "data/model", "reports")
NO_SCM = re.compile(r"^\s*no_scm\s*=\s*['\"]?(\w+)", re.MULTILINE)
TYPE_GIT = "`git init && git add . && git commit -m start`"
TYPE_NO_GIT = r"`printf '[core]\nno_scm = true\n' >> .dvc/config.local`"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--needs-git", action="store_true", help="DVC will run, so this must be a Git repository")
    options = parser.parse_args(arguments)
    faults = [*path_faults(Path.cwd()), *(git_faults(Path.cwd()) if options.needs_git else [])]
    if faults:
        sys.exit("\n".join(f"error: {fault}" for fault in faults))


def path_faults(project: Path) -> Iterator[str]:
    """Yield a line for everything in the project's path that PATH or DVC cannot hold."""
    if os.pathsep in str(project):
        yield f"the path of this folder has a '{os.pathsep}', which separates folders in PATH: rename '{project}'"
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8" and not str(project).isascii():
        yield f"this folder's path has letters that DVC cannot read in the locale's {encoding}: export LC_ALL=C.UTF-8"


def git_faults(project: Path) -> Iterator[str]:
    """Yield a line if there is no Git repository, and one for each folder that is a link out of it."""
    if is_without_git(project):
        return
    top = holder_of(".git", project)
    if top is None:
        yield f"this folder is in no Git repository: type {TYPE_GIT}; or, without experiments, {TYPE_NO_GIT}"
        return
    for name in FOLDERS:
        if (project / name).is_symlink() and not (project / name).resolve().is_relative_to(top.resolve()):
            yield (
                f"{name} is a link out of the Git repository, which DVC refuses, but only after the work: move the"
                f" project there, or make {name} a folder and `mount --bind` the other on it"
            )


def check_git(project: Path, what: str) -> None:
    """Check that `what`, such as experiments, can be had here. Raises StrataError if the project is without Git."""
    if is_without_git(project):
        raise StrataError(
            f"{what} need Git, and this project is without (core.no_scm): {TYPE_GIT}, then"
            " `dvc config --local --unset core.no_scm`"
        )
    if holder_of(".git", project) is None:
        raise StrataError(f"{what} need Git, and this folder is in no Git repository: {TYPE_GIT}")


def is_without_git(project: Path) -> bool:
    """Return whether DVC's configuration of this project says that there is no Git, by `core.no_scm`."""
    top = holder_of(".dvc", project)
    values = [value for name in ("config", "config.local") if top for value in _no_scm(top / ".dvc" / name)]
    return bool(values) and values[-1].lower() in ("true", "1", "yes", "on")


def _no_scm(config: Path) -> list[str]:
    return NO_SCM.findall(config.read_text(encoding="utf-8", errors="replace")) if config.is_file() else []


def holder_of(name: str, folder: Path) -> Path | None:
    """Return the nearest of `folder` and the folders above it that has something of this name, None without one."""
    return next((path for path in (folder, *folder.parents) if (path / name).exists()), None)


if __name__ == "__main__":
    main()
