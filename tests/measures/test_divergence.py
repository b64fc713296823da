"""The KL divergence of a map against a dense sum over all pairs, and against what the engines report."""

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from openTSNE import TSNE
from scipy.sparse import coo_matrix, csr_matrix
from threadpoolctl import threadpool_limits

from strata.artifacts.activations import ActivationWriter, LayerInfo
from strata.artifacts.provenance import Provenance
from strata.maps.pca import reduced
from strata.maps.tsne import Tsne, exact_divergence
from strata.measures import divergence
from strata.measures.divergence import DivergenceJob, affinities, kl_divergence, measure_divergence

PERPLEXITY = 8


@pytest.fixture(autouse=True)
def one_thread():
    """As in the pool; on a busy machine the threads of such small jobs spend seconds waiting for one another."""
    with threadpool_limits(1):
        yield


def layer(count=90, units=6):
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(3, units)) * 6, count // 3, axis=0)
    return (centres + rng.normal(size=(count, units))).astype(np.float32)


def scattered(count=90, spread=1.0, seed=1):
    return np.random.default_rng(seed).normal(size=(count, 2)) * spread


@cache
def joint():
    return affinities(layer(), PERPLEXITY)


def dense_divergence(probabilities, points):
    """Return KL(P || Q), pair by pair."""
    count = len(points)
    weights = np.zeros((count, count))
    for first in range(count):
        for second in range(count):
            if first != second:
                weights[first, second] = 1 / (1 + ((points[first] - points[second]) ** 2).sum())
    q, known = weights / weights.sum(), probabilities > 0
    return (probabilities[known] * np.log(probabilities[known] / q[known])).sum()


def test_affinities_are_symmetric_probabilities_of_different_points():
    dense = joint().toarray()
    np.testing.assert_allclose(dense, dense.T, rtol=1e-12)
    assert dense.sum() == pytest.approx(1)
    assert (dense >= 0).all()
    assert (np.diag(dense) == 0).all()


def test_affinities_have_the_perplexity_and_reach_to_three_times_as_many_neighbours():
    values = layer()
    squared = ((values[:, None].astype(np.float64) - values) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    near = squared.argsort(axis=1)[:, : 3 * PERPLEXITY]
    conditional = np.zeros_like(squared)
    for row, columns in enumerate(near):
        low, high = 1e-6, 1e6
        for _ in range(200):
            precision = (low * high) ** 0.5
            weights = np.exp(-precision * (squared[row, columns] - squared[row, columns].min()))
            shares = weights / weights.sum()
            known = shares[shares > 0]
            entropy = -(known * np.log(known)).sum()
            low, high = (precision, high) if entropy > np.log(PERPLEXITY) else (low, precision)
        conditional[row, columns] = shares
    expected = (conditional + conditional.T) / (2 * len(values))
    np.testing.assert_allclose(joint().toarray(), expected, atol=1e-6 * expected.max())


@pytest.mark.parametrize("spread", [1e-4, 1.0, 30.0])
def test_the_divergence_is_the_dense_sum(spread):
    points = scattered(spread=spread)
    expected = dense_divergence(joint().toarray(), points)
    assert kl_divergence(joint(), points) == pytest.approx(expected, rel=1e-10)


def test_blocks_of_rows_add_up(monkeypatch):
    points = scattered()
    whole = kl_divergence(joint(), points)
    monkeypatch.setattr(divergence, "ROWS", 7)
    assert kl_divergence(joint(), points) == pytest.approx(whole, rel=1e-12)


def test_float32_points_are_summed_in_float64():
    points = scattered().astype(np.float32)
    assert kl_divergence(joint(), points) == kl_divergence(joint(), points.astype(np.float64))


def test_a_map_with_the_affinities_themselves_has_no_divergence():
    points = scattered(count=20)
    weights = 1 / (1 + ((points[:, None] - points) ** 2).sum(axis=2))
    np.fill_diagonal(weights, 0)
    assert kl_divergence(csr_matrix(weights / weights.sum()), points) == pytest.approx(0, abs=1e-12)


def test_the_divergence_of_three_points_by_hand():
    # Distances 1, 1 and 2: weights 1/2, 1/2 and 1/5, Q of each ordered pair 5/24, 5/24 and 2/24.
    points = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    rows, columns = [0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]
    pairs = coo_matrix(([0.25, 0.25, 0.25, 0.25, 0.0, 0.0], (rows, columns)))  # a stored zero counts for nothing
    assert kl_divergence(csr_matrix(pairs), points) == pytest.approx(np.log(0.25 * 24 / 5))


def test_the_divergence_is_what_opentsne_reports_where_it_sums_exactly():
    start = scattered(spread=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice about the scale of the start
        drawn = TSNE(
            perplexity=PERPLEXITY,
            early_exaggeration_iter=50,
            n_iter=200,
            learning_rate=20,
            initialization=start,
            neighbors="exact",
            negative_gradient_method="bh",
            theta=0,  # no approximation
            n_jobs=1,
            random_state=0,
        ).fit(layer())
    found = kl_divergence(joint(), np.asarray(drawn))
    assert found == pytest.approx(drawn.kl_divergence, rel=1e-6)
    assert found < kl_divergence(joint(), start) / 2


@pytest.mark.parametrize(("engine", "iterations"), [("opentsne", 20), ("sklearn", 200)])
def test_the_divergence_is_about_what_the_engines_approximate(engine, iterations):
    settings = {"early_exaggeration": 4, "learning_rate": 20}
    lengths = {"early_exaggeration_iterations": 20 if engine == "opentsne" else 50, "iterations": iterations}
    tsne = Tsne(engine=engine, perplexity=PERPLEXITY, **settings, **lengths)
    drawn = tsne.embed(layer(), scattered(spread=1e-4), seed=0)
    assert kl_divergence(joint(), drawn.points) == pytest.approx(drawn.metrics["kl_divergence_by_engine"], rel=0.02)


def test_strata_s_own_engine_records_the_exact_divergence_and_the_others_do_not():
    """So stage measure takes it from the map, and finds no neighbours again."""
    settings = {"early_exaggeration": 4, "learning_rate": 20, "early_exaggeration_iterations": 50, "iterations": 200}
    drawn = Tsne(engine="strata", perplexity=PERPLEXITY, **settings).embed(layer(), scattered(spread=1e-4), seed=0)
    known = exact_divergence(drawn.settings)
    assert known == pytest.approx(kl_divergence(joint(), drawn.points.astype(np.float32)), abs=2e-6)
    assert exact_divergence(drawn.settings | {"engine": "sklearn"}) is None
    assert exact_divergence({"engine": "strata"}) is None and exact_divergence({}) is None  # as in older files


def test_a_job_measures_the_reduced_activations(tmp_path: Path):
    values, path = layer(units=1100), tmp_path / "h1.parquet"
    with ActivationWriter(path, LayerInfo("h1", (1100,), Provenance("test", "a" * 64, "b" * 64))) as writer:
        writer.write(np.arange(50, dtype=np.int32), values[:50])
        writer.write(np.arange(50, 90, dtype=np.int32), values[50:])
    points = scattered().astype(np.float32)
    expected = kl_divergence(affinities(reduced(values, 4, seed=3), PERPLEXITY), points)
    assert measure_divergence(DivergenceJob(path, points, PERPLEXITY, 4, 3)) == pytest.approx(expected, rel=1e-5)


def test_a_job_with_perplexity_auto_uses_the_number_that_the_map_used(tmp_path: Path):
    values, path = np.random.default_rng(5).normal(size=(95, 3)).astype(np.float32), tmp_path / "h1.parquet"
    with ActivationWriter(path, LayerInfo("h1", (3,), Provenance("test", "a" * 64, "b" * 64))) as writer:
        writer.write(np.arange(95, dtype=np.int32), values)
    points = np.random.default_rng(6).normal(size=(95, 2)).astype(np.float32)
    automatic, given = (measure_divergence(DivergenceJob(path, points, each, 4, 3)) for each in ("auto", 9.5))
    assert automatic == given > 0
