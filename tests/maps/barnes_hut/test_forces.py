"""The gradient against the formula in float64, the tree, and maps of points that are equal, few, or not finite."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from strata.maps.barnes_hut.affinities import affinities
from strata.maps.barnes_hut.attraction import Edges
from strata.maps.barnes_hut.compiled import divided
from strata.maps.barnes_hut.descent import THETA, Gradient, Phase, descend, divergence
from strata.maps.barnes_hut.repulsion import Interactions
from strata.maps.barnes_hut.tree import Tree
from strata.measures.divergence import kl_divergence


def run(count, work, *arguments):
    work(*arguments, 0, count)


def random_map(count: int, spread: float = 20) -> np.ndarray:
    """Five clusters on a map, float32 (2, n)."""
    rng = np.random.default_rng(count)
    centres = rng.normal(size=(2, 5)) * spread
    return (centres[:, rng.integers(0, 5, count)] + rng.normal(size=(2, count)) * 3).astype(np.float32)


def random_joint(count: int) -> csr_matrix:
    values = np.random.default_rng(7).normal(size=(count, 4)).astype(np.float32)
    return affinities(values, min(10.0, (count - 1) / 3), run)


def exact_gradient(joint: csr_matrix, points: np.ndarray, exaggeration: float) -> np.ndarray:
    """Sum over j of (p_ij - q_ij) w_ij (y_i - y_j), for all pairs in float64 (van der Maaten & Hinton 2008, by 4)."""
    differences = points.astype(np.float64)[:, :, None] - points.astype(np.float64)[:, None, :]
    weights = 1 / (1 + (differences**2).sum(axis=0))
    np.fill_diagonal(weights, 0)
    q = weights / weights.sum()
    return (((exaggeration * joint.toarray() - q) * weights) * differences).sum(axis=2)


def gradient(joint: csr_matrix, points: np.ndarray, exaggeration: float, theta: float) -> np.ndarray:
    order = Tree.of(points).order
    slopes = np.empty_like(points)
    mine = Gradient(Edges.of(joint, order), np.ascontiguousarray(points[:, order]), theta, run)
    slopes[:, order] = mine.at(np.ascontiguousarray(points[:, order]), exaggeration)
    return slopes


@pytest.mark.parametrize("count", [2, 3, 5, 8, 9, 17, 500])
@pytest.mark.parametrize("exaggeration", [1, 12])
def test_without_theta_the_gradient_is_that_of_all_pairs(count, exaggeration):
    joint, points = random_joint(count), random_map(count)
    exact = exact_gradient(joint, points, exaggeration)
    size = np.abs(exact_gradient(joint, points, 0)).max()  # of two points both forces are equal, and their sum is 0
    assert np.abs(gradient(joint, points, exaggeration, 0) - exact).max() <= 1e-5 * max(size, np.abs(exact).max())


def test_with_theta_a_half_the_gradient_is_near_and_most_pairs_are_left_out():
    joint, points = random_joint(2000), random_map(2000)
    exact = exact_gradient(joint, points, 0)  # repulsion alone: attraction is always exact
    near = gradient(joint, points, 0, THETA)
    assert np.sqrt(((near - exact) ** 2).sum() / (exact**2).sum()) < 0.02
    interactions = Interactions.of(Tree.of(points), THETA, run)
    assert len(interactions.nodes) + 8 * len(interactions.near) < 0.2 * 250 * 2000  # of all leaves with all points


def test_interactions_reach_every_other_leaf_once():
    points = random_map(1003)
    tree = Tree.of(points)
    interactions = Interactions.of(tree, THETA, run)
    leaves = -(-1003 // 8)
    assert sorted(tree.order) == list(range(1003))
    for leaf in range(leaves):
        (nodes, near), (nodes_end, near_end) = interactions.starts[leaf : leaf + 2]
        cells = interactions.nodes[nodes:nodes_end]
        inside = [np.arange(tree.first[cell], tree.first[cell] + tree.leaves[cell]) for cell in cells]
        assert sorted(np.concatenate([*inside, interactions.near[near:near_end], [leaf]])) == list(range(leaves))


def test_boxes_hold_their_points_and_centres_are_their_means():
    points = random_map(203)
    tree = Tree.of(points)
    for node in range(len(tree.first)):
        own = points[:, tree.order[8 * tree.first[node] : 8 * (tree.first[node] + tree.leaves[node])]]
        assert tree.boxes[node].tolist() == [own[0].min(), own[0].max(), own[1].min(), own[1].max()]
        np.testing.assert_allclose(tree.centres[node], [*own.mean(axis=1, dtype=np.float64), own.shape[1]], rtol=1e-5)


def test_cells_follow_their_points():
    points = random_map(300)
    tree, moved = Tree.of(points), Tree.of(points)
    moved.follow(points * 2)
    np.testing.assert_array_equal(moved.order, tree.order)
    np.testing.assert_allclose(moved.boxes, 2 * tree.boxes, rtol=1e-6)


@pytest.mark.parametrize("theta", [0, THETA])
def test_points_in_one_place_make_no_deep_tree_and_do_not_move_one_another(theta):
    points = np.ones((2, 5000), dtype=np.float32)
    points[:, -1] = 9
    tree = Tree.of(points)
    assert len(tree.first) == 2 * 625 - 1
    if theta:
        # One cell for most of the heap: its pairs need no list.
        assert len(Interactions.of(tree, theta, run).near) < 10 * 625
    nothing = csr_matrix((5000, 5000))
    slopes = gradient(nothing, points, 1, theta)
    assert np.ptp(slopes[:, :-1], axis=1).max() < 1e-6 * np.abs(slopes).max()
    weight = 1 / (1 + 2 * 8**2)
    pairs = 4999 * 4998 + 2 * 4999 * weight
    np.testing.assert_allclose(slopes[:, 0], 8 * weight**2 / pairs, rtol=1e-4)
    np.testing.assert_allclose(slopes[:, -1], -8 * 4999 * weight**2 / pairs, rtol=1e-4)


def test_all_points_in_one_place_stay_there():
    start = np.full((2, 4000), 1e-4, dtype=np.float32)
    points = descend(random_joint(4000), start, [Phase(9, 12, 0.5, 200)], THETA, run)
    np.testing.assert_array_equal(points, start)


def test_steps_are_those_of_momentum_and_gains():
    joint, start = random_joint(50), random_map(50)
    places, moves, gains = start.astype(np.float64), 0.0, np.ones(start.shape)
    for _ in range(5):
        slopes = exact_gradient(joint, places, 2)
        gains = np.maximum(np.where(moves * slopes < 0, gains + 0.2, gains * 0.8), 0.01)
        moves = 0.5 * moves - 300 * gains * slopes
        places = places + moves
    points = descend(joint, start, [Phase(5, 2, 0.5, 300)], 0, run)
    np.testing.assert_allclose(points, places, atol=1e-4 * np.abs(places).max())


def test_each_phase_begins_without_momentum():
    joint, start = random_joint(50), random_map(50)
    phase = Phase(3, 1, 0.5, 100)
    once = descend(joint, start, [phase], 0, run)
    np.testing.assert_allclose(
        descend(joint, start, [phase, phase], 0, run), descend(joint, once, [phase], 0, run), rtol=1e-4, atol=1e-4
    )


def test_a_descent_that_diverges_ends_with_points_that_are_not_finite():
    points = descend(random_joint(4000), random_map(4000), [Phase(40, 1, 0.5, 1e30)] * 2, THETA, run)
    assert not np.isfinite(points).all()


@pytest.mark.parametrize("count", [2, 4, 501])
def test_the_divergence_is_the_exact_sum(count):
    joint, points = random_joint(count), random_map(count)
    assert divergence(joint, points, run) == pytest.approx(kl_divergence(joint, points.T), rel=1e-6, abs=1e-7)


def test_an_interrupt_ends_the_descent():
    steps = []

    def interrupted(count, work, *arguments):
        run(count, work, *arguments)
        steps.append(work)
        if len(steps) == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descend(random_joint(50), random_map(50), [Phase(100_000, 1, 0.5, 1)], 0, interrupted)
    assert len(steps) == 20


@pytest.mark.parametrize("theta", [0, THETA])
def test_any_number_of_threads_gives_the_same_bytes(theta):
    joint, start, maps = random_joint(1500), random_map(1500), []
    for threads in (1, 2, 5):
        with divided(threads) as several:
            points = descend(joint, start, [Phase(20, 12, 0.5, 200)], theta, several)
            maps.append((points.tobytes(), divergence(joint, points, several)))
    assert maps[0] == maps[1] == maps[2]
