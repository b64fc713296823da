"""Arrays as text for the page: every value survives, bit by bit, and what the page cannot read is refused."""

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from strata.report.page.explorer import script_files
from strata.report.page.packing import COMPRESSED_FROM, FINEST, TYPES, packed, packed_positions, packed_rows, unpacked

every_type = pytest.mark.parametrize("name", TYPES)
SHAPES = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
EXTREMES = {
    "float32": [np.nan, np.inf, -np.inf, -0.0, 0.0, 1 / 3, 3.4028235e38, 1e-45],
    "int32": [-(2**31), -1, 0, 2**31 - 1],
    "int16": [-(2**15), -9, 0, 2**15 - 1],
    "uint16": [0, 1, 2**15, 2**16 - 1],
    "uint8": [0, 1, 127, 128, 255],
}


def assert_survives(values):
    """Compare an array with what is left of it after packing and JSON: type, shape, and every bit."""
    found = unpacked(json.loads(json.dumps(packed(values), allow_nan=False)))
    assert (found.dtype.name, found.shape) == (values.dtype.name, values.shape)
    np.testing.assert_array_equal(found, values)
    little = values.astype(values.dtype.newbyteorder("<"))
    assert found.tobytes() == little.tobytes()


@given(values=st.sampled_from(TYPES).flatmap(lambda name: arrays(np.dtype(name), SHAPES)))
@settings(deadline=None)
def test_every_value_survives(values):
    assert_survives(values)


@every_type
def test_extreme_and_undefined_values_survive(name):
    assert_survives(np.array(EXTREMES[name], dtype=name))


@every_type
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1)])
def test_empty_arrays_keep_their_shape(name, shape):
    assert_survives(np.zeros(shape, dtype=name))


@every_type
def test_arrays_that_lie_apart_in_memory_survive(name):
    values = np.arange(24).astype(name).reshape(4, 6)
    for apart in (values.T, values[:, 1], values[::2, ::-1], np.asfortranarray(values)):
        assert_survives(apart)


@every_type
def test_big_endian_arrays_become_little_endian(name):
    values = np.array(EXTREMES[name], dtype=name)
    swapped = values.astype(values.dtype.newbyteorder(">"))
    assert_survives(swapped)
    assert packed(swapped) == packed(values)


def test_the_text_is_type_shape_and_base64_of_the_bytes_row_by_row():
    values = np.array([[1, 2, 3], [-1, 256, 0]], dtype=np.int16)
    content = base64.b64encode(bytes([1, 0, 2, 0, 3, 0, 255, 255, 0, 1, 0, 0])).decode()
    assert packed(values) == {"type": "int16", "shape": [2, 3], "base64": content}


def test_long_arrays_are_deflated_where_that_helps_and_survive():
    same, noise = (
        np.zeros(COMPRESSED_FROM, dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8),
    )
    assert packed(same)["deflated"] is True and len(packed(same)["base64"]) < 100
    assert "deflated" not in packed(same[1:]) and "deflated" not in packed(noise)
    for values in (same, noise, np.arange(3000, dtype=np.int32).reshape(3, 1000)):
        assert_survives(values)


def test_positions_are_exact_to_half_a_step_and_at_their_ends():
    values = np.random.default_rng(0).normal(3, 40, 999).astype(np.float32)
    entry = packed_positions(values)
    found = unpacked(json.loads(json.dumps(entry)))
    assert entry["type"] == "uint16" and found.dtype == np.float32
    assert entry["step"] == pytest.approx((float(values.max()) - float(values.min())) / FINEST)
    np.testing.assert_allclose(found, values, rtol=0, atol=0.5 * entry["step"] + 1e-5)
    assert (found.min(), found.max()) == pytest.approx((values.min(), values.max()), abs=1e-5)


@pytest.mark.parametrize("values", [[], [2.5], [1.5, 1.5, 1.5]])
def test_positions_without_a_range(values):
    np.testing.assert_array_equal(unpacked(packed_positions(np.array(values, dtype=np.float32))), np.float32(values))


def test_a_position_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="not a finite number"):
        packed_positions(np.array([0, np.nan], dtype=np.float32))


@pytest.mark.parametrize(("count", "kind"), [(32767, "int16"), (32768, "int32")])
def test_rows_take_the_smallest_type_that_has_them_all(count, kind):
    rows = np.array([-1, 0, count - 1], dtype=np.intp)
    assert packed_rows(rows, count)["type"] == kind
    np.testing.assert_array_equal(unpacked(packed_rows(rows, count)), rows)


@pytest.mark.parametrize("name", ["float64", "float16", "int64", "int8", "uint32", "bool", "complex64", "U3", "object"])
def test_other_types_are_refused_by_name(name):
    values = np.zeros(3, dtype=name)
    with pytest.raises(
        ValueError, match=f"^the page reads float32, int32, int16, uint16, uint8, not {values.dtype.name}$"
    ):
        packed(values)


def test_the_pages_script_reads_exactly_these_types():
    script = "\n".join(path.read_text(encoding="utf-8") for path in script_files())
    kinds = re.search(r"const ARRAYS = \{(.*?)\}", script)[1]
    read = dict(pair.split(": ") for pair in kinds.strip().split(", "))
    assert read == {name: f"{name.title()}Array" for name in TYPES}
