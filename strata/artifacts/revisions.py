"""The files of a Git revision or experiment, from Git and DVC's cache, without checking it out."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.brancher import switch
from dvc.scm import SCMError
from dvc_data.index import DataIndexError

from strata.artifacts.run import RunArtifacts
from strata.core.errors import StrataError, in_short
from strata.core.paths import Paths

WORKSPACE = "workspace"


class ProjectFiles:
    """The files of a project at a revision, in Git and DVC's cache, by their paths in the project.

    The project, and DVC's folder, may be within the Git repository. Raises SCMError if there is no such revision.
    """

    def __init__(self, project: Path, revision: str) -> None:
        repo = Repo(str(project))
        inside = project.resolve().relative_to(Path(repo.root_dir).resolve()).as_posix()
        self._inside = "/" if inside == "." else f"/{inside}/"
        self._switched = ExitStack()  # as long as this object lives: DVC's own `rev` knows no folder in a repository
        if revision != WORKSPACE:
            self._switched.enter_context(switch(repo, revision))
        self._files = DVCFileSystem(repo)

    def get(self, path: str, target: Path) -> None:
        """Copy a file or folder to `target`."""
        self._files.get(self._inside + path, str(target), recursive=True)

    def read_text(self, path: str) -> str:
        """Return a file's text. Raises FileNotFoundError if there is none."""
        return self._files.read_text(self._inside + path, encoding="utf-8")


def run_of_revision(repository: Path, revision: str, root: Path) -> RunArtifacts:
    """Return the run of an experiment, of anything that Git resolves, or of the 'workspace'.

    Its files are copied to an empty folder `root` when they are asked for. Raises StrataError as `revision_files` does.
    """
    return RunArtifacts(Paths.under(root), root / "params.yaml", revision_files(repository, revision, root))


def revision_files(repository: Path, revision: str, root: Path) -> Callable[[Path], None]:
    """Return a function that copies a file or folder of a run to its path in `root`, unless it is there already.

    `revision` is an experiment, anything that Git resolves, or 'workspace'. The function raises StrataError if there is
    no such revision, or a file is neither in Git nor in DVC's cache.
    """
    opened = cache(lambda: ProjectFiles(repository, revision))

    def fetch(target: Path) -> None:
        if target.exists():
            return
        path = target.relative_to(root).as_posix()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            opened().get(path, target)
        except SCMError as error:  # raised by the first use of the revision
            raise StrataError(
                f"'{revision}' is neither an experiment nor a Git revision; `dvc exp list` lists the experiments"
                f" ({in_short(error)})"
            ) from None
        except (DvcException, DataIndexError, OSError) as error:
            raise _missing(revision, path, error) from None
        if not target.exists():
            raise _missing(revision, path, None)

    return fetch


def _missing(revision: str, path: str, error: Exception | None) -> StrataError:
    reason = f" ({in_short(error)})" if error else ""
    return StrataError(
        f"{path} of '{revision}' is neither in Git nor in DVC's cache: run that experiment again, or `dvc pull`{reason}"
    )
