"""Agreement of maps: whole for copies however turned, that of chance for unrelated maps."""

import numpy as np
import pytest

from strata.measures.stability import compare_runs


def scattered(count=60, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2))


def turned(points, degrees=70):
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def neighbours_of(points, k):
    squared = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return [set(row) for row in squared.argsort(axis=1)[:, :k].tolist()]


def least_difference(first, second):
    """Return the squared difference left of two maps of unit norm, by their singular values."""
    first, second = (points - points.mean(axis=0) for points in (first, second))
    product = (first / np.linalg.norm(first)).T @ (second / np.linalg.norm(second))
    return 1 - np.linalg.svd(product, compute_uv=False).sum() ** 2


def test_identical_runs_agree_wholly():
    found = compare_runs([scattered()] * 3, 5)
    assert found.overlaps.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(found.disparities, 0, atol=1e-12)
    assert found.points.tolist() == [1.0] * 60


@pytest.mark.parametrize(
    "copy",
    [lambda points: turned(points), lambda points: points * [-1, 1], lambda points: turned(points) * 25 + [7, -300]],
    ids=["turned", "mirrored", "turned, scaled and shifted"],
)
def test_turned_copies_agree_wholly(copy):
    found = compare_runs([scattered(), copy(scattered())], 5)
    assert found.overlaps.tolist() == [1.0]
    np.testing.assert_allclose(found.disparities, 0, atol=1e-12)
    assert (found.points == 1).all()


def test_unrelated_maps_agree_by_chance():
    found = compare_runs([scattered(400, seed) for seed in range(3)], 20)
    np.testing.assert_allclose(found.overlaps, 20 / 399, rtol=0.15)
    assert (found.disparities > 0.9).all()
    assert found.points.mean() == pytest.approx(20 / 399, rel=0.1)


def test_pairs_of_runs_are_compared_one_by_one():
    maps = [scattered(), scattered() + scattered(seed=1) * 0.2, scattered(seed=2)]
    found = compare_runs(maps, 6)
    near = [neighbours_of(points, 6) for points in maps]
    pairs = [(0, 1), (0, 2), (1, 2)]
    shares = np.array([[len(one & other) / 6 for one, other in zip(near[a], near[b], strict=True)] for a, b in pairs])
    np.testing.assert_allclose(found.overlaps, shares.mean(axis=1))
    np.testing.assert_allclose(found.points, shares.mean(axis=0))
    np.testing.assert_allclose(found.disparities, [least_difference(maps[a], maps[b]) for a, b in pairs])
    assert found.overlaps.argmax() == 0
    assert found.disparities.argmin() == 0
