"""Nearest neighbours against all differences in float64, sorted by (distance, row)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strata.core import streams
from strata.measures import neighbours
from strata.measures.distances import columns_of, distances_to, write_all_distances
from strata.measures.neighbours import (
    finite_sums,
    nearest_neighbours,
    neighbour_blocks,
    neighbours_among_all,
    two_nearest_distances,
    two_nearest_in_subsets,
)
from strata.measures.subsets import point_subsets

# Whole numbers have exact squared distances: ties are ties. Small ones give many ties and duplicates; large ones give
# squared distances that differ by less than float32 can tell.
GRIDS = st.sampled_from([0, 1, 3, 2000])
SHAPES = st.tuples(st.integers(2, 25), st.integers(1, 6))
BLOCK_SIZES = st.tuples(st.sampled_from([1, 4, 1024]), st.sampled_from([1, 2, 2048]))


@st.composite
def grid_points(draw):
    """Draw float32 points on a grid, perhaps of one value only, perhaps far from zero."""
    widest, offset = draw(GRIDS), draw(st.sampled_from([0, 10_000]))
    values = draw(arrays(np.int64, draw(SHAPES), elements=st.integers(-widest, widest)))
    return (values + offset).astype(np.float32)


def exact_squared(queries, reference):
    differences = queries[:, None].astype(np.float64) - reference.astype(np.float64)
    return (differences**2).sum(axis=2)


def smallest(squared, k):
    rows = np.arange(squared.shape[1])
    return np.stack([np.lexsort((rows, distances))[:k] for distances in squared])


def exact_neighbours(queries, reference, k):
    return smallest(exact_squared(queries, reference), k)


def exact_other_neighbours(values, k):
    squared = exact_squared(values, values)
    np.fill_diagonal(squared, np.inf)
    return smallest(squared, k)


def nearest(values, k):
    return np.concatenate([block.nearest for block in neighbour_blocks(values, k)])


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS", 7)
    monkeypatch.setattr(neighbours, "UNITS", 3)


def gaussian(rows, units, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, units)).astype(np.float32)


@given(values=grid_points(), share=st.floats(0, 1), sizes=BLOCK_SIZES)
@settings(deadline=None)
def test_neighbours_among_ties_and_duplicates_are_exact(values, share, sizes):
    k = 1 + int(share * (len(values) - 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "ROWS", sizes[0])
        patch.setattr(neighbours, "UNITS", sizes[1])
        found = nearest(values, k)
    np.testing.assert_array_equal(found, exact_other_neighbours(values, k))


@given(values=grid_points(), share=st.floats(0, 1), split=st.floats(0, 1), sizes=BLOCK_SIZES)
@settings(deadline=None)
def test_neighbours_of_queries_are_exact_though_computed_in_float32(values, share, split, sizes):
    middle = 1 + int(split * (len(values) - 2))
    queries, reference = values[:middle], values[middle:]
    k = 1 + int(share * (len(reference) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "ROWS", sizes[0])
        patch.setattr(neighbours, "UNITS", sizes[1])
        found = nearest_neighbours(queries, reference, k)
    np.testing.assert_array_equal(found, exact_neighbours(queries, reference, k))


@pytest.mark.parametrize("units", [3, 2048, 2100])
def test_points_that_are_centred_already_give_the_same_neighbours(units):
    """On another scale, too, and where many points are equal or nearly so."""
    rng = np.random.default_rng(units)
    reference = (1e3 + rng.integers(0, 2, size=(90, units))).astype(np.float32)
    reference[40:50] = reference[:10]
    queries = np.concatenate([reference[::9], 1e3 + rng.normal(size=(20, units))]).astype(np.float32)
    middle = reference.mean(axis=0)
    centred = ((queries - middle) / 7, (reference - middle) / 7)
    found = nearest_neighbours(queries, reference, 6, centred)
    np.testing.assert_array_equal(found, nearest_neighbours(queries, reference, 6))


@pytest.mark.parametrize("units", [1, 2, 40, 300])
def test_gaussian_points_have_their_exact_neighbours(units):
    values = gaussian(150, units)
    np.testing.assert_array_equal(nearest(values, 9), exact_other_neighbours(values, 9))
    found = nearest_neighbours(values[:60], values[60:], 9)
    np.testing.assert_array_equal(found, exact_neighbours(values[:60], values[60:], 9))


def test_differences_that_float32_cannot_tell_still_decide():
    # Squared distances of about 1e12 that differ by a few units: float32 keeps seven digits.
    reference = np.array([[1_000_000, unit] for unit in (5, 3, 4, 1, 2, 0)], dtype=np.float32)
    query = np.zeros((1, 2), dtype=np.float32)
    assert nearest_neighbours(query, reference, 6).tolist() == [[5, 3, 4, 1, 2, 0]]


def test_the_lower_row_goes_first_among_equal_distances():
    ring = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]], dtype=np.float32)
    assert nearest(ring, 4)[4].tolist() == [0, 1, 2, 3]
    assert nearest_neighbours(ring[4:], ring[:4], 3).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("constant", [0.0, 0.1, -1234.5])
def test_in_a_constant_layer_the_first_rows_are_nearest(constant):
    values = np.full((20, 5), constant, dtype=np.float32)
    assert nearest(values, 3)[[0, 1, 2, 3, 19]].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]
    assert nearest_neighbours(values, values, 3).tolist() == [[0, 1, 2]] * 20


@pytest.mark.usefixtures("small_blocks")
def test_blocks_follow_one_another_and_hold_the_squared_distances():
    values = gaussian(23, 8)
    blocks = list(neighbour_blocks(values, 4))
    assert [block.start for block in blocks] == [0, 7, 14, 21]
    assert [block.nearest.shape for block in blocks] == [(7, 4), (7, 4), (7, 4), (2, 4)]
    assert all((block.nearest.dtype, block.squared.dtype) == (np.int32, np.float64) for block in blocks)
    expected = exact_squared(values, values)
    np.fill_diagonal(expected, np.inf)
    np.testing.assert_allclose(np.concatenate([block.squared for block in blocks]), expected, rtol=1e-12)
    np.testing.assert_array_equal(np.concatenate([block.nearest for block in blocks]), smallest(expected, 4))


@given(values=grid_points(), share=st.floats(0, 1), sizes=BLOCK_SIZES)
def test_distances_that_are_kept_are_those_of_the_blocks_and_give_the_same_neighbours(values, share, sizes):
    """On a grid both are exact: half of the products, added up in place, are as good as all."""
    k, kept = 1 + int(share * (len(values) - 2)), np.zeros((len(values), len(values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "ROWS", sizes[0])
        patch.setattr(neighbours, "UNITS", sizes[1])
        blocks = list(neighbour_blocks(values, k, kept))
        usual = list(neighbour_blocks(values, k))
    np.testing.assert_array_equal(np.concatenate([block.squared for block in blocks]), kept)
    np.testing.assert_array_equal(kept, kept.T)
    np.testing.assert_allclose(kept, np.concatenate([block.squared for block in usual]), rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(
        np.concatenate([block.nearest for block in blocks]), exact_other_neighbours(values, k)
    )


@pytest.mark.usefixtures("small_blocks")
def test_distances_are_kept_in_a_file_that_is_added_to(tmp_path):
    values = gaussian(23, 8)
    kept = np.lib.format.open_memmap(tmp_path / "kept.npy", "w+", np.float64, (23, 23))
    blocks = list(neighbour_blocks(values, 4, kept))
    expected = exact_squared(values, values)
    np.testing.assert_allclose(np.concatenate([finite_sums(block.squared) for block in blocks]), expected.sum(axis=1))
    np.fill_diagonal(expected, np.inf)
    np.testing.assert_allclose(kept, expected, rtol=1e-12)


@pytest.mark.parametrize("kept", [np.zeros((5, 5), dtype=np.float32), np.zeros((5, 10))[:, ::2]])
def test_distances_are_not_lost_in_a_copy(kept):
    with pytest.raises(TypeError, match="contiguous array of float64"):
        list(neighbour_blocks(gaussian(5, 3), 2, kept))


@pytest.mark.usefixtures("small_blocks")
def test_several_blocks_of_queries_have_exact_neighbours():
    queries, reference = gaussian(23, 8), gaussian(40, 8, seed=1)
    found = nearest_neighbours(queries, reference, 5)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, exact_neighbours(queries, reference, 5))


def test_all_other_points_can_be_neighbours():
    values = gaussian(12, 3)
    np.testing.assert_array_equal(nearest(values, 11), exact_other_neighbours(values, 11))
    np.testing.assert_array_equal(nearest_neighbours(values, values, 12), exact_neighbours(values, values, 12))


def test_a_point_among_the_reference_is_its_own_nearest():
    values = gaussian(30, 6)
    np.testing.assert_array_equal(nearest_neighbours(values, values, 1)[:, 0], np.arange(30))


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0, 1000])
def test_duplicates_are_at_distance_zero(precision, offset):
    distinct = gaussian(20, 300) + np.float32(offset)
    squared, _ = distances_to(np.tile(distinct, (2, 1)), columns_of(distinct, precision), precision)
    same = np.tile(np.eye(20, dtype=bool), (2, 1))
    assert (squared[same] == 0).all()
    assert (squared[~same] > 0).all()


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize("units", [1, 17, 2500])
def test_distances_are_within_their_rounding_errors(precision, units):
    queries, reference = gaussian(15, units), gaussian(40, units, seed=1)
    squared, errors = distances_to(queries, columns_of(reference, precision), precision)
    assert (squared.shape, errors.shape, squared.dtype) == ((15, 40), (15,), precision)
    assert (np.abs(squared - exact_squared(queries, reference)) <= errors[:, None]).all()
    assert (errors <= squared.max(axis=1) * (1e-12 if precision is np.float64 else 1e-4)).all()


@pytest.mark.parametrize(("points", "halves"), [(300, 20), (40, 4), (24, 2)])
def test_the_two_nearest_of_each_subset_are_those_of_its_distances_alone(points, halves):
    values = streams.points(3).standard_normal((points, 5))
    values[points // 2 :] += 30  # members of a subset may be far away
    values[1] = values[0]
    subsets = point_subsets(points, halves, 3)
    subsets = np.column_stack([subsets, np.arange(points) < points // 2, np.arange(points) < 2])
    for block in neighbour_blocks(values, 2):
        own = subsets[block.start : block.start + len(block.squared)]
        found = two_nearest_in_subsets(block.squared, subsets, own)
        for members, mine, distances in zip(subsets.T, own.T, found, strict=True):
            assert distances.tobytes() == two_nearest_distances(block.squared[mine][:, members]).tobytes()


def test_the_two_nearest_distances_are_the_smallest_roots_in_order():
    squared = np.array([[np.inf, 9.0, 4.0, 1.0], [16.0, np.inf, 0.0, 25.0]])
    assert two_nearest_distances(squared).tolist() == [[1.0, 2.0], [0.0, 4.0]]


def test_two_points_have_one_distance_and_no_second():
    assert two_nearest_distances(np.array([[np.inf, 4.0]])).tolist() == [[2.0, np.inf]]
    assert two_nearest_distances(np.array([[4.0, 9.0]])).tolist() == [[2.0, 3.0]]


@given(values=grid_points(), chosen=st.data(), most=st.sampled_from([1, 60, 1 << 25]))
@settings(deadline=None)
def test_neighbours_of_some_points_are_sought_among_all(values, chosen, most):
    count = len(values)
    rows = np.sort(chosen.draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True)))
    k = chosen.draw(st.integers(1, count - 1))
    expected = exact_other_neighbours(values, k)[rows]
    np.testing.assert_array_equal(neighbours_among_all(values, rows, k, most), expected)
    known = np.zeros((len(rows), len(rows)))
    write_all_distances(values[rows], known)
    np.testing.assert_array_equal(neighbours_among_all(values, rows, k, most, known), expected)
    step = chosen.draw(st.integers(1, len(rows)))
    slices = [slice(start, start + step) for start in range(0, len(rows), step)]
    parts = [neighbours_among_all(values, rows, k, most, known, part) for part in slices]
    np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.usefixtures("small_blocks")
def test_neighbours_among_all_are_the_same_in_small_blocks(monkeypatch):
    values, rows = gaussian(50, 8), np.array([0, 3, 17, 18, 49])
    monkeypatch.setattr(neighbours, "BLOCK", 11)
    np.testing.assert_array_equal(neighbours_among_all(values, rows, 6), exact_other_neighbours(values, 6)[rows])


def test_distances_that_are_known_are_not_computed_again():
    values, rows = gaussian(50, 8), np.array([0, 3, 17, 18, 49])
    known = np.full((5, 5), 1e-3)  # all five at one distance, nearer than all others
    nearest = neighbours_among_all(values, rows, 4, known=known)
    assert np.sort(nearest, axis=1).tolist() == [[row for row in rows if row != own] for own in rows]
