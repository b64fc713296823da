"""Information imbalance by hand, against full rank matrices, and its standard error over samples."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from strata.measures.imbalance import (
    ForeignRanks,
    RanksJob,
    foreign_ranks,
    imbalance_influences,
    imbalances,
    ranks_jobs,
    ranks_of,
)
from strata.measures.neighbours import neighbour_blocks
from strata.measures.space_files import POINTS, SpaceFiles


def two_nearest(values):
    return next(neighbour_blocks(values, 2)).nearest


def rank_matrix(values):
    """Return each point's rank (n, n) among the others of each point, by sorting; its own is last."""
    distances = cdist(values, values)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1) + 1


def influences(first, second):
    squared = cdist(second, second, "sqeuclidean")
    np.fill_diagonal(squared, np.inf)
    return imbalance_influences(two_nearest(first), ranks_of(squared, two_nearest(first)))


def test_ranks_count_the_nearer_and_ties_by_row():
    squared = np.array([[np.inf, 4, 1, 4], [4, np.inf, 1, 9], [1, 1, np.inf, 1], [4, 9, 1, np.inf]])
    found = ranks_of(squared, np.array([[1, 3], [3, 0], [3, 0], [2, 0]]))
    assert found.ranks.tolist() == [[2, 3], [3, 2], [3, 1], [1, 2]]
    assert found.passed.tolist() == [1 + 1, 1, 1 + 1, 0]  # 2 for 0; 0 and 2 for 1; 0 and 1 for 2


def test_the_imbalance_of_four_points_by_hand():
    foreign = ForeignRanks(np.array([[1, 2], [3, 1], [2, 2], [1, 3]]), np.array([1, 1, 1, 0]))
    found = imbalance_influences(np.array([[1, 2], [0, 2], [0, 1], [1, 2]]), foreign)
    assert found.value == 2 / 4 * 7 / 4
    # Own scores, the difference to the second for each point that it is the neighbour of, and those it passes.
    expected = np.array([1 + (2 + 0) + 1, 3 + (-1 - 2) + 1, 2 + 1, 1]) / 2
    np.testing.assert_allclose(found.influences, expected)


def test_equal_spaces_have_the_least_and_unrelated_ones_about_1():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(400, 3)), rng.normal(size=(400, 3))
    assert influences(first, first * 7 - 1).value == pytest.approx(2 / 400)
    assert influences(first, second).value == pytest.approx(1, abs=0.06)


def test_a_space_foretells_one_that_is_a_part_of_it_better_than_the_reverse():
    """Glielmo et al.: the whole tells the part, and the part does not tell the whole."""
    values = np.random.default_rng(0).normal(size=(300, 3))
    assert influences(values, values[:, :1]).value < 0.5 * influences(values[:, :1], values).value


@pytest.mark.parametrize("units", [1, 4, 30])
def test_values_are_those_of_the_rank_matrix(units):
    rng = np.random.default_rng(units)
    first = rng.normal(size=(60, units)).astype(np.float32)
    second = first + rng.normal(size=(60, units)).astype(np.float32)
    ranks = rank_matrix(second)[np.arange(60), rank_matrix(first).argmin(axis=1)]
    assert influences(first, second).value == pytest.approx(2 / 60 * ranks.mean())


def test_the_standard_error_is_somewhat_larger_than_that_over_samples():
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        first = rng.normal(size=(150, 4))
        found.append(influences(first, first + 0.7 * rng.normal(size=(150, 4))))
    spread = np.std([each.value for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(1.2 * spread, rel=0.2)


def test_layers_are_compared_both_ways_by_jobs(tmp_path):
    rng, files = np.random.default_rng(2), SpaceFiles(tmp_path)
    layers = {name: rng.normal(size=(50, 3)).astype(np.float32) for name in "abc"}
    layers["b"] += 2 * layers["a"]
    for name, values in layers.items():
        files.write("none", POINTS, name, values)
    nearest = {("none", name): two_nearest(values) for name, values in layers.items()}
    jobs = ranks_jobs(files, [("none", "a", "b"), ("none", "b", "c")], nearest)
    assert {name: sorted(job.nearest) for (_, name), job in jobs.items()} == {"a": ["b"], "b": ["a", "c"], "c": ["b"]}
    found = imbalances(nearest, {key: foreign_ranks(job) for key, job in jobs.items()})
    assert ranks_jobs(files, [], nearest) == {} and imbalances(nearest, {}) == {}
    assert set(found) == {("none", *pair) for pair in ("ab", "ba", "bc", "cb")}
    for (_, first, second), one in found.items():
        assert one.value == influences(layers[first], layers[second]).value
    ranks = foreign_ranks(RanksJob(files, "none", "b", {"a": nearest["none", "a"]}))["a"]
    assert 2 / 50 * ranks.ranks[:, 0].mean() == found["none", "a", "b"].value


def test_ranks_are_those_of_the_distances_that_are_kept(tmp_path):
    files, values = SpaceFiles(tmp_path), np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)
    files.write("none", POINTS, "a", values)
    job = RanksJob(files, "none", "a", {"b": two_nearest(values[::-1])})
    computed = foreign_ranks(job)["b"]
    kept = files.create_distances("none", "a", 50)
    for block in neighbour_blocks(values, 2):
        kept.squared[block.start : block.start + len(block.squared)] = block.squared
    read = foreign_ranks(job)["b"]
    assert read.ranks.tolist() == computed.ranks.tolist() and read.passed.tolist() == computed.passed.tolist()
    kept.squared[:] = kept.squared[::-1]
    assert foreign_ranks(job)["b"].ranks.tolist() != computed.ranks.tolist()
