"""The IDX format: what is written comes back, and no damaged file passes."""

import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from strata.core.errors import StrataError
from strata.dataset.idx import check_idx, parse_idx, read_idx, read_images, read_labels, write_idx


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some-idx3-ubyte"


@given(arrays(np.uint8, array_shapes(max_dims=4, min_side=0, max_side=6), elements=st.integers(0, 255)))
def test_any_bytes_come_back_as_written(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        write_idx(path, content)
        assert check_idx(path, content.ndim) == content.shape
        back = read_idx(path, content.ndim)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, content, strict=True)


def test_the_bytes_are_those_of_the_format(path):
    write_idx(path, np.array([[7, 8, 9]], np.uint8))
    assert path.read_bytes() == bytes.fromhex("00000802 00000001 00000003 070809")


def test_a_transposed_array_is_written_in_its_own_order(path):
    content = np.arange(6, dtype=np.uint8).reshape(2, 3).T
    write_idx(path, content)
    np.testing.assert_array_equal(read_idx(path, 2), content, strict=True)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float64, bool])
def test_anything_but_three_types_is_not_written(dtype, path):
    with pytest.raises(TypeError, match=f"^IDX content must be uint8, int32 or float32, not {np.dtype(dtype)}$"):
        write_idx(path, np.zeros(3, dtype))
    assert list(path.parent.iterdir()) == []


HEADER = "00000803 00000002 00000001 00000003"  # 2 x 1 x 3
DAMAGED = {
    "signed bytes": ("00000903" + HEADER[8:], "not an IDX file of 3 dimension(s): magic 00000903, not 00000803"),
    "labels": ("00000801 00000000", "not an IDX file of 3 dimension(s): magic 00000801, not 00000803"),
    "gzip": ("1f8b0800", "not an IDX file of 3 dimension(s): magic 1f8b0800, not 00000803"),
    "three bytes": ("000008", "not an IDX file of 3 dimension(s): magic 000008, not 00000803"),
    "empty": ("", "not an IDX file of 3 dimension(s): magic , not 00000803"),
    "header cut": ("00000803 00000002 00000001 0000", "the IDX header is cut off"),
    "truncated": (HEADER + "0102030405", "the IDX file is truncated: its header states 6 data bytes, it has 5"),
    "too long": (HEADER + "01020304050607", "the IDX file is too long: its header states 6 data bytes, it has 7"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_refused_with_the_reason(content, message, path):
    path.write_bytes(bytes.fromhex(content))
    with pytest.raises(ValueError) as caught:
        check_idx(path, 3)
    assert str(caught.value) == message
    with pytest.raises(StrataError) as caught_strata:
        read_idx(path, 3)
    assert str(caught_strata.value) == f"{path}: {message}"


@pytest.mark.parametrize("sizes", ["80000000 0000001c 0000001c", "ffffffff ffffffff ffffffff"])
def test_a_header_that_claims_gigabytes_fails_without_allocating_them(sizes, path):
    path.write_bytes(bytes.fromhex("00000803" + sizes) + b"tiny")
    tracemalloc.start()
    try:
        with pytest.raises(StrataError, match=r"the IDX file is truncated: its header states .* data bytes, it has 4$"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_labels_of_more_than_256_classes_are_int32_the_highest_byte_first(path):
    write_idx(path, np.array([0, 999, 258], np.int32))
    assert path.read_bytes() == bytes.fromhex("00000c01 00000003 00000000 000003e7 00000102")
    np.testing.assert_array_equal(read_labels(path), np.array([0, 999, 258], np.int32), strict=True)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StrataError, match=r"truncated: its header states 12 data bytes, it has 11$"):
        read_labels(path)


def test_labels_of_few_classes_are_bytes(path):
    write_idx(path, np.array([3, 255], np.uint8))
    np.testing.assert_array_equal(read_labels(path), np.array([3, 255], np.uint8), strict=True)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 5, 3)])
def test_images_are_grey_or_of_three_channels(shape, path):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_idx(path, images)
    np.testing.assert_array_equal(read_images(path), images, strict=True)


def test_images_of_other_channels_are_refused(path):
    write_idx(path, np.zeros((2, 4, 5, 2), np.uint8))
    with pytest.raises(StrataError, match=r"images of 2 channels; Strata reads grey \(1\) or RGB \(3\) images$"):
        read_images(path)


@pytest.mark.parametrize(
    ("kind", "code"), [("u1", "08"), ("i1", "09"), ("i2", "0b"), ("i4", "0c"), ("f4", "0d"), ("f8", "0e")]
)
def test_every_type_of_the_format_is_parsed(kind, code):
    content = np.array([[1, 2, 100]], kind)
    packed = bytes.fromhex(f"0000{code}02 00000001 00000003") + content.astype(f">{kind}").tobytes()
    np.testing.assert_array_equal(parse_idx(packed), content, strict=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not an IDX file: magic "),
        ("00000a01", "not an IDX file: magic 00000a01"),
        ("00000802 00000001", "the IDX header is cut off"),
        ("00000801 ffffffff 01", "the IDX file is truncated: its header states 4294967295 data bytes, it has 1"),
    ],
)
def test_damaged_bytes_are_not_parsed(content, message):
    with pytest.raises(ValueError) as caught:
        parse_idx(bytes.fromhex(content))
    assert str(caught.value) == message


def test_a_missing_file_is_an_error_that_names_it(path):
    with pytest.raises(FileNotFoundError) as caught:
        read_idx(path, 3)
    assert caught.value.filename == str(path)
