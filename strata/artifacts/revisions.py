"""The files of a Git revision or experiment, from Git and DVC's cache, without checking it out."""

from collections.abc import Callable
from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.scm import SCMError
from dvc_data.index import DataIndexError

from strata.artifacts.run import RunArtifacts
from strata.core.errors import StrataError
from strata.core.paths import Paths

WORKSPACE = "workspace"


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
    files = DVCFileSystem(str(repository), rev=None if revision == WORKSPACE else revision)

    def fetch(target: Path) -> None:
        if target.exists():
            return
        path = target.relative_to(root).as_posix()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.get(path, str(target), recursive=True)
        except SCMError as error:  # raised by the first use of the revision
            raise StrataError(
                f"'{revision}' is neither an experiment nor a Git revision; `dvc exp list` lists the experiments"
                f" ({' '.join(str(error).split())})"
            ) from None
        except (DvcException, DataIndexError, OSError) as error:
            raise _missing(revision, path, error) from None
        if not target.exists():
            raise _missing(revision, path, None)

    return fetch


def _missing(revision: str, path: str, error: Exception | None) -> StrataError:
    reason = f" ({' '.join(str(error).split())[:200]})" if error else ""
    return StrataError(
        f"{path} of '{revision}' is neither in Git nor in DVC's cache: run that experiment again, or `dvc pull`{reason}"
    )
