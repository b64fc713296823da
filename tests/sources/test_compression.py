"""Decompression: the same bytes whatever packed them, and a reason where they do not come out."""

import bz2
import errno
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from strata.sources.compression import MAGIC, PIECE, decompressed_pieces

# Noise, then zeros: larger than a piece.
CONTENT = np.random.default_rng(0).bytes(1 << 16) + bytes(PIECE)
PACKERS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def unpacked(path: Path, packed: bytes, limit: int = 1 << 22) -> bytes:
    path.write_bytes(packed)
    return b"".join(decompressed_pieces(path, limit))


def reason(path: Path, packed: bytes, limit: int = 1 << 22) -> str:
    with pytest.raises(ValueError) as caught:
        unpacked(path, packed, limit)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "packed"  # no suffix: the content decides


@pytest.mark.parametrize("pack", [*PACKERS.values(), bytes], ids=[*PACKERS, "plain"])
def test_the_same_bytes_come_out_whatever_packed_them(pack, path):
    assert unpacked(path, pack(CONTENT)) == CONTENT


@pytest.mark.parametrize("pack", [*PACKERS.values(), bytes], ids=[*PACKERS, "plain"])
def test_nothing_packed_is_nothing(pack, path):
    assert unpacked(path, pack(b"")) == b""


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
@pytest.mark.parametrize("kept", [6, 1000, -1])
def test_a_truncated_file_is_called_so(pack, kept, path):
    assert reason(path, pack(CONTENT)[:kept]) == "the compressed file is truncated"


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_damage_in_the_middle_is_called_so(pack, path):
    packed = bytearray(pack(CONTENT))
    for position in range(5000, 5100):
        packed[position] ^= 0xFF
    assert reason(path, bytes(packed)).startswith("the compressed file is damaged (")


def test_a_gzip_file_with_a_wrong_check_sum_is_damaged(path):
    packed = gzip.compress(CONTENT)
    assert reason(path, packed[:-8] + bytes(4) + packed[-4:]).startswith("the compressed file is damaged (CRC check")


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"BZh", b"\xfd7zXZ"])
def test_a_familiar_start_alone_does_not_pass(start, path):
    assert reason(path, start + b"nonsense" * 100).startswith("the compressed file is damaged (")


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html>",
        b"\r\n <html lang='en'>",
        b"<HEAD>",
        b"<?xml version='1.0'?><Error>",
        b"<script>location='/login'",
    ],
)
def test_a_web_page_is_called_so(page, path):
    assert reason(path, page) == ("the file is a web page (perhaps the network's login page, or an error page)")


@pytest.mark.parametrize("pack", [*PACKERS.values(), bytes], ids=[*PACKERS, "plain"])
def test_the_limit_holds_to_the_byte(pack, path):
    packed = pack(CONTENT)
    assert unpacked(path, packed, len(CONTENT)) == CONTENT
    assert reason(path, packed, len(CONTENT) - 1) == f"decompresses to more than {len(CONTENT) - 1} bytes"


def test_several_xz_streams_with_zeros_between_are_one_file(path):
    packed = lzma.compress(CONTENT[:70_000]) + bytes(8) + lzma.compress(CONTENT[70_000:]) + bytes(4)
    assert unpacked(path, packed) == CONTENT
    assert reason(path, packed + b"more" * 9).startswith("the compressed file is damaged (")


def test_an_xz_file_that_claims_a_dictionary_of_a_gigabyte_is_refused(path):
    claims = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}
    packed = lzma.compress(b"small", filters=[claims])
    assert len(packed) < 100
    assert reason(path, packed) == "the compressed file is damaged (Memory usage limit exceeded)"
    assert unpacked(path, lzma.compress(CONTENT, preset=9)) == CONTENT


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_a_bomb_is_stopped_at_the_limit(pack, path):
    path.write_bytes(pack(bytes(16 * PIECE)))
    assert path.stat().st_size < 20_000
    came = 0
    with pytest.raises(ValueError, match=f"^decompresses to more than {2 * PIECE} bytes$"):
        for piece in decompressed_pieces(path, 2 * PIECE):
            assert len(piece) <= PIECE
            came += len(piece)
    assert came <= 2 * PIECE


def test_a_missing_file_is_an_error_of_the_system(path):
    with pytest.raises(FileNotFoundError):
        list(decompressed_pieces(path, 1))


def test_a_fault_of_the_disk_is_not_called_damage(path, monkeypatch):
    def failing(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setitem(MAGIC, b"BZh", failing)
    with pytest.raises(OSError, match="Input/output error"):
        unpacked(path, bz2.compress(CONTENT))
