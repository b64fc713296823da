"""Fetch one file over HTTP: time-outs, attempts with back-off, resuming, a progress bar, a bound on the size."""

import time
from collections.abc import Iterator
from pathlib import Path

import requests
import tenacity
import urllib3

from strata.core.console import progress
from strata.sources.params import DownloadParams

PIECE = 1 << 16
LONGEST_ATTEMPT = 1800.0  # seconds: a server that drips byte by byte would never be silent for long
LONGEST_REASON = 200  # characters of what a server says


class SourceError(Exception):
    """A source cannot give a file; the text says why, in a few words and on one line, whatever the server sent."""

    def __init__(self, reason: str) -> None:
        words = "".join(character if character.isprintable() else " " for character in reason).split()
        super().__init__(" ".join(words)[:LONGEST_REASON])


class MissingFileError(SourceError):
    """The source has no file of that name."""


class PassingError(SourceError):
    """A fault that may be gone at the next attempt."""


def fetch(address: str, target: Path, limit: int, patience: DownloadParams) -> None:
    """Write what an http(s) address answers to `target`, as sent (still compressed), resuming a broken transfer.

    Raises MissingFileError on 404 and 410, SourceError on any other failure, after the attempts that `patience` allows.
    `target` is removed then; nothing larger than `limit` bytes is taken.
    """
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=tenacity.wait_exponential(multiplier=patience.backoff_seconds, max=60),
        retry=tenacity.retry_if_exception_type(PassingError),
        reraise=True,
    )
    target.unlink(missing_ok=True)
    try:
        attempts(_attempt, address, target, limit, patience)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _attempt(address: str, target: Path, limit: int, patience: DownloadParams) -> None:
    held = target.stat().st_size if target.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={held}-"} if held else {})
    try:
        with requests.get(address, headers=headers, stream=True, timeout=patience.timeout_seconds) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                target.unlink(missing_ok=True)  # what is held fits nothing that the server has: start afresh
            _check_status(response)
            if response.status_code != requests.codes.partial_content or not _continues(response, held):
                held = 0  # the server cannot resume: start afresh
            _write(response, target, held, limit)
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        raise PassingError(f"no byte for {patience.timeout_seconds:g} s") from None
    except (requests.ConnectionError, urllib3.exceptions.ProtocolError) as error:
        raise PassingError(f"the connection failed ({_root_cause(error)})") from None
    # ValueError is what a redirect's malformed address, or a Content-Length that is no number, ends in.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise SourceError(f"cannot be asked ({_root_cause(error)})") from None


def _check_status(response: requests.Response) -> None:
    status = f"HTTP {response.status_code} {response.reason or ''}".rstrip()
    if response.status_code in (404, 410):
        raise MissingFileError(status)
    if response.status_code in (408, 416, 425, 429) or response.status_code >= 500:
        raise PassingError(status)
    if response.status_code not in (200, 206):
        raise SourceError(status)


def _continues(response: requests.Response, held: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {held}-")


def _write(response: requests.Response, target: Path, held: int, limit: int) -> None:
    if response.status_code == requests.codes.partial_content and not held:
        target.unlink(missing_ok=True)
        raise PassingError("the server sent another part of the file than was asked for")
    stated = held + int(response.headers.get("Content-Length") or 0)
    if stated > limit:
        raise SourceError(f"the file has {stated} bytes, more than the {limit} that this data set can have")
    with target.open("ab" if held else "wb") as file:
        title = f"download {target.name.strip('.')}"
        for piece in progress(_pieces(response), title, max(1, -(-(stated - held) // PIECE)), unit="x64 KiB"):
            held += len(piece)
            if held > limit:
                raise SourceError(f"the file has more than the {limit} bytes that this data set can have")
            file.write(piece)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as sent, in pieces of at least PIECE bytes and a rest, for as long as an attempt may take."""
    end = time.monotonic() + LONGEST_ATTEMPT
    piece = bytearray()
    while some := response.raw.read1(PIECE, decode_content=False):
        if time.monotonic() > end:
            raise PassingError(f"not whole after {LONGEST_ATTEMPT:g} s")
        piece += some
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
