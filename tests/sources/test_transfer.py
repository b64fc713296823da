"""Fetching over HTTP from a loopback server: attempts, resuming, bounds, and what is left after a failure."""

import gzip
import socket
import time
from pathlib import Path

import pytest

from strata.sources.params import DownloadParams
from strata.sources.transfer import MissingFileError, SourceError, fetch
from tests.sources.loopback_server import Answer, Seen, chunked, cut, in_turn, ranged, serving, stalled, status, whole

BODY = bytes(range(256)) * 2000  # 512,000 bytes: several pieces
LIMIT = 1 << 20
PATIENT = DownloadParams(timeout_seconds=5, attempts=3, backoff_seconds=0)
HASTY = DownloadParams(timeout_seconds=0.3, attempts=3, backoff_seconds=0)


def fetched(answer: Answer, target: Path, patience: DownloadParams = PATIENT) -> list[Seen]:
    """Fetch /file into `target` and return the requests that came."""
    with serving(answer) as server:
        fetch(f"{server.address}/file", target, LIMIT, patience)
        return server.seen


def refused(answer: Answer, target: Path, patience: DownloadParams = PATIENT) -> tuple[SourceError, list[Seen]]:
    """Fail to fetch /file, check that nothing is left, and return the error and the requests that came."""
    with serving(answer) as server:
        with pytest.raises(SourceError) as caught:
            fetch(f"{server.address}/file", target, LIMIT, patience)
        assert list(target.parent.iterdir()) == []
        assert "\n" not in str(caught.value)
        return caught.value, server.seen


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


@pytest.mark.parametrize("answer", [whole(BODY), chunked(BODY)], ids=["length stated", "chunked"])
def test_a_file_arrives_byte_for_byte_in_one_request(answer, target):
    seen = fetched(answer, target)
    assert target.read_bytes() == BODY
    assert [request.path for request in seen] == ["/file"]
    assert seen[0].headers["Accept-Encoding"] == "identity"
    assert "Range" not in seen[0].headers


def test_an_older_target_is_replaced_not_resumed(target):
    target.write_bytes(b"left from another run")
    assert len(fetched(ranged(BODY), target)) == 1
    assert target.read_bytes() == BODY


def test_a_gzip_content_encoding_is_stored_as_sent(target):
    packed = gzip.compress(BODY)
    fetched(whole(packed, Content_Encoding="gzip"), target)
    assert target.read_bytes() == packed


@pytest.mark.parametrize("code", [404, 410])
def test_a_missing_file_is_asked_for_once(code, target):
    error, seen = refused(status(code), target)
    assert isinstance(error, MissingFileError)
    assert str(error).startswith(f"HTTP {code} ")
    assert len(seen) == 1


def test_a_forbidden_file_is_asked_for_once(target):
    error, seen = refused(status(403), target)
    assert str(error) == "HTTP 403 Forbidden"
    assert not isinstance(error, MissingFileError)
    assert len(seen) == 1


@pytest.mark.parametrize("code", [408, 425, 429, 500, 503])
def test_a_passing_status_is_asked_again_until_the_file_comes(code, target):
    assert len(fetched(in_turn(status(code), status(code), whole(BODY)), target)) == 3
    assert target.read_bytes() == BODY


def test_a_lasting_500_ends_after_the_attempts_and_is_named(target):
    error, seen = refused(status(500), target)
    assert str(error) == "HTTP 500 Internal Server Error"
    assert len(seen) == 3


def test_the_wait_between_attempts_doubles(target):
    patience = DownloadParams(timeout_seconds=5, attempts=3, backoff_seconds=0.1)
    start = time.monotonic()
    refused(status(500), target, patience)
    assert 0.3 <= time.monotonic() - start < 3


@pytest.mark.parametrize("broken", [stalled, cut])
def test_a_broken_transfer_is_resumed_where_the_server_can(broken, target):
    seen = fetched(in_turn(broken(BODY, 200_000), ranged(BODY)), target, HASTY)
    assert target.read_bytes() == BODY
    held = int(seen[1].headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < held <= 200_000


@pytest.mark.parametrize("broken", [stalled, cut])
def test_a_broken_transfer_starts_afresh_where_the_server_ignores_ranges(broken, target):
    seen = fetched(in_turn(broken(BODY, 200_000), whole(BODY)), target, HASTY)
    assert target.read_bytes() == BODY
    assert "Range" in seen[1].headers


def test_a_server_that_always_stalls_is_named_so(target):
    error, seen = refused(stalled(BODY, 0), target, HASTY)
    assert str(error) == "no byte for 0.3 s"
    assert len(seen) == 3


def test_a_connection_that_always_breaks_is_named_so(target):
    error, seen = refused(cut(BODY, 0), target)
    assert str(error) == "the connection failed (IncompleteRead(0 bytes read, 512000 more expected))"
    assert len(seen) == 3


def test_a_refused_range_makes_the_next_attempt_ask_for_the_whole(target):
    seen = fetched(in_turn(cut(BODY, 200_000), status(416), whole(BODY)), target)
    assert target.read_bytes() == BODY
    assert ["Range" in request.headers for request in seen] == [False, True, False]


def test_a_416_to_a_request_without_a_range_is_an_error_of_the_source(target):
    error, seen = refused(status(416), target)
    assert str(error).startswith("HTTP 416 ")
    assert len(seen) == 3


def test_another_part_than_the_one_asked_for_is_not_kept(target):
    other = whole(BODY[:9], 206, Content_Range=f"bytes 0-8/{len(BODY)}")
    seen = fetched(in_turn(cut(BODY, 200_000), other, whole(BODY)), target)
    assert target.read_bytes() == BODY
    assert ["Range" in request.headers for request in seen] == [False, True, False]


def test_a_length_over_the_limit_is_refused_before_the_body(target):
    error, seen = refused(stalled(bytes(LIMIT + 1), 0), target)
    assert str(error) == "the file has 1048577 bytes, more than the limit of 1048576 for this data set"
    assert len(seen) == 1


def test_an_unstated_length_over_the_limit_is_refused_on_the_way(target):
    error, seen = refused(chunked(bytes(LIMIT + 1)), target)
    assert str(error) == "the file has more than the limit of 1048576 bytes for this data set"
    assert len(seen) == 1


def test_a_file_of_exactly_the_limit_is_taken(target):
    fetched(chunked(bytes(LIMIT)), target)
    assert target.stat().st_size == LIMIT


@pytest.mark.parametrize("length", ["many", "1 000"])
def test_a_senseless_length_is_an_error_of_the_source(length, target):
    refused(whole(BODY, Content_Length=length), target)


def test_a_refused_connection_is_named_so(target):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, so that no one else listens there
        with pytest.raises(SourceError) as caught:
            fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/file", target, LIMIT, PATIENT)
    assert str(caught.value) == "the connection failed (Connection refused)"
    assert not target.exists()


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/file", "http://[", "http://x:99999/"])
def test_a_redirect_to_anything_but_http_is_refused_at_once(location, target):
    error, seen = refused(status(302, Location=location), target)
    assert str(error).startswith("the request failed (")
    assert len(seen) == 1


def test_an_address_that_is_none_is_an_error_of_the_source(target):
    with pytest.raises(SourceError, match=r"^the request failed \(Failed to parse: http://127.0.0.1:99999/file\)$"):
        fetch("http://127.0.0.1:99999/file", target, LIMIT, PATIENT)


def test_a_redirect_to_another_http_address_is_followed(target):
    seen = fetched(in_turn(status(302, Location="/elsewhere"), whole(BODY)), target)
    assert target.read_bytes() == BODY
    assert [request.path for request in seen] == ["/file", "/elsewhere"]


def test_endless_redirects_are_refused(target):
    error, _ = refused(status(302, Location="/file"), target)
    assert str(error) == "the request failed (Exceeded 30 redirects.)"
