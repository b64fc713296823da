"""Every stream of random numbers is its own: no two names, keys or seeds share one, and each repeats itself."""

import ast
import inspect
from itertools import combinations

import numpy as np
import pytest

from strata.core import streams
from tests.tiny_pipeline import ROOT

KEYS = {
    "disjoint_parts": [2, 4, 8],
    "stability_start": [0, 1],
    "random_projection": [10, 784],
    "map_optimization": [0, 1],
    "replicate": [2, 3],
    "layer_projection": [(784, 10), (10, 784)],
}
NAMES = [name for name, value in vars(streams).items() if inspect.isfunction(value) and not name.startswith("_")]
STREAMS = [(name, key if isinstance(key, tuple) else (key,)) for name in NAMES for key in KEYS.get(name, [()])]


def drawn(name: str, seed: int, key: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first numbers of a stream, or the seed that it gives."""
    stream = getattr(streams, name)(seed, *key)
    return (stream,) if isinstance(stream, int) else tuple(stream.integers(1 << 60, size=4).tolist())


def test_each_stream_repeats_itself():
    assert all(drawn(name, 3, key) == drawn(name, 3, key) for name, key in STREAMS)


def test_no_two_streams_share_their_numbers():
    numbers = [drawn(name, seed, key) for name, key in STREAMS for seed in (0, 1, 2**32 - 1)]
    assert all(not set(first) & set(second) for first, second in combinations(numbers, 2))


def test_none_is_that_of_the_bare_seed_or_of_one_that_numpy_pads():
    for seed in (0, 1):
        bare = [np.random.default_rng(entropy).integers(1 << 60, size=4) for entropy in (seed, [seed, 0], [0, seed])]
        for name, key in STREAMS:
            assert not any(set(drawn(name, seed, key)) & set(numbers.tolist()) for numbers in bare)


def test_the_streams_are_these_for_ever():
    """A change here changes every recorded result."""
    assert drawn("points", 0, ())[0] == 480340590954710808
    assert drawn("weights", 0, ()) == (1984238966548139621,)


def test_seeds_are_in_the_range_that_libraries_take():
    assert 0 <= streams.map_optimization(7) < 2**30
    of_torch = (streams.weights, streams.untrained_weights, streams.trial_images)
    assert all(0 <= stream(7) < 2**63 for stream in (*of_torch, streams.batch_order, streams.training_noise))


@pytest.mark.parametrize("folder", ["strata", "stages"])
def test_no_other_file_makes_a_generator_of_its_own(folder):
    for path in (ROOT / folder).rglob("*.py"):
        if path == ROOT / "strata/core/streams.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("default_rng", "RandomState", "SeedSequence"), f"{path}:{node.lineno}"
