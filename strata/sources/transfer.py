"""Fetch one file over HTTP, with time-outs, retries with back-off, resuming, a progress bar and a size limit."""

import time
from collections.abc import Iterator
from pathlib import Path

import requests
import tenacity
import urllib3

from strata.core.console import progress
from strata.sources.params import DownloadParams

PIECE = 1 << 16
LONGEST_ATTEMPT = 1800.0  # seconds; a server that sends byte by byte would never time out
LONGEST_REASON = 200  # characters of a server's message


class SourceError(Exception):
    """A source does not provide a file; the text says why, in a few words on one line, whatever the server sent."""

    def __init__(self, reason: str) -> None:
        words = "".join(character if character.isprintable() else " " for character in reason).split()
        super().__init__(" ".join(words)[:LONGEST_REASON])


class MissingFileError(SourceError):
    """The source has no file of that name."""


class TemporaryError(SourceError):
    """A temporary fault: the next attempt may succeed."""


def fetch(address: str, target: Path, limit: int, patience: DownloadParams) -> None:
    """Write the response of an http(s) address to `target`, as sent (still compressed), resuming a broken transfer.

    Raises MissingFileError on 404 and 410, and SourceError on any other failure, after the attempts that `patience`
    allows, or if the file has more than `limit` bytes. `target` is then removed.
    """
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(patience.attempts),
        wait=tenacity.wait_exponential(multiplier=patience.backoff_seconds, max=60),
        retry=tenacity.retry_if_exception_type(TemporaryError),
        reraise=True,
    )
    target.unlink(missing_ok=True)
    try:
        attempts(_attempt, address, target, limit, patience)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _attempt(address: str, target: Path, limit: int, patience: DownloadParams) -> None:
    received = target.stat().st_size if target.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={received}-"} if received else {})
    try:
        with requests.get(address, headers=headers, stream=True, timeout=patience.timeout_seconds) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                target.unlink(missing_ok=True)  # the part received does not match the server's file: start over
            _check_status(response)
            if response.status_code != requests.codes.partial_content or not _continues(response, received):
                received = 0  # the server cannot resume: start over
            _write(response, target, received, limit)
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        raise TemporaryError(f"no byte for {patience.timeout_seconds:g} s") from None
    except (requests.ConnectionError, urllib3.exceptions.ProtocolError) as error:
        raise TemporaryError(f"the connection failed ({_root_cause(error)})") from None
    # A malformed address in a redirect, or a Content-Length that is not a number, raises ValueError.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise SourceError(f"the request failed ({_root_cause(error)})") from None


def _check_status(response: requests.Response) -> None:
    status = f"HTTP {response.status_code} {response.reason or ''}".rstrip()
    if response.status_code in (404, 410):
        raise MissingFileError(status)
    if response.status_code in (408, 416, 425, 429) or response.status_code >= 500:
        raise TemporaryError(status)
    if response.status_code not in (200, 206):
        raise SourceError(status)


def _continues(response: requests.Response, received: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {received}-")


def _write(response: requests.Response, target: Path, received: int, limit: int) -> None:
    if response.status_code == requests.codes.partial_content and not received:
        target.unlink(missing_ok=True)
        raise TemporaryError("the server sent a different part of the file than requested")
    stated = received + int(response.headers.get("Content-Length") or 0)
    if stated > limit:
        raise SourceError(f"the file has {stated} bytes, more than the limit of {limit} for this data set")
    with target.open("ab" if received else "wb") as file:
        title = f"download {target.name.strip('.')}"
        for piece in progress(_pieces(response), title, max(1, -(-(stated - received) // PIECE)), unit="x64 KiB"):
            received += len(piece)
            if received > limit:
                raise SourceError(f"the file has more than the limit of {limit} bytes for this data set")
            file.write(piece)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as sent, in pieces of at least PIECE bytes and a rest, until an attempt's time is up."""
    end = time.monotonic() + LONGEST_ATTEMPT
    piece = bytearray()
    while some := response.raw.read1(PIECE, decode_content=False):
        if time.monotonic() > end:
            raise TemporaryError(f"not complete after {LONGEST_ATTEMPT:g} s")
        piece += some
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
