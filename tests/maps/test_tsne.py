"""t-SNE by every engine: clusters are found, results repeat themselves, and hopeless input is refused."""

import platform
import sys
from functools import cache

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from threadpoolctl import threadpool_limits

from strata.core.errors import StrataError
from strata.core.limits import THREADS_EACH
from strata.core.params import Reproducible
from strata.maps import engines
from strata.maps import tsne as tsne_module
from strata.maps.barnes_hut import compiled
from strata.maps.barnes_hut.compiled import divided
from strata.maps.barnes_hut.descent import EXACT_POINTS
from strata.maps.embedder import Embedding, initial_map
from strata.maps.engines import FEW_POINTS, MANY_POINTS, chosen_engine, compile_ahead
from strata.maps.map_files import metrics
from strata.maps.tsne import Tsne, chosen_perplexity

ON_X86 = platform.machine().lower() in {"x86_64", "amd64"}
only_x86 = pytest.mark.skipif(not ON_X86, reason="scikit-learn-intelex has wheels for x86-64 only")
ENGINES = ("strata", "sklearn", "opentsne", pytest.param("onedal", marks=only_x86))
LABELS = np.repeat(np.arange(3), 20)


@pytest.fixture(autouse=True)
def one_thread():
    """As in the pool; on a busy machine the threads of such small jobs spend seconds waiting for one another."""
    with threadpool_limits(1):
        yield


def tsne(engine: str = "sklearn", **changes) -> Tsne:
    # openTSNE is slow for few points, and can run as few iterations as these.
    iterations = (150, 100) if engine != "opentsne" else (60, 80)
    base = {"perplexity": 5, "early_exaggeration": 12, "learning_rate": "auto"}
    base |= {"early_exaggeration_iterations": iterations[0], "iterations": iterations[1]}
    return Tsne(engine=engine, **{**base, **changes})


def clusters() -> np.ndarray:
    """Three Gaussian clusters of 20 points in six dimensions, far from one another."""
    rng = np.random.default_rng(0)
    return (np.repeat(rng.normal(size=(3, 6)) * 10, 20, axis=0) + rng.normal(size=(60, 6))).astype(np.float32)


def scrambled(count: int = 60) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 2)) * 1e-4


@cache
def cluster_map(engine: str) -> Embedding:
    return tsne(engine).embed(clusters(), scrambled(), seed=0)


def neighbourhood_hit(points: np.ndarray) -> float:
    """Return the share of each point's five nearest neighbours that are of its cluster."""
    distances = ((points[:, None] - points) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    return (LABELS[distances.argsort(axis=1)[:, :5]] == LABELS[:, None]).mean()


@pytest.mark.parametrize("engine", ENGINES)
def test_clusters_are_found_from_a_scrambled_start(engine):
    assert neighbourhood_hit(scrambled()) < 0.5
    assert neighbourhood_hit(cluster_map(engine).points) >= 0.95


@pytest.mark.parametrize("engine", ENGINES)
def test_a_map_says_how_it_was_drawn_and_its_divergence(engine):
    result = cluster_map(engine)
    assert (result.points.shape, result.points.dtype) == ((60, 2), np.float64)
    assert list(result.metrics) == ["kl_divergence_by_engine"]
    assert 0 < result.metrics["kl_divergence_by_engine"] < 2
    assert result.settings == {
        "engine": engine,
        "perplexity": "5",
        "iterations": "60 + 80" if engine == "opentsne" else "150 + 100",
        "learning_rate": "200",
        "kl_divergence_by_engine": f"{result.metrics['kl_divergence_by_engine']:.6f}",
    }


def test_a_divergence_that_an_engine_cannot_tell_is_left_out(monkeypatch):
    """oneDAL reports NaN where affinities are smaller than its numbers: so it did for the outputs of a small LSTM."""
    monkeypatch.setattr(tsne_module, "run_engine", lambda _values, start, *_: (start, float("nan")))
    result = tsne("onedal").embed(clusters(), scrambled(), seed=0)
    assert result.metrics == {} and "kl_divergence_by_engine" not in result.settings
    assert np.isfinite(result.points).all()
    both = [cluster_map("sklearn"), result]
    known = round(both[0].metrics["kl_divergence_by_engine"], 6)
    assert metrics(["h1", "h2"], both) == {"kl_divergence_by_engine": {"h1": known}}


def test_the_texts_for_figures_hold_the_settings():
    method = tsne().described("tsne", cluster_map("sklearn"))
    assert (method.name, method.title, method.caption) == ("tsne", "t-SNE", "t-SNE with perplexity 5")
    assert method.details == "t-SNE by sklearn, 150 + 100 iterations."  # the divergence that is shown is the exact one
    assert method.settings == cluster_map("sklearn").settings


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_input_gives_the_same_bytes(engine):
    again = tsne(engine).embed(clusters(), scrambled(), seed=0)
    assert again.points.tobytes() == cluster_map(engine).points.tobytes()
    assert again.metrics == cluster_map(engine).metrics


@pytest.mark.parametrize("engine", ENGINES)
def test_duplicate_samples_are_embedded(engine):
    values = clusters()
    values[30:] = values[0]
    points = tsne(engine).embed(values, scrambled(), seed=0).points
    assert np.isfinite(points).all()
    assert neighbourhood_hit(points) > neighbourhood_hit(scrambled())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_handful_of_points_is_embedded(engine):
    embedder = tsne(engine, perplexity=1)
    embedder.check_points(4, False, "h1")
    points = embedder.embed(clusters()[::15], scrambled(4), seed=0).points
    assert points.shape == (4, 2) and np.isfinite(points).all()


@pytest.mark.parametrize(
    ("engine", "lengths"),
    [
        ("sklearn", ((150, 150), (250, 50))),
        ("opentsne", ((5, 15), (15, 5))),
        ("strata", ((5, 15), (15, 5))),
        pytest.param("onedal", ((150, 150), (250, 50)), marks=only_x86),
    ],
)
def test_the_length_of_the_early_exaggeration_takes_effect(engine, lengths):
    """scikit-learn has no argument for it: Strata sets a private constant, which a later release may not heed."""
    maps = [
        tsne(engine, early_exaggeration_iterations=early, iterations=plain).embed(clusters(), scrambled(), 0).points
        for early, plain in lengths
    ]
    assert np.abs(maps[0] - maps[1]).max() > 0.01 * np.abs(maps[0]).max()


def test_a_map_that_is_not_finite_is_refused(monkeypatch):
    monkeypatch.setattr(engines, "_by_sklearn", lambda *_: (np.full((60, 2), np.nan), 0.0))
    with pytest.raises(StrataError) as caught:
        tsne(learning_rate=5e4).embed(clusters(), scrambled(), seed=0)
    assert str(caught.value) == "t-SNE diverged; lower embed.learning_rate (now 50000)"


@pytest.mark.parametrize(
    ("given", "count", "rate"),
    [("auto", 60, 200.0), ("auto", 2400, 200.0), ("auto", 60_000, 5000.0), (7.5, 60_000, 7.5)],
)
def test_the_learning_rate_is_the_one_given_or_n_over_the_exaggeration(given, count, rate):
    assert tsne(learning_rate=given).rate(count) == rate


def test_the_initial_map_is_two_principal_components_with_a_deviation_of_1e_4():
    start = initial_map(clusters(), seed=0)
    assert start.std(axis=0)[0] == pytest.approx(1e-4)
    assert 0 < start.std(axis=0)[1] < 1e-4
    centred = clusters() - clusters().mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    assert start.std(axis=0)[1] / 1e-4 == pytest.approx(singular[1] / singular[0], rel=1e-4)
    np.testing.assert_allclose(start[:, 0] @ start[:, 1], 0, atol=1e-12)


@pytest.mark.parametrize(
    "values", [np.arange(10.0)[:, None], np.arange(10.0)[:, None] * [1.0, 2.0, -3.0]], ids=["one unit", "one direction"]
)
def test_an_initial_map_of_less_than_two_dimensions_is_refused(values):
    with pytest.raises(StrataError) as caught:
        initial_map(values.astype(np.float32), seed=0)
    assert str(caught.value) == (
        "embed.initialization_layer: its activations vary in fewer than two directions; choose another layer"
    )


@pytest.mark.parametrize(
    ("count", "perplexity", "hint"),
    [
        (60, 20, "at most 19.6667 with these"),
        (16, 5.5, "at most 5 with these"),
        (4, 30, "at most 1 with these"),
        (3, 1, "too few points for any: extract more"),
        (1, 1, "too few points for any: extract more"),
    ],
)
def test_a_perplexity_too_large_for_the_points_is_refused_with_the_largest_allowed(count, perplexity, hint):
    with pytest.raises(StrataError) as caught:
        tsne(perplexity=perplexity).check_points(count, False, "h1")
    assert str(caught.value) == f"embed.perplexity {perplexity:g} is too large for {count} points: {hint}"


@pytest.mark.parametrize(
    ("setting", "count", "perplexity"),
    [
        ("auto", 5, 1),
        ("auto", 60, 6),
        ("auto", 300, 30),
        ("auto", 3000, 30),
        ("auto", 5000, 50),
        ("auto", 70_000, 100),
        (7.5, 70_000, 7.5),
    ],
)
def test_auto_is_30_a_tenth_of_few_points_and_a_hundredth_of_many(setting, count, perplexity):
    assert chosen_perplexity(setting, count) == perplexity


@pytest.mark.parametrize("engine", ENGINES)
def test_a_map_with_perplexity_auto_is_that_of_the_number_which_it_records(engine):
    values, start = np.random.default_rng(3).normal(size=(100, 6)).astype(np.float32), scrambled(100)
    automatic, given = (tsne(engine, perplexity=each).embed(values, start, 0) for each in ("auto", 10))
    assert automatic.points.tobytes() == given.points.tobytes()
    assert automatic.settings == given.settings and automatic.settings["perplexity"] == "10"
    assert tsne().described("tsne", automatic).caption == "t-SNE with perplexity 10"


def test_auto_too_is_refused_where_the_points_are_too_few():
    with pytest.raises(StrataError) as caught:
        tsne(perplexity="auto").check_count(3)
    assert str(caught.value) == (
        "embed.perplexity auto (1) is too large for 3 points: too few points for any: extract more"
    )
    for count in (4, 24, 299, 3001, 70_000):
        tsne(perplexity="auto").check_count(count)


def test_memory_grows_with_points_and_perplexity():
    assert tsne(perplexity=30).bytes_needed(70_000) == 60 * 3 * 30 * 70_000
    assert tsne(perplexity="auto").bytes_needed(70_000) == 60 * 3 * 100 * 70_000


@pytest.mark.parametrize(("count", "perplexity"), [(16, 5), (4, 1)])
def test_the_largest_perplexity_is_accepted(count, perplexity):
    tsne(perplexity=perplexity).check_points(count, False, "h1")


def test_a_layer_that_outputs_the_same_for_all_is_refused_by_name():
    with pytest.raises(StrataError) as caught:
        tsne().check_points(60, True, "h5")
    assert str(caught.value) == (
        "layer 'h5' outputs the same for all 60 samples (dead units?): there is nothing to embed;"
        " check the training, or remove the layer from `layers`"
    )


@pytest.mark.parametrize(
    ("engine", "chosen"),
    [
        ("auto", "strata"),
        ("strata", "strata"),
        ("sklearn", "sklearn"),
        ("opentsne", "opentsne"),
        ("onedal", "onedal"),
    ],
)
def test_auto_is_stratas_own_engine_and_a_name_is_kept(engine, chosen):
    assert chosen_engine(engine) == chosen


@pytest.mark.parametrize(
    ("engine", "least"), [("auto", 2), ("strata", 2), ("opentsne", 2), ("sklearn", 250), ("onedal", 250)]
)
def test_only_scikit_learns_classes_need_250_iterations(engine, least):
    tsne(engine, early_exaggeration_iterations=1, iterations=least - 1)
    if least > 2:
        with pytest.raises(ValueError, match=f"engine {engine} needs at least 250 iterations, .* not {least - 1}"):
            tsne(engine, early_exaggeration_iterations=1, iterations=least - 2)


def test_the_set_up_compiles_all_that_a_map_of_few_or_of_many_points_runs(monkeypatch):
    assert MANY_POINTS > EXACT_POINTS >= FEW_POINTS
    compile_ahead()
    compiles: list[object] = []
    monkeypatch.setattr(Dispatcher, "compile", lambda self, signature: compiles.append((self, signature)))
    for count in (60, EXACT_POINTS + 1):
        tsne("strata", iterations=2, early_exaggeration_iterations=2).embed(
            np.resize(clusters(), (count, 6)), scrambled(count), 0
        )
    assert not compiles


@pytest.mark.parametrize(
    ("engine", "chosen"), [("auto", "strata"), ("strata", "strata"), ("sklearn", "sklearn"), ("opentsne", "opentsne")]
)
def test_portable_mode_takes_no_engine_that_chooses_by_the_processor(engine, chosen):
    embedder = tsne(engine)
    assert embedder.in_mode(Reproducible.PORTABLE) == embedder.model_copy(update={"engine": chosen})
    assert embedder.in_mode(Reproducible.MACHINE) == embedder


def test_portable_mode_refuses_onedal_in_one_line():
    with pytest.raises(StrataError) as caught:
        tsne("onedal").in_mode(Reproducible.PORTABLE)
    assert str(caught.value) == (
        "embed.engine onedal chooses its code by the processor: for `reproducible: portable` choose auto, strata or"
        " sklearn"
    )


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_strata_refuses_values_that_are_not_finite(wrong):
    values = clusters()
    values[3, 2] = wrong
    with pytest.raises(StrataError) as caught:
        tsne("strata").embed(values, scrambled(), seed=0)
    assert str(caught.value) == "embed.engine strata: the values to draw a map of are not all finite"


@pytest.mark.parametrize(("count", "perplexity"), [(2, 1), (3, 1), (5, 1)])
def test_strata_draws_a_map_of_two_points(count, perplexity):
    points = tsne("strata", perplexity=perplexity).embed(clusters()[:count], scrambled(count), 0).points
    assert points.shape == (count, 2) and np.isfinite(points).all()


def test_without_its_package_strata_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(StrataError, match="strata needs the package numba"):
        tsne("strata").embed(clusters(), scrambled(), seed=0)


@only_x86
def test_onedal_that_falls_back_to_scikit_learn_is_an_error(monkeypatch):
    from daal4py.sklearn.manifold import _t_sne

    monkeypatch.setattr(_t_sne, "daal_check_version", lambda *_: False)
    with pytest.raises(StrataError, match="scikit-learn-intelex fell back to scikit-learn"):
        tsne("onedal").embed(clusters(), scrambled(), seed=0)


@only_x86
def test_onedal_leaves_the_start_as_it_is():
    start = scrambled()
    tsne("onedal").embed(clusters(), start, seed=0)
    np.testing.assert_array_equal(start, scrambled())


def test_without_its_package_onedal_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "daal4py", None)
    with pytest.raises(StrataError, match="needs the package scikit-learn-intelex, which exists for x86-64 only"):
        tsne("onedal").embed(clusters(), scrambled(), seed=0)


@pytest.mark.parametrize(
    ("allowed", "count", "threads"), [("3", MANY_POINTS + 1000, 3), ("3", MANY_POINTS, 2), ("1", MANY_POINTS, 1)]
)
def test_the_own_engine_has_the_threads_that_its_process_may_use_and_its_points_keep_busy(
    monkeypatch, allowed, count, threads
):
    taken = []
    monkeypatch.setenv(THREADS_EACH, allowed)
    monkeypatch.setattr(compiled, "divided", lambda number: taken.append(number) or divided(1))
    values = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    tsne("strata", early_exaggeration_iterations=1, iterations=1).embed(values, values * 1e-4, seed=0)
    assert taken == [threads]


@pytest.mark.parametrize("text", ["0", "two", "-1"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv(THREADS_EACH, text)
    with pytest.raises(StrataError) as caught:
        tsne("strata").embed(clusters(), scrambled(), seed=0)
    assert str(caught.value) == f"STRATA_THREADS_EACH must be a whole number of at least 1, not {text!r}"
