"""How the functions of this package are compiled and kept, and how their work is divided among threads."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numba
from numba.core import caching
from numba.misc.appdirs import AppDirs

Function = TypeVar("Function", bound=Callable[..., Any])
CHUNKS = 4  # per thread: a chunk that takes longer delays the others less


class Divided(Protocol):
    """Runs `work(*arguments, first, last)` on ranges of 0 to `count`, which must not depend on one another."""

    def __call__(self, count: int, work: Callable[..., object], *arguments: object) -> None: ...


@cache
def package_version() -> str:
    """Return a hash of this package's code: a compiled function contains what it calls, from whatever file."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in files)).hexdigest()


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """A folder of the user's for this version of the package, wherever the project is: experiments run in copies of it.

    numba's own compares only the file that a function is in, and each copy of the project would compile again.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        base = numba.config.CACHE_DIR or AppDirs(appname="numba", appauthor=False).user_cache_dir
        return str(Path(base) / f"strata_{package_version()[:40]}")

    def get_source_stamp(self) -> str:
        return package_version()

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> Self | None:
        """Return the locator, or None if its folder cannot be written to."""
        locator = cls(function)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


class _Parts(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _Cache(caching.FunctionCache):  # type: ignore[misc]
    _impl_class = _Parts


def compiled(function: Function) -> Function:
    """Return the function, which is compiled for this processor at its first call, and then kept on the disk.

    Without `fastmath`, sums keep their order and products are not fused with sums, so every processor gives the same
    bytes. The interpreter's lock is not held, so threads of Python run at the same time. Where no folder can be
    written to, each process compiles for itself.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):
        dispatcher._cache = _Cache(function)
    return dispatcher


@contextmanager
def divided(threads: int) -> Iterator[Divided]:
    """Context of a function that divides work among threads; with one thread there is one range."""
    if threads == 1:
        yield lambda count, work, *arguments: _run_all(count, work, *arguments)
        return
    with ThreadPoolExecutor(threads) as pool:

        def run(count: int, work: Callable[..., object], *arguments: object) -> None:
            edges = [count * chunk // (CHUNKS * threads) for chunk in range(CHUNKS * threads + 1)]
            list(pool.map(lambda first, last: work(*arguments, first, last), edges[:-1], edges[1:]))

        yield run


def _run_all(count: int, work: Callable[..., object], *arguments: object) -> None:
    work(*arguments, 0, count)
