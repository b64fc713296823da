"""Acquiring a data set: any source that gives the right bytes will do, and every one that fails is named."""

import bz2
import gzip
import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.dataset.description import IDX_FILES, CatalogueEntry
from strata.dataset.idx import write_idx
from strata.sources.mirrors import acquire
from strata.sources.params import DownloadParams
from tests.sources.loopback_server import files, serving, stalled, status, whole

PATIENT = DownloadParams(timeout_seconds=5, attempts=2, backoff_seconds=0)
HASTY = DownloadParams(timeout_seconds=0.3, attempts=2, backoff_seconds=0)
FIRST, SECOND, THIRD, _ = IDX_FILES
PORTAL = b"<!DOCTYPE html><html><title>Sign in to the Wi-Fi</title></html>"
PACKERS = {
    "": bytes,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def content(tmp_path: Path) -> dict[str, bytes]:
    """File name -> bytes of four tiny IDX files."""
    rng = np.random.default_rng(1)
    for count, name in zip((12, 12, 5, 5), IDX_FILES, strict=True):
        write_idx(tmp_path / "made" / name, rng.integers(0, 9, (count, 6, 6)[: IDX_FILES[name]], dtype=np.uint8))
    return {name: (tmp_path / "made" / name).read_bytes() for name in IDX_FILES}


@pytest.fixture
def entry(content: dict[str, bytes]) -> CatalogueEntry:
    checksums = {name: sha256(content[name]) for name in IDX_FILES}
    return CatalogueEntry("tiny", "a test", tuple("012345678"), "nobody", "none", checksums)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder to acquire into, which the stage has made."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def packed(content: dict[str, bytes], suffix: str = ".gz") -> dict[str, bytes]:
    return {name + suffix: PACKERS[suffix](body) for name, body in content.items()}


def folder_of(folder: Path, content: dict[str, bytes]) -> str:
    folder.mkdir()
    for name, body in content.items():
        (folder / name).write_bytes(body)
    return str(folder)


def held(folder: Path) -> dict[str, bytes]:
    """File name -> bytes of everything in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def successes(names, source: str) -> list[str]:
    return [f"download: {name} from {source}" for name in names]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_folder_gives_the_files_whatever_packed_them(suffix, content, entry, out, tmp_path, capsys):
    source = folder_of(tmp_path / "mirror", packed(content, suffix))
    acquire(entry, [source], {}.get, out, PATIENT)
    assert held(out) == content
    assert capsys.readouterr().err.splitlines() == successes(IDX_FILES, source)


@pytest.mark.parametrize("suffix", PACKERS)
def test_an_address_gives_the_files_whatever_packed_them(suffix, content, entry, out):
    with serving(files(packed(content, suffix))) as server:
        acquire(entry, [f"{server.address}/mirror/"], {}.get, out, PATIENT)
    assert held(out) == content
    asked = [".gz", "", ".xz", ".bz2"]
    expected = [f"/mirror/{name}{s}" for name in IDX_FILES for s in asked[: asked.index(suffix) + 1]]
    assert [request.path for request in server.seen] == expected


def test_the_md5_of_the_gz_will_do_where_no_sha256_is_known(content, out, tmp_path):
    sums = {name: md5(packed(content)[f"{name}.gz"]) for name in IDX_FILES}
    unknown = CatalogueEntry("tiny", "a test", ("a", "b"), "nobody", "none", sha256={})
    acquire(unknown, [folder_of(tmp_path / "mirror", packed(content))], sums.get, out, PATIENT)
    assert held(out) == content


def test_another_md5_is_refused_where_no_sha256_is_known(content, out, tmp_path, capsys):
    source = folder_of(tmp_path / "mirror", packed(content))
    unknown = CatalogueEntry("tiny", "a test", ("a", "b"), "nobody", "none", sha256={})
    with pytest.raises(StrataError):
        acquire(unknown, [source], {FIRST: "0" * 32}.get, out, PATIENT)
    reason = f"wrong checksum: the MD5 of the compressed file is not {'0' * 32}"
    assert capsys.readouterr().err == f"download: {source}: {FIRST}: {reason}\n"
    assert held(out) == {}


def test_a_file_packed_anew_counts_by_its_sha256(content, entry, out, tmp_path):
    sums = dict.fromkeys(IDX_FILES, "0" * 32)
    acquire(entry, [folder_of(tmp_path / "mirror", packed(content))], sums.get, out, PATIENT)
    assert held(out) == content


def flipped(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


FAULTS = {
    "404": (lambda _: status(404), "HTTP 404 Not Found, with .gz, no suffix, .xz, .bz2"),
    "403": (lambda _: status(403), "HTTP 403 Forbidden"),
    "500": (lambda _: status(500), "HTTP 500 Internal Server Error"),
    "stalled": (lambda body: stalled(gzip.compress(body), 20), "no byte for 0.3 s"),
    "captive portal": (
        lambda _: whole(PORTAL, Content_Type="text/html"),
        "the file is a web page (perhaps the network's login page, or an error page)",
    ),
    "truncated gzip": (lambda body: whole(gzip.compress(body)[:-9]), "the compressed file is truncated"),
    "flipped byte": (
        lambda body: whole(gzip.compress(flipped(body))),
        "wrong checksum: SHA-256 is {flipped}, should be {right}",
    ),
    "wrong magic": (
        lambda body: whole(gzip.compress(b"\0\0\x08\1" + body[4:])),
        "not an IDX file of 3 dimension(s): magic 00000801, not 00000803",
    ),
    "truncated IDX": (
        lambda body: whole(gzip.compress(body[:-1])),
        "the IDX file is truncated: its header states 432 data bytes, it has 431",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_a_failing_address_is_named_and_the_next_source_asked(fault, reason, content, entry, out, tmp_path, capsys):
    good = folder_of(tmp_path / "mirror", packed(content))
    with serving(fault(content[FIRST])) as server:
        acquire(entry, [server.address, good], {}.get, out, HASTY)
    reason = reason.format(flipped=sha256(flipped(content[FIRST])), right=sha256(content[FIRST]))
    failure = f"download: {server.address}: {FIRST}: {reason}"
    assert capsys.readouterr().err.splitlines() == [failure, *successes(IDX_FILES, good)]
    assert held(out) == content


@pytest.mark.parametrize("made", [False, True])
def test_a_failing_folder_is_named_and_the_next_source_asked(made, content, entry, out, tmp_path, capsys):
    bad = folder_of(tmp_path / "bad", {}) if made else str(tmp_path / "nowhere")
    good = folder_of(tmp_path / "mirror", packed(content))
    acquire(entry, [bad, good], {}.get, out, PATIENT)
    reason = "no such file, with .gz, no suffix, .xz, .bz2" if made else "no such folder"
    assert capsys.readouterr().err.splitlines()[0] == f"download: {bad}: {FIRST}: {reason}"
    assert held(out) == content


def test_the_next_source_is_asked_only_for_what_is_wanting(content, entry, out, tmp_path, capsys):
    damaged = packed(content) | {f"{THIRD}.gz": b"\x1f\x8b damaged"}
    first = folder_of(tmp_path / "mirror", damaged)
    with serving(files(packed(content))) as server:
        acquire(entry, [first, server.address], {}.get, out, PATIENT)
    assert held(out) == content
    assert [request.path for request in server.seen] == [f"/{name}.gz" for name in list(IDX_FILES)[2:]]
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] + lines[3:] == successes([FIRST, SECOND], first) + successes(list(IDX_FILES)[2:], server.address)
    assert lines[2].startswith(f"download: {first}: {THIRD}: the compressed file is damaged (")


def test_when_no_source_is_left_only_verified_files_stand(content, entry, out, tmp_path):
    half = folder_of(tmp_path / "mirror", packed({name: content[name] for name in (FIRST, SECOND)}))
    with serving(whole(gzip.compress(content[THIRD])[:-9])) as server, pytest.raises(StrataError) as caught:
        acquire(entry, [half, server.address], {}.get, out, PATIENT)
    assert str(caught.value) == (
        f"no source has a valid {THIRD} and 1 more of tiny; add one to dataset.mirrors,"
        " or use -S dataset.name=mnist-5k, which needs no network"
    )
    assert held(out) == {name: content[name] for name in (FIRST, SECOND)}
