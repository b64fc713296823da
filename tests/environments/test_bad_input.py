"""Damaged and hostile bytes: every reader ends in its content or in one line, in little memory, and runs nothing.

`fuzz/` drives the same functions for minutes, guided by coverage; what it found is kept here.
"""

import gzip
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import activations, checkpoints, idx, own_data, params
from strata.core.errors import StrataError
from strata.core.params import load_section, sections_as_text
from strata.training.params import TrainParams
from tests.tiny_pipeline import ROOT

READERS: dict[str, Any] = {
    "idx": idx,
    "params": params,
    "activations": activations,
    "checkpoints": checkpoints,
    "own_data": own_data,
}


def changed(seed: bytes, changes: list[tuple[int, bytes]], kept: int) -> bytes:
    """Return `seed` with bytes written over, at places counted around its end, and cut off."""
    content = bytearray(seed)
    for place, new in changes:
        start = place % max(1, len(content))
        content[start : start + len(new)] = new
    return bytes(content[: len(content) - kept])


def damaged(reader: Any) -> st.SearchStrategy[bytes]:
    """Valid files with some bytes changed, or some bytes at random."""
    changes = st.lists(st.tuples(st.integers(0, 1 << 13), st.binary(min_size=1, max_size=8)), max_size=4)
    return st.binary(max_size=60) | st.builds(changed, st.sampled_from(reader.seeds()), changes, st.integers(0, 12))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_damaged_bytes_are_content_or_one_line(reader):
    @given(damaged(reader))
    @settings(deadline=None, max_examples=150, derandomize=True, database=None)
    def run(data: bytes) -> None:
        reader.one_input(data)

    run()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_the_seeds_pass(reader):
    for seed in reader.seeds():
        reader.one_input(seed)


# Found by fuzzing or by looking for it: each ended in a traceback, or worse.
KEPT = {
    "more than NumPy's largest shape": ("idx", bytes.fromhex("00000803 00000000 ffffffff ffffffff")),
    "a shape of no bytes": ("idx", bytes.fromhex("00000803 ffffffff ffffffff 00000000")),
    "2^31 images": ("idx", bytes.fromhex("00000803 80000000 0000001c 0000001c 00")),
    "a gzip bomb": ("idx", gzip.compress(bytes(2 << 20), mtime=0)),
    "nesting": ("params", b"train: " + b"[" * 3000),
    "nesting that is read but not written": ("params", b"train: " + b"[" * 400 + b"]" * 400),
    "an empty int": ("params", b"train: !!int ''"),
    "an empty float": ("params", b"train: !!float ''"),
    "a bool that is not one": ("params", b"train: !!bool x"),
    "a date that is not one": ("params", b"train: !!timestamp x"),
    "a character that is not one": ("params", b'train: "\\UFFFFFFFF"'),
    "a number too long to be written": ("params", b"train: {epochs: 0x" + b"f" * 5000 + b"}"),
    "the same in base 60": ("params", b"train: {epochs: " + b"1:" * 3000 + b"1}"),
    "a value within itself": ("params", b"train: &a {epochs: *a}"),
    "a shape below 0": ("activations", b"[-2, -3]"),
    "a shape of any length": ("activations", b"[-1]"),
    "a shape without end": ("activations", b"[1e999]"),
    "a huge shape": ("activations", b"[99999999999999999999]"),
    "a nested shape": ("activations", b"[" * 100_000),
    "a shape of truths": ("activations", b"[true, 6]"),
    "an empty archive": ("checkpoints", b"PK\5\6" + bytes(18)),
}


@pytest.mark.parametrize(("reader", "data"), KEPT.values(), ids=KEPT.keys())
def test_a_kept_case_is_content_or_one_line(reader, data):
    READERS[reader].one_input(data)


def test_no_damaged_byte_of_a_parquet_footer_ends_the_process():
    """PyArrow ends the process where it shows the metadata of a column whose type does not fit: they are not asked."""
    code = (
        "from fuzz.activations import read, seeds\n"
        "good = seeds()[0]\n"
        "size = int.from_bytes(good[-8:-4], 'little')\n"
        "for place in range(len(good) - 8 - size, len(good) - 8, 2):\n"
        "    read(good[:place] + bytes([good[place] ^ 0x20]) + good[place + 1 :])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def peak(read: Callable[[], object]) -> int:
    """Return how many bytes Python and NumPy held at most."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def aliases(levels: int) -> str:
    """YAML anchors, each a list of ten of the one before: `*a9` has 10^10 items."""
    lists = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join([f"a0: &a0 [{', '.join('x' * 10)}]", *lists])


def test_yaml_that_grows_when_shown_is_refused_in_a_short_line(tmp_path):
    path = tmp_path / "params.yaml"
    network = textwrap.indent(aliases(10), "  ")
    path.write_text(f"network:\n{network}\ntrain: {{epochs: *a9}}\n", encoding="utf-8")

    def read() -> None:
        with pytest.raises(StrataError) as caught:
            load_section(path, "train", TrainParams)
        assert "train.epochs: input should be a valid integer (got [[[...], [...]" in str(caught.value)
        assert len(str(caught.value)) < 1000

    assert peak(read) < 4 << 20


def test_a_value_that_cannot_be_shown_is_told_so(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(f"train: {{epochs: 0x{'f' * 5000}}}", encoding="utf-8")
    with pytest.raises(StrataError, match=r"train.epochs: .* \(got a number of thousands of digits\)"):
        load_section(path, "train", TrainParams)
    with pytest.raises(StrataError, match=r"a value is nested too deeply, or is too long a number, to be shown$"):
        sections_as_text(path, ["train"])


def test_a_gzip_bomb_costs_what_its_limit_says():
    bomb = gzip.compress(bytes(64 << 20), mtime=0)
    assert len(bomb) < 1 << 16
    assert peak(lambda: idx.one_input(bomb)) < 8 << 20
