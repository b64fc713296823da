"""Compiled code: the same bytes for every processor, and kept where every copy of the project finds it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from strata.maps.barnes_hut import compiled as module
from strata.maps.barnes_hut.affinities import affinities
from strata.maps.barnes_hut.compiled import compiled, package_version
from strata.maps.barnes_hut.descent import THETA, Phase, descend, divergence
from strata.maps.barnes_hut.neighbours import nearest
from tests.tiny_pipeline import ROOT

PHASES = (Phase(60, 12, 0.5, 200), Phase(40, 1, 0.8, 200))


def run(count, work, *arguments):
    work(*arguments, 0, count)


def draw_map() -> str:
    """Return the SHA-256 of affinities, maps by both kinds of forces, and their divergences."""
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(5, 9))[rng.integers(0, 5, 403)] * 5 + rng.normal(size=(403, 9))).astype(np.float32)
    joint = affinities(values, 20.0, run)
    digest = hashlib.sha256(joint.data.tobytes())
    for theta in (0, THETA):
        points = descend(joint, values[:, :2].T * np.float32(1e-4), PHASES, theta, run)
        digest.update(points.tobytes() + np.float64(divergence(joint, points, run)).tobytes())
    return digest.hexdigest()


def test_code_for_the_oldest_processor_gives_the_same_bytes():
    """It cannot fuse products with sums, and computes four lanes at once: so this processor's code fuses none."""
    command = "from tests.maps.barnes_hut.test_compiled import draw_map; print(draw_map())"
    oldest = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, env=oldest, capture_output=True, text=True)
    assert done.stdout.strip() == draw_map(), done.stderr


def test_code_is_kept_by_the_version_of_the_whole_package(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def doubled(x):
        return 2 * x

    first = compiled(doubled)
    assert first(3) == 6
    assert sum(first.stats.cache_misses.values()) == 1
    again = compiled(doubled)
    assert again(3) == 6
    assert sum(again.stats.cache_hits.values()) == 1
    assert Path(again.stats.cache_path) == tmp_path / f"strata_{package_version()[:40]}"

    monkeypatch.setattr(module, "package_version", lambda: "another" * 8)
    other = compiled(doubled)
    assert other(3) == 6
    assert sum(other.stats.cache_misses.values()) == 1


def test_the_version_is_a_hash_of_every_file(tmp_path, monkeypatch):
    versions = set()
    for text in ("a = 1", "a = 2"):
        (tmp_path / "lanes.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(module, "__file__", str(tmp_path / "compiled.py"))
        versions.add(package_version.__wrapped__())
    assert len(versions) == 2


def test_where_nothing_can_be_written_functions_are_compiled_all_the_same(tmp_path, monkeypatch):
    file = tmp_path / "a file"
    file.touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(file))
    assert compiled(lambda x: x + 1)(2) == 3


@pytest.mark.parametrize("theta", [0, THETA])
def test_a_map_is_as_good_as_scikit_learns(theta):
    """Real digits: the divergence within 2%, the share of a point's 15 neighbours that the map keeps within 0.01."""
    from sklearn.datasets import load_digits
    from sklearn.manifold import TSNE

    values = load_digits().data[:600].astype(np.float32)
    start = (values[:, 20:22] - values[:, 20:22].mean(axis=0)).T * np.float32(1e-5)
    joint = affinities(values, 20.0, run)
    ours = descend(joint, start, (Phase(250, 12, 0.5, 200), Phase(500, 1, 0.8, 200)), theta, run)
    theirs = TSNE(perplexity=20, init=start.T, learning_rate=50, max_iter=750, random_state=0, n_jobs=1)
    maps = ours, np.ascontiguousarray(theirs.fit_transform(values).T)
    near = nearest(values, 15, run)[0]
    kept = [
        np.mean(
            [
                np.isin(*rows).mean()
                for rows in zip(near, nearest(np.ascontiguousarray(each.T), 15, run)[0], strict=True)
            ]
        )
        for each in maps
    ]
    divergences = [divergence(joint, each, run) for each in maps]
    assert divergences[0] < 1.02 * divergences[1]
    assert kept[0] > kept[1] - 0.01
