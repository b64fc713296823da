"""Jobs on other machines, through a Dask scheduler: the same work on the same files gives the same bytes.

The workers see the project's folder under the same path (on a shared file system), run the same code, and are started
in that folder: `dask worker tcp://host:port --nthreads 1`.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from strata.core.console import progress
from strata.core.errors import StrataError
from strata.core.limits import THREADS_EACH
from strata.core.portable import in_force
from strata.jobs.encryption import check_encryption

Job = TypeVar("Job")
Result = TypeVar("Result")
SCHEDULER = "STRATA_SCHEDULER"
SECONDS_TO_CONNECT = 15


def fingerprint() -> str:
    """Return a hash of Strata's own code, as this process would import it."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(
        [*root.rglob("*.py"), *(root.parent / "stages").glob("*.py"), *(root.parent / "networks").rglob("*.py")]
    ):
        digest.update(path.relative_to(root.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def own_fingerprint() -> str:
    """Return the fingerprint of the code that submits the jobs."""
    return fingerprint()


class ClusterPool:
    """A pool of a scheduler's workers, with the methods of `strata.jobs.pool.Pool`.

    Raises StrataError at once if the scheduler cannot be reached, refuses this process's certificate or has no workers,
    or if they run other code or under other limits.
    """

    def __init__(self, address: str) -> None:
        # Imported here: it takes a second, and most runs use this machine only.
        from distributed import Client

        check_encryption(address)
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise StrataError(f"{SCHEDULER}: no scheduler answers at {address!r} ({_line(error)})") from None
        try:
            self._check_workers()
        except BaseException:
            self._client.close()
            raise

    def _check_workers(self) -> None:
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            raise StrataError(f"{SCHEDULER}: the scheduler has no workers; start some with `dask worker ADDRESS`")
        try:
            fingerprints = self._client.run(fingerprint)
        except Exception as error:  # whatever a worker without Strata, or with a broken copy, raises
            raise StrataError(
                f"{SCHEDULER}: a worker cannot import Strata; start it in the project's folder ({_line(error)})"
            ) from error
        expected = own_fingerprint()
        outdated = sorted(worker for worker, code in fingerprints.items() if code != expected)
        if outdated:
            raise StrataError(f"{SCHEDULER}: {outdated[0]} runs another version of Strata; restart it from this folder")
        limited = in_force()
        mismatched = sorted(worker for worker, limits in self._client.run(in_force).items() if limits != limited)
        if mismatched and limited:
            command = "env $(python -m strata.core.portable) dask worker ADDRESS"
            raise StrataError(
                f"{SCHEDULER}: {mismatched[0]} is not `reproducible: portable`; start it with `{command}`"
            )
        if mismatched:
            raise StrataError(
                f"{SCHEDULER}: {mismatched[0]} has the limits of `reproducible: portable`; start it without them"
            )

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], title: str, costs: Sequence[float] | None = None
    ) -> list[Result]:
        """Return work(job) for every job, in order; if a worker dies, its job runs again elsewhere.

        Each starts as soon as `jobs` yields it. Jobs with higher `costs` start first. The first error ends all jobs.
        Raises StrataError if a job has killed several workers.
        """
        from distributed import KilledWorker, as_completed

        # Unique keys: Dask would otherwise merge equal jobs, and return a result kept from an earlier run.
        folder = str(Path.cwd())
        priorities = repeat(0.0) if costs is None else costs
        futures = [
            self._client.submit(
                do_in_folder, folder, work, job, key=f"{work.__name__}-{uuid.uuid4().hex}", priority=cost
            )
            for job, cost in zip(jobs, priorities, strict=costs is not None)
        ]
        try:
            for future in progress(as_completed(futures, loop=self._client.loop), title, len(futures), unit="job"):
                future.result()
            return [future.result() for future in futures]
        except KilledWorker:
            raise StrataError(
                f"{title}: a job killed several workers, probably for lack of memory; give them more"
            ) from None
        finally:
            self._client.cancel(futures)

    def close(self) -> None:
        """Disconnect from the scheduler; it and its workers keep running."""
        self._client.close()


def do_in_folder(folder: str, work: Callable[[Any], Any], job: Any) -> Any:
    """Do a job on a worker, in the project's folder, with one numerical thread."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise StrataError(f"{SCHEDULER}: a worker does not see {folder} ({_line(error)}): share the folder") from None
    os.environ.setdefault(THREADS_EACH, "1")
    with threadpool_limits(1):
        return work(job)


def _line(error: BaseException) -> str:
    text = re.sub(r"^in <[^>]*>: ", "", " ".join(str(error).split()))  # the connection's two addresses
    return text[:100] or type(error).__name__
