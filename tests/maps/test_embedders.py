"""UMAP and PaCMAP: clusters are found, results repeat themselves, and hopeless input is refused."""

import subprocess
import sys
from functools import cache

import numba
import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.core.params import Reproducible
from strata.maps.embedder import Embedder, Embedding
from strata.maps.embedders import EMBEDDERS
from strata.maps.pacmap import Pacmap
from strata.maps.umap import Umap
from tests.tiny_pipeline import ROOT

# Settings for few points.
SMALL = {"umap": Umap(neighbours=6, epochs=150), "pacmap": Pacmap(neighbours=5, iterations=100)}
METHODS = tuple(SMALL)
LABELS = np.repeat(np.arange(3), 20)


def clusters(units: int = 6) -> np.ndarray:
    """Three Gaussian clusters of 20 points, far from one another."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0], [30.0], [70.0]]) * np.ones(units)
    return (centres[LABELS] + rng.normal(size=(60, units))).astype(np.float32)


def scrambled(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(60, 2)) * 1e-4


@cache
def cluster_map(method: str, seed: int = 0) -> Embedding:
    return SMALL[method].embed(clusters(), scrambled(), seed)


def neighbours(points: np.ndarray, count: int) -> np.ndarray:
    """Return each point's nearest others (n, count), by brute force."""
    distances = ((points[:, None].astype(float) - points) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances.argsort(axis=1)[:, :count]


def neighbourhood_hit(points: np.ndarray) -> float:
    """Return the share of each point's five nearest neighbours that are of its cluster."""
    return (LABELS[neighbours(points, 5)] == LABELS[:, None]).mean()


def recall(points: np.ndarray, values: np.ndarray) -> float:
    """Return the share of each point's five nearest neighbours in the layer that are so on the map."""
    pairs = zip(neighbours(points, 5), neighbours(values, 5), strict=True)
    return np.mean([len(set(near) & set(true)) / 5 for near, true in pairs])


def test_every_method_says_who_it_is_and_what_its_maps_do_not_show():
    for schema in EMBEDDERS.values():
        assert issubclass(schema, Embedder)
        assert schema.title and schema.caption and schema.details.endswith(".")
        assert len(schema.caveats) >= 3 and all(text.endswith((".", "?")) for text in schema.caveats)
    assert len({schema.title for schema in EMBEDDERS.values()}) == len(EMBEDDERS)


@pytest.mark.parametrize("method", METHODS)
def test_separate_clusters_stay_apart_from_a_scrambled_start(method):
    points = cluster_map(method).points
    assert (points.shape, points.dtype) == ((60, 2), np.float64)
    assert neighbourhood_hit(scrambled()) < 0.5
    assert neighbourhood_hit(points) == 1
    groups = points.reshape(3, 20, 2)
    centres = groups.mean(axis=1)
    radius = np.linalg.norm(groups - centres[:, None], axis=2).mean(axis=1).max()
    assert min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > 2 * radius


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_of_the_layer_are_few_before_and_many_after(method):
    assert recall(scrambled(), clusters()) < 0.15
    assert recall(cluster_map(method).points, clusters()) > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_groups_lie_to_one_another_as_they_start(method):
    """The common start is what makes the maps of layers alike: from left to right, and from right to left."""
    noise = np.random.default_rng(2).normal(size=(60, 2)) * 0.1
    start = (np.column_stack([LABELS - 1.0, np.zeros(60)]) + noise) * 1e-4
    for side in (1, -1):
        points = SMALL[method].embed(clusters(), start * [side, 1], 0).points
        along = points.reshape(3, 20, 2).mean(axis=1)[:, 0] * side
        assert (np.diff(along) > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_map(method):
    again = SMALL[method].embed(clusters(), scrambled(), 0)
    assert again.points.tobytes() == cluster_map(method).points.tobytes()
    assert np.abs(cluster_map(method, 1).points - again.points).max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_seed_is_taken(method):
    assert np.isfinite(SMALL[method].embed(clusters(), scrambled(), 2**32 - 1).points).all()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two cores")
@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_threads_changes_no_byte_and_is_left_as_it_was(method):
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            points = SMALL[method].embed(clusters(), scrambled(), 0).points
            assert points.tobytes() == cluster_map(method).points.tobytes()
            assert numba.get_num_threads() == threads
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("units", [1, 2])
def test_layers_of_one_or_two_units_are_embedded(method, units):
    values, start = clusters(units), scrambled()
    kept = values.copy(), start.copy()
    points = SMALL[method].embed(values, start, 0).points
    assert neighbourhood_hit(points) > 0.9
    np.testing.assert_array_equal(values, kept[0])
    np.testing.assert_array_equal(start, kept[1])


@pytest.mark.parametrize("method", METHODS)
def test_duplicate_samples_are_embedded(method):
    values = clusters()
    values[30:] = values[0]
    assert np.isfinite(SMALL[method].embed(values, scrambled(), 0).points).all()


@pytest.mark.parametrize(
    ("method", "settings", "caption", "details"),
    [
        (
            "umap",
            {"engine": "umap-learn", "neighbours": "6", "minimum_distance": "0.1", "epochs": "150"},
            "UMAP with 6 neighbours and minimum distance 0.1",
            "UMAP by umap-learn, 150 epochs.",
        ),
        (
            "pacmap",
            {
                "engine": "pacmap",
                "neighbours": "5",
                "mid_near_ratio": "0.5",
                "further_ratio": "2",
                "iterations": "100 + 100 + 100",
            },
            "PaCMAP with 5 neighbours",
            "PaCMAP by pacmap, 100 + 100 + 100 iterations.",
        ),
    ],
)
def test_a_map_says_how_it_was_drawn_and_claims_no_kl_divergence(method, settings, caption, details):
    embedding = cluster_map(method)
    found = SMALL[method].described(method, embedding)
    assert (found.name, found.settings, found.caption, found.details) == (method, settings, caption, details)
    assert found.caveats == EMBEDDERS[method].caveats
    assert dict(embedding.metrics) == {}


@pytest.mark.parametrize(
    ("setting", "value"),
    [("neighbours", 20), ("minimum_distance", 0.9), ("epochs", 20)],
)
def test_every_setting_of_umap_takes_effect(setting, value):
    changed = SMALL["umap"].model_copy(update={setting: value})
    assert np.abs(changed.embed(clusters(), scrambled(), 0).points - cluster_map("umap").points).max() > 0.1


@pytest.mark.parametrize(
    ("setting", "value"), [("neighbours", 9), ("mid_near_ratio", 2.0), ("further_ratio", 4.0), ("iterations", 20)]
)
def test_every_setting_of_pacmap_takes_effect(setting, value):
    changed = SMALL["pacmap"].model_copy(update={setting: value})
    assert np.abs(changed.embed(clusters(), scrambled(), 0).points - cluster_map("pacmap").points).max() > 0.1


def test_auto_epochs_are_those_of_few_points():
    assert Umap(neighbours=6).embed(clusters(), scrambled(), 0).settings["epochs"] == "500"


@pytest.mark.parametrize(
    ("embedder", "count", "message"),
    [
        (Umap(neighbours=15), 15, "embed.umap.neighbours 15 is too large for 15 points: at most 14 with these"),
        (Umap(), 2, "embed.umap.neighbours 2 is too large for 2 points: too few points for any: extract more"),
        (
            Pacmap(neighbours=10),
            35,
            "embed.pacmap.neighbours 10, with 35 pairs for each point, is too large for 35 points: at most 9 with"
            " these",
        ),
        (
            Pacmap(neighbours=1),
            7,
            "embed.pacmap.neighbours 1, with 3 pairs for each point, is too large for 7 points: too few points:"
            " extract more",
        ),
    ],
)
def test_too_few_points_are_one_line_with_what_would_do(embedder, count, message):
    with pytest.raises(StrataError) as caught:
        embedder.check_points(count, False, "h1")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("count", "umap", "pacmap"),
    [(24, 2, 2), (60, 3, 3), (200, 10, 10), (1000, 15, 10), (10_000, 15, 10), (100_000, 15, 25)],
)
def test_auto_is_a_number_of_neighbours_that_suits_the_points(count, umap, pacmap):
    assert Umap().chosen_neighbours(count) == umap
    assert Pacmap().chosen_neighbours(count) == pacmap  # with the package's defaults from 200 points on
    Umap().check_count(count)
    Pacmap().check_count(count)


def test_a_map_records_the_number_that_auto_stands_for():
    points = clusters()
    for automatic, given in ((Umap(epochs=20), Umap(epochs=20, neighbours=3)), (Pacmap(), Pacmap(neighbours=3))):
        first, second = (each.embed(points, scrambled(), 0) for each in (automatic, given))
        assert first.points.tobytes() == second.points.tobytes()
        assert first.settings == second.settings and first.settings["neighbours"] == "3"


@pytest.mark.parametrize(
    "embedder", [Umap(neighbours=59), Umap(neighbours=2), Pacmap(neighbours=16), Pacmap(neighbours=1)], ids=repr
)
def test_the_most_neighbours_that_are_allowed_can_be_embedded(embedder):
    embedder.check_count(60)
    assert np.isfinite(embedder.embed(clusters(), scrambled(), 0).points).all()


def test_the_fewest_points_that_are_allowed_can_be_embedded():
    for embedder, count in ((Umap(neighbours=2), 3), (Pacmap(neighbours=1), 8)):
        embedder.check_count(count)
        rows = slice(0, 60, 60 // count)
        points = embedder.embed(clusters()[rows][:count], scrambled()[:count], 0).points
        assert points.shape == (count, 2) and np.isfinite(points).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_outputs_the_same_for_all_is_refused_by_name(method):
    with pytest.raises(StrataError, match=r"^layer 'h5' outputs the same for all 60 samples \(dead units\?\): "):
        SMALL[method].check_points(60, True, "h5")


@pytest.mark.parametrize("method", METHODS)
def test_portable_mode_is_refused_in_one_line(method):
    with pytest.raises(StrataError) as caught:
        SMALL[method].in_mode(Reproducible.PORTABLE)
    assert str(caught.value) == (
        f"embed.method: {SMALL[method].title} is not known to give the same bytes on every processor: for"
        " `reproducible: portable` choose tsne"
    )
    assert SMALL[method].in_mode(Reproducible.MACHINE) is SMALL[method]


def test_what_only_they_need_is_not_imported_with_the_stages():
    code = "import sys, stages.embed; print(sorted({'umap', 'pacmap', 'numba', 'faiss'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout == "[]\n"
