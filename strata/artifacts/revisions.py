"""The files of a Git revision or experiment, from Git and DVC's cache, without checking it out."""

from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.scm import SCMError
from dvc_data.index import DataIndexError

from strata.core.errors import StrataError

WORKSPACE = "workspace"
# What the page of one run is made from.
PATHS = (
    "params.yaml",
    "data/raw",
    "data/model/mnist_cnn.pt",
    "data/activations",
    "data/embeddings",
    "data/measures",
    "reports/training.json",
    "reports/learning_curve.csv",
    "reports/epochs.csv",
    "reports/measures.csv",
    "reports/cka.csv",
    "reports/intrinsic_dimension.csv",
    "reports/stability.csv",
    "reports/class_pairs.csv",
    "reports/environment.json",
)


def fetch_run(repository: Path, revision: str, into: Path) -> None:
    """Copy a run's files into a folder. `revision` is an experiment, anything Git resolves, or 'workspace'.

    Raises StrataError where there is no such revision, or a file is neither in Git nor in DVC's cache.
    """
    try:
        files = DVCFileSystem(str(repository), rev=None if revision == WORKSPACE else revision)
        for path in PATHS:
            _fetch(files, revision, path, into / path)
    except SCMError as error:  # raised by the first use of the revision
        raise StrataError(
            f"'{revision}' is no experiment and no Git revision here; `dvc exp list` names the experiments"
            f" ({' '.join(str(error).split())})"
        ) from None


def _fetch(files: DVCFileSystem, revision: str, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.get(path, str(target), recursive=True)
    except SCMError:
        raise
    except (DvcException, DataIndexError, OSError) as error:
        raise _missing(revision, path, error) from None
    if not target.exists():
        raise _missing(revision, path, None)


def _missing(revision: str, path: str, error: Exception | None) -> StrataError:
    reason = f" ({' '.join(str(error).split())[:200]})" if error else ""
    return StrataError(
        f"{path} of '{revision}' is neither in Git nor in DVC's cache: run that experiment again, or `dvc pull`{reason}"
    )
