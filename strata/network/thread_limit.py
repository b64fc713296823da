"""The environment's limit of threads, OMP_THREAD_LIMIT; without PyTorch, so that it can be checked before any work."""

import os

from strata.core.errors import StrataError

LIMIT = "OMP_THREAD_LIMIT"


def check_thread_limit(threads: int, key: str = "threads") -> None:
    """Check that the environment allows `threads`, the value of `key` in params.yaml.

    Raises StrataError if it allows fewer.
    """
    limit = os.environ.get(LIMIT, "")
    if limit.isdecimal() and int(limit) < threads:
        raise StrataError(
            f"{LIMIT} is {limit}, but {key} is {threads}, and PyTorch would wait for ever; unset {LIMIT},"
            f" or set {key} to {limit}"
        )
