"""Alignment turns a map onto another and changes none of its distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from strata.maps.alignment import aligned, aligned_chain

POINTS = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 3.0], [-2.0, 5.0], [7.0, -1.0]])
CENTRED = POINTS - POINTS.mean(axis=0)
MAPS = st.integers(2, 12).flatmap(lambda n: st.tuples(*[arrays(float, (n, 2), elements=st.floats(-1e3, 1e3))] * 2))


def turn(degrees: float, *, mirrored: bool = False) -> np.ndarray:
    """Return the matrix of a rotation, after a reflection where asked for."""
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.diag([-1.0, 1.0]) @ rotation if mirrored else rotation


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 30, 180, 271])
def test_a_turned_and_shifted_map_is_turned_back(degrees, mirrored):
    moved = POINTS @ turn(degrees, mirrored=mirrored) + [100.0, -40.0]
    np.testing.assert_allclose(aligned(moved, POINTS), CENTRED, atol=1e-10)


def test_the_size_of_a_map_is_kept():
    np.testing.assert_allclose(aligned(POINTS @ turn(50) * 3, POINTS), CENTRED * 3, atol=1e-10)


@given(maps=MAPS)
@settings(deadline=None)
def test_no_distance_changes_and_the_map_is_centred(maps):
    points, reference = maps
    turned = aligned(points, reference)
    np.testing.assert_allclose(pdist(turned), pdist(points), atol=1e-8)
    np.testing.assert_allclose(turned.mean(axis=0), 0, atol=1e-9)


@given(maps=MAPS, degrees=st.floats(0, 360), mirrored=st.booleans())
@settings(deadline=None)
def test_no_other_turn_lies_nearer(maps, degrees, mirrored):
    points, reference = maps
    target = reference - reference.mean(axis=0)
    best = np.linalg.norm(aligned(points, reference) - target)
    other = np.linalg.norm((points - points.mean(axis=0)) @ turn(degrees, mirrored=mirrored) - target)
    assert best <= other + 1e-6


def test_a_chain_centres_the_first_map_and_turns_each_to_the_one_before():
    chain = aligned_chain([POINTS + 5, POINTS @ turn(40), POINTS @ turn(200, mirrored=True) * 2])
    for points, expected in zip(chain, (CENTRED, CENTRED, CENTRED * 2), strict=True):
        np.testing.assert_allclose(points, expected, atol=1e-10)


def test_each_link_of_a_chain_is_the_alignment_to_the_link_before():
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(9, 2)) for _ in range(3)]
    chain = aligned_chain(maps)
    np.testing.assert_array_equal(chain[1], aligned(maps[1], chain[0]))
    np.testing.assert_array_equal(chain[2], aligned(maps[2], chain[1]))
