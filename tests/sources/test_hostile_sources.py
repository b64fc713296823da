"""Mirrors and servers that mean harm: nothing is written outside the output folder, all ends soon, in one line."""

import gc
import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import IDX_FILES, CatalogueEntry
from strata.dataset.idx import write_idx
from strata.sources import mirrors as acquiring
from strata.sources import transfer
from strata.sources.mirrors import acquire
from strata.sources.params import DownloadParams
from tests.sources.loopback_server import Answer, Handler, files, serving, status, whole

HASTY = DownloadParams(timeout_seconds=2, attempts=2, backoff_seconds=0)
FIRST, *OTHERS = IDX_FILES


@pytest.fixture
def content(tmp_path: Path) -> dict[str, bytes]:
    """File name -> bytes of four tiny IDX files."""
    for name, dimensions in IDX_FILES.items():
        write_idx(tmp_path / "made" / name, np.full((2, 2, 2)[:dimensions], 7, np.uint8))
    return {name: (tmp_path / "made" / name).read_bytes() for name in IDX_FILES}


@pytest.fixture
def entry(content: dict[str, bytes], tmp_path: Path) -> CatalogueEntry:
    checksums = {name: sha256_of(tmp_path / "made" / name) for name in content}
    return CatalogueEntry("tiny", "a test", tuple("01234567"), "nobody", "none", checksums)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "data" / "raw").mkdir(parents=True)
    return tmp_path / "data" / "raw"


@pytest.fixture
def mirror(tmp_path: Path, content: dict[str, bytes]) -> Path:
    """A folder that has the files."""
    (tmp_path / "mirror").mkdir()
    for name, body in content.items():
        (tmp_path / "mirror" / name).write_bytes(body)
    return tmp_path / "mirror"


def everything_outside(out: Path) -> dict[str, bytes | None]:
    """Path -> content of all that lies beside data/."""
    top = out.parent.parent
    paths = [path for path in top.rglob("*") if path.relative_to(top).parts[0] != "data"]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def reasons(entry: CatalogueEntry, source: str, out: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Fail to acquire from one source; return what was said of it, having checked that nothing was written."""
    before = everything_outside(out)
    with pytest.raises(StrataError, match=r"^no source has a valid "):
        acquire(entry, [source], {}.get, out, HASTY)
    assert everything_outside(out) == before
    assert list(out.iterdir()) == []
    lines = capsys.readouterr().err.splitlines()
    assert all(line.isprintable() for line in lines)
    return [line.removeprefix(f"download: {source}: {FIRST}: ") for line in lines]


def said(answer: Answer, entry: CatalogueEntry, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that is said of a server."""
    with serving(answer) as server:
        (line,) = reasons(entry, server.address, out, capsys)
    return line


def raw(head: bytes) -> Answer:
    """Send bytes that no library would send, and close."""
    return lambda handler: (handler.wfile.write(head), None)[1]


def without_end(piece: bytes, pause: float = 0) -> Answer:
    """Send `piece` again and again until the client has gone."""

    def answer(handler: Handler) -> None:
        handler.send(200, b"", Content_Length=None)
        while not handler.server.closing.wait(pause):
            handler.wfile.write(piece)

    return answer


@pytest.mark.usefixtures("mirror")
def test_a_mirror_with_dots_is_read_and_nothing_beside_the_folder_is_written(entry, content, out, monkeypatch):
    monkeypatch.chdir(out)
    before = everything_outside(out)
    acquire(entry, ["../../mirror/../mirror"], {}.get, out, HASTY)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == content
    assert everything_outside(out) == before


def test_a_link_in_a_mirror_gives_away_no_other_file(entry, out, mirror, tmp_path, capsys):
    (tmp_path / "secret").write_bytes(b"a private key")
    (mirror / FIRST).unlink()
    (mirror / FIRST).symlink_to(tmp_path / "secret")
    assert reasons(entry, str(mirror), out, capsys) == [
        f"not an IDX file of 3 dimension(s): magic {b'a pr'.hex()}, not 00000803"
    ]


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop"])
def test_what_is_no_file_in_a_mirror_is_no_file(kind, entry, out, mirror, capsys):
    path = mirror / FIRST
    path.unlink()
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "loop": lambda: path.symlink_to(path),
    }[kind]()
    with pytest.raises(StrataError):
        acquire(entry, [str(mirror)], {}.get, out, HASTY)
    line = capsys.readouterr().err.removeprefix(f"download: {mirror}: {FIRST}: ")
    assert line == "no such file, with .gz, no suffix, .xz, .bz2\n"


def test_an_immense_file_in_a_mirror_stops_at_the_limit(entry, out, mirror, capsys):
    with (mirror / FIRST).open("wb") as file:
        file.truncate(1 << 40)  # holes: it takes no space
    with pytest.raises(StrataError):
        acquire(entry, [str(mirror)], {}.get, out, HASTY)
    assert f"decompresses to more than {acquiring.LIMIT} bytes" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", ["{}", ".{}.part", ".{}.download.part"])
@pytest.mark.parametrize("served", [False, True])
def test_a_link_in_the_output_folder_leads_no_writing_elsewhere(served, name, entry, content, out, mirror, tmp_path):
    (tmp_path / "precious").write_bytes(b"as it was")
    (out / name.format(FIRST)).symlink_to(tmp_path / "precious")
    with serving(files(content)) as server:
        acquire(entry, [server.address if served else str(mirror)], {}.get, out, HASTY)
    assert (tmp_path / "precious").read_bytes() == b"as it was"
    assert (out / FIRST).read_bytes() == content[FIRST]
    assert not (out / FIRST).is_symlink()


@pytest.mark.parametrize("location", ["file://{}", "ftp://127.0.0.1{}", "data:,{}", "FILE://{}", "//[{}"])
def test_a_redirect_to_anything_but_http_is_refused_though_the_file_is_there(location, entry, out, mirror, capsys):
    line = said(status(302, Location=location.format(mirror / FIRST)), entry, out, capsys)
    assert line.startswith("the request failed (")


def test_an_endless_body_stops_at_the_limit(entry, out, capsys, monkeypatch):
    monkeypatch.setattr(acquiring, "LIMIT", 1 << 20)
    line = said(without_end(bytes(1 << 16)), entry, out, capsys)
    assert line == "the file has more than the limit of 1048576 bytes for this data set"


def test_a_body_that_drips_without_end_stops_in_time(entry, out, capsys, monkeypatch):
    monkeypatch.setattr(transfer, "LONGEST_ATTEMPT", 0.2)
    start = time.monotonic()
    assert said(without_end(b"x", pause=0.01), entry, out, capsys) == "not complete after 0.2 s"
    assert time.monotonic() - start < 5


def test_a_bomb_stops_at_the_limit(entry, out, capsys, monkeypatch):
    monkeypatch.setattr(acquiring, "LIMIT", 1 << 20)
    line = said(whole(gzip.compress(bytes(16 << 20))), entry, out, capsys)
    assert line == "decompresses to more than 1048576 bytes"


def test_more_bytes_than_the_known_file_has_are_another_file(entry, content, out, capsys):
    line = said(whole(gzip.compress(content[FIRST] + b"more")), entry, out, capsys)
    assert line == "the IDX file is too long: its header states 8 data bytes, it has 12"


@pytest.mark.parametrize(
    ("length", "start"),
    [
        (10, "the compressed file is truncated"),  # no more is read than is stated
        (10_000, "the connection failed (IncompleteRead("),
        (1 << 40, f"the file has {1 << 40} bytes, more than the limit of {acquiring.LIMIT} for this data set"),
        ("9" * 5000, "the request failed ("),
        ("12, 13", "the request failed ("),
        ("many", "the request failed ("),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_length_is_one_line(length, start, entry, content, out, capsys):
    assert said(whole(gzip.compress(content[FIRST]), Content_Length=length), entry, out, capsys).startswith(start)
    gc.collect()  # urllib3 leaves the socket of a response without a sensible length to the collector, with a warning


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 403 \x1b]0;owned\x07\x9b2J\r\n\r\n", "HTTP 403 ]0;owned 2J"),
        (b"HTTP/1.1 403 " + b"x" * 5000 + b"\r\n\r\n", "HTTP 403 " + "x" * 191),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "the connection failed (got more than 100 headers)"),
        (b"nonsense\r\n", "the connection failed (nonsense)"),
    ],
)
def test_what_a_server_says_is_shown_in_short_and_without_control_characters(head, expected, entry, out, capsys):
    assert said(raw(head), entry, out, capsys) == expected
