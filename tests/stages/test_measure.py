"""The measure stage on tiny data: every number is that of an independent computation from the Parquet files."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
import yaml
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from threadpoolctl import threadpool_limits

from stages import embed
from stages import measure as stage
from strata.artifacts.activations import ActivationWriter, read_activations
from strata.artifacts.maps import read_map, write_map
from strata.artifacts.measure_registry import Interval, read_registry
from strata.artifacts.measured import read_decisions, read_points, read_stability_maps
from strata.artifacts.needs import Need
from strata.artifacts.provenance import Provenance
from strata.artifacts.tables import PAIR_COLUMNS
from strata.core import streams
from strata.core.errors import StrataError
from strata.dataset.description import read_description
from strata.jobs import pool
from strata.maps.pacmap import Pacmap
from strata.maps.params import EmbedParams
from strata.maps.pca import reduced
from strata.measures import distance_jobs, registry
from strata.measures.class_pairs import pair_influences
from strata.measures.params import MeasureParams
from strata.measures.preparation import check_enough
from strata.measures.probe import validation_rows
from strata.measures.stability import stability_embedders
from strata.network.make import initialized_network
from strata.network.params import NetworkParams
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import (
    COUNTS,
    SIDE,
    TINY_PARAMS,
    run_extract,
    run_replicate,
    run_train,
    tiny_images,
    write_tiny_data,
)

LAYERS = ["input", "h1", "h2", "h3", "h4", "h5", "h6"]
CONTROLS = ["none", "untrained", "random projection", "shuffled labels"]
PERPLEXITIES = [3.0, 5.0]
K, COUNT = 5, 40
LABELS = np.arange(COUNT) % 10  # of the test images, and so the split's ids are rows
TABLES = {
    "metrics": "measures.json",
    "table": "measures.csv",
    "by-layer": "measures_by_layer.csv",
    "cka": "cka.csv",
    "networks": "networks.csv",
    "between": "between_networks.csv",
    "dimension": "intrinsic_dimension.csv",
    "stability": "stability.csv",
    "pairs": "class_pairs.csv",
    "training": "measures_over_training.csv",
}
MEASURES = [measure.key for measure in registry.MEASURES]
OF_MAPS = {name for name in MEASURES if name.startswith("map_")}
OF_COLLAPSE = {"collapse_variability", "collapse_norms", "collapse_angles", "collapse_duality"}
OF_EXITS = {"early_exit_share", "early_exit_accuracy", "prediction_agreement"}
OF_THOSE_THAT_EXIT = {"early_exit_accuracy"}  # in some layers there are no images that exit
OF_LABELS = (
    {"neighbourhood_hit", "knn_accuracy", "probe_accuracy", "map_hit", "class_dimension"} | OF_COLLAPSE | OF_EXITS
)
OF_NEXT = {"overlap_with_next", "imbalance_to_next", "imbalance_from_next"}
OF_MANY_POINTS = {"spectrum_exponent"}  # of which there are too few here
WITHOUT_BOUNDS = {"duplicates_dropped", "dead_share", "map_distance_correlation", "map_kl_divergence"}
WITHOUT_BOUNDS |= {"effective_rank", "spectrum_exponent"}
FEW = {"stability_perplexities": [4]}
SIX_DIGITS = 1e-5


def run_embed(params, folder):
    """Run the embed stage on the activations under `folder`."""
    arguments = ["--params", str(params), "--activations", str(folder / "activations")]
    embed.main([*arguments, "--out", str(folder / "embeddings"), "--reports", str(folder / "reports")])


def run_measure(params, folder, out="measured"):
    """Run the measure stage on what lies under `folder`, write all under `out` there, and return that."""
    target = folder / out
    arguments = ["--params", str(params), "--data", str(folder), "--out", str(target / "measures")]
    stage.main([*arguments, "--reports", str(target)])
    return target


@pytest.fixture
def in_process(monkeypatch):
    """Replace every stage's pool of processes."""
    monkeypatch.setattr(pool, "Pool", PoolHere)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with params.yaml, raw/, model/, activations/ and embeddings/ of the tiny data set; left as it is."""
    folder = tmp_path_factory.mktemp("measure")
    write_tiny_data(folder / "raw")
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump(TINY_PARAMS), encoding="utf-8")
    run_train(params, folder / "raw", folder)
    run_extract(params, folder / "raw", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", PoolHere)
        run_replicate(params, folder / "raw", folder)
        run_embed(params, folder)
    return folder


@pytest.fixture(scope="module")
def measured(base):
    """What the stage writes of the tiny data set, by two processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_PROCESSES", "2")
        return run_measure(base / "params.yaml", base)


@pytest.fixture
def ready(base, tmp_path):
    """A copy of `base` to change."""
    folder = tmp_path / "run"
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("measured*"))
    return folder


@pytest.fixture(scope="module")
def table(measured):
    """The table of measures by (control, measure, layer)."""
    return pd.read_csv(measured / "measures.csv").set_index(["control", "measure", "layer"])


@pytest.fixture(scope="module")
def spaces(base):
    """Control -> layer -> activations of the test images, float64."""
    trained = {layer: stored(base / f"activations/{layer}.parquet") for layer in LAYERS}
    network = initialized_network(NetworkParams(**TINY_PARAMS["network"]), (1, SIDE, SIDE), 10, TINY_PARAMS["seed"])
    untrained = forward(network.state_dict(), base, "test")
    projected = {}
    for layer, values in trained.items():
        size = min(values.shape[1], SIDE * SIDE)
        matrix = streams.random_projection(TINY_PARAMS["seed"], size).standard_normal((SIDE * SIDE, size), np.float32)
        projected[layer] = trained["input"] @ matrix.astype(np.float64)
    return {"none": trained, "untrained": untrained, "random projection": projected}


@pytest.fixture(scope="module")
def maps(base):
    """Layer -> points of its map, float64."""
    return {layer: read_map(base / f"embeddings/{layer}.parquet").points.astype(float) for layer in LAYERS}


def stored(path):
    """Return the activations in a Parquet file, float64 (n, D), read without Strata."""
    return np.array(pq.read_table(path)["activation"].to_pylist(), dtype=np.float64)


def forward(weights, folder, split):
    """Return every layer's activations, float64 (n, D), as the exercise computes them, from plain tensors."""
    description = read_description(folder / "raw")
    pixels = torch.tensor(tiny_images(split)[0], dtype=torch.float32).reshape(-1, 1, SIDE, SIDE)
    h = {"input": (pixels / 255 - description.mean) / description.std}
    h["h1"] = F.relu(F.conv2d(h["input"], weights["conv1.weight"], weights["conv1.bias"]))
    h["h2"] = F.max_pool2d(h["h1"], 2, 2)
    h["h3"] = F.relu(F.conv2d(h["h2"], weights["conv2.weight"], weights["conv2.bias"]))
    h["h4"] = F.max_pool2d(h["h3"], 2, 2)
    h["h5"] = F.relu(F.linear(h["h4"].flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    h["h6"] = F.log_softmax(F.linear(h["h5"], weights["fc2.weight"], weights["fc2.bias"]), dim=1)
    return {layer: values.flatten(1).numpy().astype(np.float64) for layer, values in h.items()}


def squared_to(queries, reference):
    """Return squared distances (q, n) by differences."""
    return np.stack([((reference - query) ** 2).sum(axis=1) for query in queries])


def squared_among(values):
    """Return squared distances (n, n), infinite to the point itself."""
    squared = squared_to(values, values)
    np.fill_diagonal(squared, np.inf)
    return squared


def order(squared):
    """Return the rows by distance, the lower row first among equals."""
    return np.argsort(squared, axis=1, kind="stable")


def nearest(values, k=K):
    """Return the k nearest other rows (n, k)."""
    return order(squared_among(values))[:, :k]


def vote(labels):
    """Return the most frequent label; among equals the one met first."""
    return Counter(labels.tolist()).most_common(1)[0][0]


def hits(neighbours, labels=LABELS):
    """Return each point's share of neighbours with its label."""
    return np.array([np.mean(labels[row] == label) for row, label in zip(neighbours, labels, strict=True)])


def common(first, second):
    """Return each point's share of neighbours in both."""
    return np.array([len(set(a) & set(b)) / K for a, b in zip(first.tolist(), second.tolist(), strict=True)])


def two_nn_likelihood(values):
    """Return TwoNN's maximum likelihood of the dimension, and how many points are duplicates of others."""
    distances = np.sqrt(np.sort(squared_among(values), axis=1)[:, :2])
    kept = distances[distances[:, 0] > 0]
    return (len(kept) - 1) / np.log(kept[:, 1] / kept[:, 0]).sum(), len(values) - len(kept)


def participation(values):
    """Return the participation ratio without bias: the mean squared trace over the mean trace of the square.

    A quarter of the mean of the product of two squared distances between four different points, over the HSIC.
    """
    squared, count = squared_to(values, values), len(values)
    products = 0.0
    for i in range(count):
        for j in range(i):
            others = np.delete(np.arange(count), [i, j])
            products += 2 * squared[i, j] * squared[np.ix_(others, others)].sum()
    centred = values - values.mean(axis=0)
    quadruples = count * (count - 1) * (count - 2) * (count - 3)
    return products / quadruples / 4 / hsic(centred @ centred.T, centred @ centred.T)


def effective_rank(values):
    """Return the exponential of the entropy of the singular values."""
    found = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
    shares = found[found > 1e-5 * found[0]] / found.sum()
    return np.exp(-(shares * np.log(shares)).sum())


def foretold(first, second):
    """Return 2 / n times the mean rank in the second space of each point's nearest in the first."""
    nearest_first, ordered = nearest(first)[:, 0], order(squared_among(second)).tolist()
    return 2 / COUNT * np.mean([row.index(place) + 1 for row, place in zip(ordered, nearest_first, strict=True)])


def class_variability(values):
    """Return Tr(S_W S_B^+) / C with D x D matrices; there are as many points of each class."""
    means = np.stack([values[name == LABELS].mean(axis=0) for name in range(10)])
    within, between = (values - means[LABELS]) / COUNT**0.5, (means - means.mean(axis=0)) / 10**0.5
    return np.trace(within.T @ within @ np.linalg.pinv(between.T @ between, rcond=1e-8, hermitian=True)) / 10


def bounds_of_hit(values, labels=LABELS):
    """Return the bounds of the neighbourhood hit by the influence of each point, in loops."""
    shares, pairs = np.zeros(COUNT), np.zeros((COUNT, COUNT))
    for point, others in enumerate(order(squared_among(values))):
        agrees = (labels[others] == labels[point]).astype(float)
        shares[point] += agrees[:K].mean()
        for place in range(K):
            effect = (agrees[place] - agrees[K - K // 2 : K + K // 2].mean()) / K
            shares[others[place]] += effect
            pairs[min(point, others[place]), max(point, others[place])] += effect
    jackknife = shares.var(ddof=1) / COUNT
    error = max(jackknife - (pairs**2).sum() / COUNT**2, jackknife / 2) ** 0.5
    value = hits(nearest(values), labels).mean()
    return [max(0, value - 1.959964 * error), min(1, value + 1.959964 * error)]


def hsic(first, second):
    """Return the unbiased HSIC of two Gram matrices (Song et al. 2012, equation 5)."""
    n, one = len(first), np.ones(len(first))
    first, second = (gram - np.diag(np.diag(gram)) for gram in (first, second))
    total = np.trace(first @ second) + one @ first @ one * (one @ second @ one) / ((n - 1) * (n - 2))
    return (total - 2 / (n - 2) * (one @ first @ second @ one)) / (n * (n - 3))


def values_of(table, control, measure):
    """Return the measure of every layer, in order."""
    return [table.loc[(control, measure, layer), "value"] for layer in LAYERS]


def check_value(table, control, measure, expected):
    """Compare a measure of every layer with what is expected, to the digits of the table."""
    np.testing.assert_allclose(
        values_of(table, control, measure), expected, rtol=SIX_DIGITS, err_msg=f"{control} {measure}"
    )


# --- what is written -------------------------------------------------------------------------------------------------


def test_all_files_are_written_and_the_scratch_folder_is_gone(measured):
    names = [
        *TABLES.values(),
        "measures/samples.parquet",
        "measures/samples_by_probe.parquet",
        "measures/stability_maps.parquet",
        "measures/registry.json",
    ]
    names += [f"measures/points/{layer}.parquet" for layer in LAYERS]
    assert sorted(str(path.relative_to(measured)) for path in measured.rglob("*") if path.is_file()) == sorted(names)
    assert not (measured / ".measures.part").exists()


def test_the_registry_is_written_as_it_is(measured):
    found = read_registry(measured / "measures/registry.json")
    assert found.model_dump() == registry.REGISTRY.model_dump()
    assert [measure.key for measure in found.measures] == MEASURES


def test_the_registry_says_truly_what_measures_need_and_which_have_bounds():
    assert {one.key for one in registry.MEASURES if Need.MAP in one.needs} == OF_MAPS
    assert {one.key for one in registry.MEASURES if Need.LABELS in one.needs} == OF_LABELS
    assert {one.key for one in registry.MEASURES if one.interval == Interval.NONE} == WITHOUT_BOUNDS


def test_every_file_says_what_it_was_made_from(measured, base):
    origin = Provenance.of("test", base / "model/mnist_cnn.pt", base / "raw")
    assert read_decisions(measured / "measures/samples.parquet")[1] == origin
    assert read_stability_maps(measured / "measures/stability_maps.parquet")[1] == origin
    for layer in LAYERS:
        assert read_points(measured / f"measures/points/{layer}.parquet")[1] == origin


def test_the_number_of_processes_does_not_change_a_byte(base, measured, monkeypatch, capsys):
    monkeypatch.setenv("STRATA_PROCESSES", "1")
    other = run_measure(base / "params.yaml", base, "measured by one")
    assert capsys.readouterr().err.splitlines()[-1] == "measure: 7 layers of 40 samples, with 3 controls"
    contents = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (measured, other)
    ]
    assert contents[0].keys() == contents[1].keys()
    assert [name for name, content in contents[0].items() if content != contents[1][name]] == []


# --- the table of measures -------------------------------------------------------------------------------------------


def test_every_measure_is_there_for_every_layer_and_each_control_it_applies_to(table):
    applies = {
        "none": set(MEASURES),
        "untrained": set(MEASURES) - OF_MAPS,
        "random projection": set(MEASURES) - OF_MAPS,
        "shuffled labels": OF_LABELS,
    }
    expected = [
        (control, measure, layer)
        for control in CONTROLS
        for measure in MEASURES
        if measure in applies[control] and measure not in OF_MANY_POINTS | OF_THOSE_THAT_EXIT
        for layer in (LAYERS[:-1] if measure in OF_NEXT else LAYERS)
        if control != "random projection" or measure not in OF_NEXT or layer != "input"  # shared with h1
    ]
    assert table.drop("early_exit_accuracy", level="measure").index.tolist() == expected
    assert np.isfinite(table["value"]).all()


def test_values_lie_within_their_bounds(table):
    table = table.drop("class_dimension", level="measure")  # two points of a class in each half are too few for bounds
    bounded = ~table.index.get_level_values("measure").isin(WITHOUT_BOUNDS)
    assert table.loc[bounded, ["low", "high"]].notna().all(axis=None)
    assert table.loc[~bounded, ["low", "high"]].isna().all(axis=None)
    rows = table[bounded]
    assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    assert (rows["low"] < rows["high"]).mean() > 0.8  # most are uncertain


def test_shares_lie_between_0_and_1(table):
    unbounded = {"duplicates_dropped", "map_distance_correlation", "map_kl_divergence", "participation_ratio"}
    unbounded |= {"effective_rank", "class_dimension"} | OF_COLLAPSE | OF_NEXT - {"overlap_with_next"}
    names = [name for name in MEASURES if name not in unbounded and not name.startswith("intrinsic")]
    rows = table[table.index.get_level_values("measure").isin(names)]
    for column in ("value", "low", "high"):
        assert rows[column].dropna().between(0, 1).all()


@pytest.mark.parametrize("control", ["none", "untrained", "random projection"])
def test_measures_of_the_full_space_are_those_by_brute_force(table, spaces, control):
    values = spaces[control]
    neighbours = {layer: nearest(values[layer]) for layer in LAYERS}
    check_value(table, control, "neighbourhood_hit", [hits(neighbours[layer]).mean() for layer in LAYERS])
    for first, second in pairwise(LAYERS):
        if (control, first) == ("random projection", "input"):  # shared with h1: not compared
            continue
        found = table.loc[(control, "overlap_with_next", first), "value"]
        assert found == pytest.approx(common(neighbours[first], neighbours[second]).mean(), rel=SIX_DIGITS)
        imbalances = [foretold(values[a], values[b]) for a, b in ((first, second), (second, first))]
        found = [
            table.loc[(control, measure, first), "value"] for measure in ("imbalance_to_next", "imbalance_from_next")
        ]
        np.testing.assert_allclose(found, imbalances, rtol=SIX_DIGITS)
    dimensions, duplicates = zip(*(two_nn_likelihood(values[layer]) for layer in LAYERS), strict=True)
    # From float32, whose last digit differs between the two passes.
    np.testing.assert_allclose(values_of(table, control, "intrinsic_dimension"), dimensions, rtol=1e-3)
    check_value(table, control, "duplicates_dropped", duplicates)
    in_classes = [
        np.mean([two_nn_likelihood(values[layer][name == LABELS])[0] for name in range(10)]) for layer in LAYERS
    ]
    np.testing.assert_allclose(values_of(table, control, "class_dimension"), in_classes, rtol=1e-3)
    ratios = [participation(values[layer]) for layer in LAYERS]
    np.testing.assert_allclose(values_of(table, control, "participation_ratio"), ratios, rtol=1e-4)
    ranks = [effective_rank(values[layer]) for layer in LAYERS]
    np.testing.assert_allclose(values_of(table, control, "effective_rank"), ranks, rtol=1e-3)
    variabilities = [class_variability(values[layer]) for layer in LAYERS]
    np.testing.assert_allclose(values_of(table, control, "collapse_variability"), variabilities, rtol=1e-3)
    check_value(table, control, "zero_share", [np.mean(values[layer] == 0) for layer in LAYERS])
    check_value(table, control, "dead_share", [np.mean(np.ptp(values[layer], axis=0) == 0) for layer in LAYERS])


def test_bounds_of_the_neighbourhood_hit_are_those_by_brute_force(table, spaces, maps):
    for control, measure, points in (
        ("none", "neighbourhood_hit", spaces["none"]),
        ("random projection", "neighbourhood_hit", spaces["random projection"]),
        ("none", "map_hit", maps),
    ):
        for layer in LAYERS:
            found = table.loc[(control, measure, layer), ["low", "high"]].to_numpy(dtype=float)
            np.testing.assert_allclose(found, bounds_of_hit(points[layer]), rtol=SIX_DIGITS, atol=1e-6)


@pytest.mark.parametrize("control", ["none", "untrained"])
def test_accuracies_are_those_of_readers_fitted_to_the_training_images(table, spaces, base, control):
    network = initialized_network(NetworkParams(**TINY_PARAMS["network"]), (1, SIDE, SIDE), 10, TINY_PARAMS["seed"])
    if control == "none":
        network.load_state_dict(torch.load(base / "model/mnist_cnn.pt", weights_only=True))
    reference, labels = forward(network.state_dict(), base, "train"), tiny_images("train")[1]
    accuracies = []
    for layer in LAYERS:
        places = order(squared_to(spaces[control][layer], reference[layer]))[:, :K]
        accuracies.append(np.mean([vote(labels[row]) for row in places] == LABELS))
    check_value(table, control, "knn_accuracy", accuracies)
    for layer in ("h4", "h5", "h6"):  # few enough units for the penalty to be chosen on all of them
        expected = probe_by_scikit_learn(reference[layer], labels, spaces[control][layer])
        # Another solver may read an image on the border between two classes otherwise.
        assert table.loc[(control, "probe_accuracy", layer), "value"] == pytest.approx(expected, abs=1.5 / COUNT)


def probe_by_scikit_learn(train, labels, test):
    """Return the accuracy on the test images of a penalty chosen on held-out images, and fitted with all of them."""
    middle = train.mean(axis=0)
    scale = np.sqrt(((train - middle) ** 2).sum(axis=1).mean())
    train, test = (train - middle) / scale, (test - middle) / scale
    exact = {"max_iter": 1000, "tol": 1e-9, "solver": "newton-cholesky"}
    params = TINY_PARAMS["measure"]
    held_out = validation_rows(labels, params["probe_validation"], streams.probe_validation(TINY_PARAMS["seed"]))
    likelihoods = {}
    for penalty in params["probe_penalties"]:
        model = LogisticRegression(C=1 / penalty, **exact)
        logs = model.fit(train[~held_out], labels[~held_out]).predict_log_proba(train[held_out])
        likelihoods[penalty] = logs[np.arange(len(logs)), labels[held_out]].mean()
    best = max(likelihoods, key=likelihoods.get)
    model = LogisticRegression(C=1 / best, **exact)
    return model.fit(train, labels).score(test, LABELS)


def test_the_untrained_network_sees_the_same_input(table):
    measures = set(MEASURES) - OF_MAPS - OF_MANY_POINTS - OF_NEXT - OF_THOSE_THAT_EXIT
    for measure in measures:
        first, second = (table.loc[(control, measure, "input")] for control in ("none", "untrained"))
        np.testing.assert_array_equal(first.to_numpy(), second.to_numpy(), err_msg=measure)


def test_a_projection_is_shared_by_layers_of_as_many_units(table):
    """The input and all wider layers have the same projection, and so the same numbers."""
    for measure in set(MEASURES) - OF_MAPS - OF_MANY_POINTS - OF_NEXT - OF_EXITS:
        first, second = (table.loc[("random projection", measure, layer)] for layer in ("input", "h1"))
        np.testing.assert_array_equal(first.to_numpy(), second.to_numpy(), err_msg=measure)


def test_layers_that_share_a_projection_are_not_compared_with_each_other(table, measured):
    """The input and h1 have the same 256 dimensions: all neighbours in common, and a CKA of 1, by construction."""
    overlaps = table.loc["random projection"].loc["overlap_with_next"]
    assert overlaps.index.tolist() == ["h1", "h2", "h3", "h4", "h5"]  # 256 to 108, to 4 x 2 x 2, to 4, to 8, to 10
    assert (overlaps["value"] < 1).all()
    cka = pd.read_csv(measured / "cka.csv")
    pairs = set(zip(cka["layer"], cka["other_layer"], cka["control"], strict=True))
    assert ("input", "h1", "random projection") not in pairs and ("h1", "input", "random projection") not in pairs
    assert ("input", "h1", "none") in pairs and ("h1", "h1", "random projection") in pairs


def test_shuffled_labels_are_read_no_better_than_by_chance(table):
    rows = table.loc["shuffled labels"]
    shares = rows[~rows.index.get_level_values("measure").isin({"class_dimension"} | OF_COLLAPSE | OF_EXITS)]
    assert shares["value"].mean() < 0.2  # there are ten classes
    assert table.loc["none"].loc["probe_accuracy", "value"].mean() > 0.5


def test_measures_of_the_maps_are_those_by_brute_force(table, spaces, maps):
    seen = {layer: nearest(maps[layer]) for layer in LAYERS}
    kept = {layer: nearest(spaces["none"][layer]) for layer in LAYERS}
    check_value(table, "none", "map_recall", [common(seen[layer], kept[layer]).mean() for layer in LAYERS])
    check_value(table, "none", "map_hit", [hits(seen[layer]).mean() for layer in LAYERS])
    pairs = [(spaces["none"][layer], maps[layer]) for layer in LAYERS]
    check_value(
        table, "none", "map_trustworthiness", [trustworthiness(full, flat, n_neighbors=K) for full, flat in pairs]
    )
    check_value(table, "none", "map_continuity", [trustworthiness(flat, full, n_neighbors=K) for full, flat in pairs])
    rows = np.sort(streams.correlated_points(TINY_PARAMS["seed"]).choice(COUNT, 20, replace=False))
    rho = [spearmanr(pdist(full[rows]), pdist(flat[rows])).statistic for full, flat in pairs]
    check_value(table, "none", "map_distance_correlation", rho)


def test_the_divergence_is_about_what_t_sne_itself_says(table, base):
    """The engine's number is that of the step before the last: on 40 points, which still swing, it can be far off."""
    own = json.loads((base / "reports/embedding.json").read_text(encoding="utf-8"))["kl_divergence_by_engine"]
    ratios = np.array(values_of(table, "none", "map_kl_divergence")) / [own[layer] for layer in LAYERS]
    assert np.median(ratios) == pytest.approx(1, abs=0.05)
    assert (np.abs(np.log(ratios)) < np.log(1.5)).all()


def test_the_table_by_layer_is_the_table_of_the_trained_network(measured, table):
    found = pd.read_csv(measured / "measures_by_layer.csv")
    assert found.columns.tolist() == ["depth", "layer", *MEASURES]
    assert found["depth"].tolist() == list(range(7)) and found["layer"].tolist() == LAYERS
    for measure in MEASURES:
        expected = [table["value"].get(("none", measure, layer), np.nan) for layer in LAYERS]
        np.testing.assert_array_equal(found[measure].to_numpy(), expected, err_msg=measure)


# --- metrics and the other tables ------------------------------------------------------------------------------------


def test_the_metrics_are_those_of_the_tables(measured, table):
    metrics = json.loads((measured / "measures.json").read_text(encoding="utf-8"))
    decisions, _ = read_decisions(measured / "measures/samples.parquet")
    chief = ["neighbourhood_hit", "probe_accuracy", "intrinsic_dimension", "map_trustworthiness"]
    counts = ["points", "late", "flip_floppers", "right_then_lost", "committed", "committed_by_probe", "clocks_agree"]
    assert list(metrics) == [*counts, "layers_identified", *chief]
    assert metrics["points"] == COUNT
    assert metrics["late"] == decisions.late.sum()
    assert metrics["committed"] == {
        layer: (decisions.commit_layer == place).sum() for place, layer in enumerate(LAYERS)
    }
    by_probe, _ = read_decisions(measured / "measures/samples_by_probe.parquet")
    assert metrics["committed_by_probe"] == {
        layer: (by_probe.commit_layer == place).sum() for place, layer in enumerate(LAYERS)
    }
    assert metrics["clocks_agree"] == pytest.approx(np.mean(by_probe.commit_layer == decisions.commit_layer), abs=1e-4)
    assert metrics["flip_floppers"] == decisions.flip_flopper.sum()
    assert metrics["right_then_lost"] == decisions.right_then_lost.sum()
    for measure in chief:
        assert list(metrics[measure]) == LAYERS
        np.testing.assert_allclose(list(metrics[measure].values()), values_of(table, "none", measure), atol=2e-4)


def test_the_similarity_of_layers_is_symmetric_and_that_by_brute_force(measured, spaces):
    found = pd.read_csv(measured / "cka.csv")
    assert found.columns.tolist() == ["layer", "other_layer", "value", "low", "high", "control"]
    assert len(found) == 3 * 49 - 2  # without input and h1 of the random projection, which they share
    for control, values in spaces.items():
        rows = found[found["control"] == control]
        square = (
            rows.pivot_table(index="layer", columns="other_layer", values="value")
            .loc[LAYERS, LAYERS]
            .to_numpy(copy=True)
        )
        if control == "random projection":
            assert np.isnan(square[[0, 1], [1, 0]]).all()
            square[[0, 1], [1, 0]] = 1
        np.testing.assert_array_equal(square, square.T)
        np.testing.assert_array_equal(np.diag(square), 1)
        assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
        centred = [values[layer] - values[layer].mean(axis=0) for layer in LAYERS]
        grams = [value @ value.T for value in centred]
        own = [hsic(gram, gram) for gram in grams]
        expected = np.array([[hsic(first, second) for second in grams] for first in grams]) / np.sqrt(
            np.outer(own, own)
        )
        np.testing.assert_allclose(square, expected, atol=1e-4, err_msg=control)


def test_the_dimension_is_given_for_fewer_and_fewer_points(measured, table):
    found = pd.read_csv(measured / "intrinsic_dimension.csv")
    assert found.columns.tolist() == ["layer", "estimator", "points", "value", "low", "high", "control"]
    expected = [
        (control, layer, estimator, points)
        for control in CONTROLS[:3]
        for layer in LAYERS
        for estimator in ("maximum_likelihood", "linear_fit")
        for points in (40, 20, 10, 5)
    ]
    indexed = found.set_index(["control", "layer", "estimator", "points"])
    assert indexed.index.tolist() == expected
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()
    names = {"maximum_likelihood": "intrinsic_dimension", "linear_fit": "intrinsic_dimension_fit"}
    for control, layer, estimator, points in expected:
        if points == COUNT:
            row = indexed.loc[(control, layer, estimator, points), ["value", "low", "high"]].to_numpy(float)
            same = table.loc[(control, names[estimator], layer), ["value", "low", "high"]].to_numpy(float)
            np.testing.assert_array_equal(row, same)


def test_pairs_of_classes_are_those_by_brute_force(measured, spaces):
    found = pd.read_csv(measured / "class_pairs.csv")
    assert found.columns.tolist() == list(PAIR_COLUMNS)
    pairs = [(first, second) for first in range(10) for second in range(first, 10)]
    rows = found.itertuples(index=False)
    for control, layer in product(("none", "untrained"), LAYERS):
        near = LABELS[nearest(spaces[control][layer])]
        counts = np.stack([np.bincount(near[np.equal(LABELS, own)].ravel(), minlength=10) for own in range(10)])
        for (first, second), row in zip(pairs, rows, strict=False):
            assert (row.layer, row[1], row.other_class, row.control) == (layer, first, second, control)
            if first == second:
                expected = counts[first, first] / counts[first].sum()
            elif 0 in (counts[first, [first, second]].sum(), counts[second, [first, second]].sum()):
                expected = np.nan  # one class has no neighbours of the two
            else:
                shares = [counts[a, a] / (counts[a, a] + counts[a, b]) for a, b in ((first, second), (second, first))]
                expected = np.mean(shares)
            assert row.separability == pytest.approx(expected, rel=SIX_DIGITS, nan_ok=True)
    assert len(found) == 2 * len(LAYERS) * len(pairs)


def test_pairs_of_classes_rise_from_the_layer_before_with_intervals_of_samples(measured, spaces):
    found = pd.read_csv(measured / "class_pairs.csv").set_index(["control", "layer", "class", "other_class"])
    for control, (before, layer) in product(("none", "untrained"), pairwise(LAYERS)):
        here, there = (nearest(spaces[control][each]) for each in (before, layer))
        for first, second in ((0, 1), (3, 8), (4, 4)):
            row, start = (found.loc[control, each, first, second] for each in (layer, before))
            assert row["rise"] == pytest.approx(row["separability"] - start["separability"], abs=2e-6, nan_ok=True)
            own, other = (pair_influences(LABELS, near, (first, second)) for near in (there, here))
            half = 1.959964 * np.sqrt((own**2).sum())
            bounds = np.clip([row["separability"] - half, row["separability"] + half], 0, 1)
            np.testing.assert_allclose(row[["low", "high"]].to_numpy(float), bounds, atol=2e-6)
            half = 1.959964 * np.sqrt(((own - other) ** 2).sum())
            rises = [row["rise"] - half, row["rise"] + half]
            np.testing.assert_allclose(row[["rise_low", "rise_high"]].to_numpy(float), rises, atol=3e-6)
    first_layer = found.xs(LAYERS[0], level="layer")
    assert first_layer[["rise", "rise_low", "rise_high"]].isna().all(axis=None)


# --- single samples --------------------------------------------------------------------------------------------------


def test_neighbours_and_votes_of_every_sample_are_those_by_brute_force(measured, spaces, base):
    predicted = pq.read_table(base / "activations/samples.parquet")["predicted"].to_pylist()
    for layer in LAYERS:
        points, _ = read_points(measured / f"measures/points/{layer}.parquet")
        expected = nearest(spaces["none"][layer])
        np.testing.assert_array_equal(points.sample_id, np.arange(COUNT))
        np.testing.assert_array_equal(points.neighbours, expected, err_msg=layer)
        by_neighbours = [vote(LABELS[row]) for row in expected]
        assert points.vote.tolist() == (predicted if layer == "h6" else by_neighbours)
        np.testing.assert_allclose(points.hit, hits(expected), rtol=1e-6)


def test_the_trust_in_every_spot_is_that_by_brute_force(measured, spaces, maps):
    worst = K * (2 * COUNT - 3 * K - 1) / 2
    for layer in LAYERS:
        points, _ = read_points(measured / f"measures/points/{layer}.parquet")
        full, flat = (order(squared_among(values)).tolist() for values in (spaces["none"][layer], maps[layer]))
        # Rank, from 1, of the other space's neighbours.
        false = np.array([[a.index(other) + 1 for other in b[:K]] for a, b in zip(full, flat, strict=True)])
        missing = np.array([[b.index(other) + 1 for other in a[:K]] for a, b in zip(full, flat, strict=True)])
        expected = {
            "recall": (false <= K).mean(axis=1),
            "trustworthiness": 1 - np.maximum(false - K, 0).sum(axis=1) / worst,
            "continuity": 1 - np.maximum(missing - K, 0).sum(axis=1) / worst,
            "false_neighbours": (false > 2 * K).mean(axis=1),
            "missing_neighbours": (missing > 2 * K).mean(axis=1),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(getattr(points, name), values, rtol=1e-5, err_msg=f"{layer} {name}")


def test_the_drift_of_every_sample_is_that_to_the_next_layer(measured, spaces):
    neighbours = {layer: nearest(spaces["none"][layer]).tolist() for layer in LAYERS}
    for first, second in pairwise(LAYERS):
        points, _ = read_points(measured / f"measures/points/{first}.parquet")
        pairs = [(set(a), set(b)) for a, b in zip(neighbours[first], neighbours[second], strict=True)]
        np.testing.assert_allclose(points.drift, [1 - len(a & b) / len(a | b) for a, b in pairs], atol=1e-6)
    assert np.isnan(read_points(measured / "measures/points/h6.parquet")[0].drift).all()


def test_the_decisions_are_those_by_brute_force(measured, spaces, base):
    decisions, _ = read_decisions(measured / "measures/samples.parquet")
    predicted = pq.read_table(base / "activations/samples.parquet")["predicted"].to_pylist()
    ballots = [[vote(LABELS[row]) for row in nearest(spaces["none"][layer])] for layer in LAYERS[:-1]]
    ballots.append(predicted)
    assert decisions.sample_id.tolist() == list(range(COUNT))
    for sample in range(COUNT):
        votes = [ballot[sample] for ballot in ballots]
        commit = next(place for place in range(7) if set(votes[place:]) == {predicted[sample]})
        flips = sum(first != second for first, second in pairwise(votes))
        assert decisions.commit_layer[sample] == commit
        assert decisions.flips[sample] == flips
        assert decisions.late[sample] == (commit in (5, 6))
        assert decisions.flip_flopper[sample] == (flips >= 2)
        lost = predicted[sample] != LABELS[sample] and LABELS[sample] in votes
        assert decisions.right_then_lost[sample] == lost


def test_the_probes_decide_where_they_agree_with_the_network_from_then_on(measured, table):
    found, _ = read_decisions(measured / "measures/samples_by_probe.parquet")
    assert found.sample_id.tolist() == list(range(COUNT))
    agreement = np.array(values_of(table, "none", "prediction_agreement"))
    committed = np.array([np.mean(found.commit_layer <= place) for place in range(7)])
    assert (committed[:6] <= agreement[:6] + 1e-9).all()
    assert committed[5] == pytest.approx(agreement[5])  # only the output comes after it
    assert committed[6] == 1


def test_an_image_exits_once_at_most(table):
    shares, accuracies = (
        table["value"].xs(name, level="measure") for name in ("early_exit_share", "early_exit_accuracy")
    )
    assert (shares.groupby("control").sum() <= 1 + 1e-9).all()
    assert shares["none"].sum() > 0
    assert accuracies.index.tolist() == shares[shares > 0].index.tolist()


def test_there_is_a_stability_map_of_every_layer_and_perplexity(measured, maps):
    found, _ = read_stability_maps(measured / "measures/stability_maps.parquet")
    assert [(one.layer, one.perplexity) for one in found] == [(x, p) for x in LAYERS for p in PERPLEXITIES]
    ids = found[0].sample_id
    assert len(ids) == 30 and (np.diff(ids) > 0).all() and ids.min() >= 0 and ids.max() < COUNT
    for one in found:
        assert one.sample_id.tolist() == ids.tolist()
        assert one.points.shape == (30, 2) and np.isfinite(one.points).all() and one.points.std(axis=0).max() > 1
        # Turned as near as can be to the layer's map: no other turn of it fits better.
        flat = maps[one.layer][ids]
        cross = (one.points - one.points.mean(axis=0)).astype(float).T @ (flat - flat.mean(axis=0))
        scale = np.abs(cross).max()
        np.testing.assert_allclose(cross, cross.T, atol=1e-4 * scale)
        assert np.linalg.eigvalsh((cross + cross.T) / 2).min() > -1e-4 * scale


def test_the_stability_of_points_and_that_of_maps_belong_together(measured):
    table = pd.read_csv(measured / "stability.csv")
    columns = ["layer", "perplexity", "points", "runs", "knn_overlap", "procrustes_disparity"]
    assert table.columns.tolist() == columns
    assert list(zip(table["layer"], table["perplexity"], strict=True)) == [(x, p) for x in LAYERS for p in PERPLEXITIES]
    assert (table["points"] == 30).all() and (table["runs"] == 2).all()
    assert table["knn_overlap"].between(0, 1).all() and table["procrustes_disparity"].between(0, 1).all()
    ids = read_stability_maps(measured / "measures/stability_maps.parquet")[0][0].sample_id
    for layer in LAYERS:
        points, _ = read_points(measured / f"measures/points/{layer}.parquet")
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(points.stability)), ids)
        overlaps = table.loc[table["layer"] == layer, "knn_overlap"]
        assert np.nanmean(points.stability) == pytest.approx(overlaps.mean(), abs=1e-5)


# --- other settings: in this process, where a warning is an error ----------------------------------------------------


@pytest.mark.usefixtures("in_process")
def test_maps_by_another_method_have_no_divergence_and_stability_without_perplexities(ready, write_params):
    own = {"neighbours": 4, "iterations": 20}
    params = write_params(layers=["input", "h6"], embed={"method": "pacmap", "pacmap": own})
    run_embed(params, ready)
    out = run_measure(params, ready)
    measures = pd.read_csv(out / "measures.csv")
    assert OF_MAPS - set(measures["measure"]) == {"map_kl_divergence"}
    assert pd.read_csv(out / "measures_by_layer.csv")["map_kl_divergence"].isna().all()
    table = pd.read_csv(out / "stability.csv")
    assert table["layer"].tolist() == ["input", "h6"] and table["perplexity"].isna().all()
    assert table["knn_overlap"].between(0.05, 1).all()
    maps, _ = read_stability_maps(out / "measures/stability_maps.parquet")
    assert [(one.layer, one.perplexity, len(one.points)) for one in maps] == [("input", None, 30), ("h6", None, 30)]
    # The first run's map, drawn again from the same start and seed.
    rows = maps[0].sample_id
    start = streams.stability_start(0, 0).standard_normal((30, 2)) * 1e-4
    with threadpool_limits(1):
        low = reduced(stored(ready / "activations/input.parquet").astype(np.float32)[rows], 10, 0)
        again = Pacmap(**own).embed(low, start, streams.map_optimization(0, 0)).points
    np.testing.assert_allclose(pdist(again), pdist(maps[0].points), rtol=1e-3)


@pytest.mark.usefixtures("in_process")
def test_the_jobs_warn_of_nothing(base, measured):
    """Here a warning is an error; and what does not depend on the number of threads is the same."""
    here = run_measure(base / "params.yaml", base, "measured here")
    for name in ("cka.csv", "class_pairs.csv"):
        first, second = (pd.read_csv(folder / name) for folder in (measured, here))
        pd.testing.assert_frame_equal(first, second, atol=1e-5)
    assert not (here / ".measures.part").exists()


@pytest.mark.usefixtures("in_process")
def test_without_the_output_among_the_layers_the_prediction_comes_after_the_last(ready, write_params, spaces):
    out = run_measure(write_params(layers=["input", "h4"], measure={**FEW, "late_layers": 1}), ready)
    decisions, _ = read_decisions(out / "measures/samples.parquet")
    predicted = np.array(pq.read_table(ready / "activations/samples.parquet")["predicted"].to_pylist())
    ballots = [[vote(LABELS[row]) for row in nearest(spaces["none"][layer])] for layer in ("input", "h4")]
    agree = [np.equal(ballot, predicted) for ballot in ballots]
    expected = np.where(agree[0] & agree[1], 0, np.where(agree[1], 1, 2))
    assert decisions.commit_layer.tolist() == expected.tolist()
    assert set(expected.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(decisions.late, expected >= 1)
    committed = json.loads((out / "measures.json").read_text(encoding="utf-8"))["committed"]
    assert committed == dict(zip(["input", "h4", "after h4"], np.bincount(expected).tolist(), strict=True))


@pytest.mark.usefixtures("in_process")
def test_fewer_samples_than_extracted(ready, write_params, monkeypatch):
    monkeypatch.setattr(distance_jobs, "ROWS", 10)  # several jobs for a layer
    out = run_measure(write_params(measure={"samples": 24, **FEW}), ready)
    decisions, _ = read_decisions(out / "measures/samples.parquet")
    ids = decisions.sample_id
    assert len(ids) == 24 and (np.diff(ids) > 0).all() and set(ids.tolist()) < set(range(COUNT))
    for layer in LAYERS:
        points, _ = read_points(out / f"measures/points/{layer}.parquet")
        assert points.sample_id.tolist() == ids.tolist()
        expected = nearest(stored(ready / f"activations/{layer}.parquet")[ids])
        everything = nearest(stored(ready / f"activations/{layer}.parquet"))  # the shown neighbours are of all samples
        np.testing.assert_array_equal(points.neighbours, everything[ids])
        assert not np.isin(points.neighbours, ids).all()
        np.testing.assert_allclose(points.hit, hits(expected, LABELS[ids]), rtol=1e-6)
        on_map = nearest(read_map(ready / f"embeddings/{layer}.parquet").points[ids].astype(float))
        np.testing.assert_allclose(points.recall, common(expected, on_map), rtol=1e-6)
        assert np.isfinite(points.stability).all()  # 24 are fewer than the stability sample
    for one in read_stability_maps(out / "measures/stability_maps.parquet")[0]:
        assert one.sample_id.tolist() == ids.tolist()
    # Readers, too, learn from no more than 24 training images, and are tried on the samples measured.
    known = np.sort(streams.reference_images(TINY_PARAMS["seed"]).choice(COUNTS["train"], 24, replace=False))
    learned, pixels = tiny_images("train")[1][known], tiny_images("train")[0][known].reshape(24, -1).astype(float)
    places = order(squared_to(tiny_images("test")[0][ids].reshape(24, -1).astype(float), pixels))[:, :K]
    table = pd.read_csv(out / "measures.csv").set_index(["control", "measure", "layer"])
    accuracy = np.mean([vote(learned[row]) for row in places] == LABELS[ids])
    assert table.loc[("none", "knn_accuracy", "input"), "value"] == pytest.approx(accuracy, rel=SIX_DIGITS)
    assert json.loads((out / "measures.json").read_text(encoding="utf-8"))["points"] == 24
    dimension = pd.read_csv(out / "intrinsic_dimension.csv")
    assert dimension["points"].unique().tolist() == [24, 12, 6, 3]


@pytest.mark.usefixtures("in_process")
def test_files_of_float16_are_measured_beside_an_untrained_twin_of_the_same_precision(ready, write_params, spaces):
    params = write_params(extract={"dtype": "float16"})
    run_extract(params, ready / "raw", ready)
    run_embed(params, ready)
    table = pd.read_csv(run_measure(params, ready) / "measures.csv").set_index(["control", "measure", "layer"])
    for control in ("none", "untrained"):
        rounded = [spaces[control][layer].astype(np.float16).astype(float) for layer in LAYERS]
        check_value(table, control, "participation_ratio", [participation(values) for values in rounded])
        exact = [participation(spaces[control][layer]) for layer in LAYERS]
        assert not np.allclose(values_of(table, control, "participation_ratio"), exact, rtol=SIX_DIGITS)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("split", "count"), [("train", 60), ("both", 100)])
def test_other_splits(ready, write_params, split, count):
    params = write_params(layers=["input", "h3", "h6"], extract={"split": split}, measure=FEW)
    shutil.rmtree(ready / "activations")
    run_extract(params, ready / "raw", ready)
    run_embed(params, ready)
    out = run_measure(params, ready)
    table = pd.read_csv(out / "measures.csv").set_index(["control", "measure", "layer"])
    labels = np.concatenate([tiny_images(part)[1] for part in COUNTS if split in (part, "both")])
    tests, learned = tiny_images("test")[1], tiny_images("train")[1]
    weights = torch.load(ready / "model/mnist_cnn.pt", weights_only=True)
    held_out, reference = (forward(weights, ready, part) for part in ("test", "train"))
    for layer in ("input", "h3", "h6"):
        points, origin = read_points(out / f"measures/points/{layer}.parquet")
        expected = nearest(stored(ready / f"activations/{layer}.parquet"))
        assert origin.split == split and points.sample_id.tolist() == list(range(count))
        np.testing.assert_array_equal(points.neighbours, expected)
        found = table.loc[("none", "neighbourhood_hit", layer), "value"]
        assert found == pytest.approx(hits(expected, labels).mean(), rel=SIX_DIGITS)
        # Whatever is measured, readers learn from training images and are tried on test images.
        places = order(squared_to(held_out[layer], reference[layer]))[:, :K]
        accuracy = np.mean([vote(learned[row]) for row in places] == tests)
        assert table.loc[("none", "knn_accuracy", layer), "value"] == pytest.approx(accuracy, rel=SIX_DIGITS)
    assert json.loads((out / "measures.json").read_text(encoding="utf-8"))["points"] == count


# --- errors ----------------------------------------------------------------------------------------------------------


def measure_error(params, folder):
    """Return the text, one line, of the StrataError that the stage ends in; nothing is written, nothing is left."""
    with pytest.raises(StrataError) as caught:
        run_measure(params, folder)
    left = list((folder / "measured").rglob("*")) if (folder / "measured").exists() else []
    assert left == []
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


errors = pytest.mark.usefixtures("in_process")


@errors
@pytest.mark.parametrize(("changes", "points"), [({"neighbours": 15}, 30), ({"neighbours": 12, "samples": 24}, 24)])
def test_too_many_neighbours_are_refused(ready, write_params, changes, points):
    assert measure_error(write_params(measure=changes), ready) == (
        f"measure.neighbours {changes['neighbours']} is too large for {points} points:"
        " less than half of them can be neighbours; extract more, or lower it"
    )


def test_too_few_samples_are_refused():
    params = MeasureParams(**TINY_PARAMS["measure"])
    again = stability_embedders(params, EmbedParams(**TINY_PARAMS["embed"]).embedder())
    with pytest.raises(StrataError) as caught:
        check_enough(23, params, again)
    assert str(caught.value) == "23 samples are too few to measure: extract 24 or more"
    check_enough(24, params, again)


@errors
def test_a_map_of_another_model_is_refused(ready, write_params):
    path = ready / "embeddings/h3.parquet"
    found = read_map(path)
    write_map(path, replace(found, provenance=replace(found.provenance, model_sha256="f" * 64)))
    assert measure_error(write_params(), ready) == (
        f"{ready / 'activations/samples.parquet'} and {path} do not belong together: their model_sha256 differ"
        f" ({found.provenance.model_sha256[:12]} and {'f' * 12}); run `dvc repro`"
    )


@errors
def test_a_map_of_other_samples_is_refused(ready, write_params):
    path = ready / "embeddings/h6.parquet"
    found = read_map(path)
    write_map(path, replace(found, sample_ids=found.sample_ids[1:], points=found.points[1:]))
    samples = ready / "activations/samples.parquet"
    expected = f"{samples} and {path} do not hold the same samples (40 and 39); run `dvc repro`"
    assert measure_error(write_params(), ready) == expected


@errors
def test_another_model_than_that_of_the_activations_is_refused(ready, write_params):
    first = ready / "activations/samples.parquet"
    run_train(write_params(seed=1), ready / "raw", ready)
    message = measure_error(write_params(), ready)
    assert message.startswith(f"{first} and {ready / 'model/mnist_cnn.pt'} do not belong together: their model_sha256")


@errors
@pytest.mark.parametrize("rows", [slice(1, None), slice(0, 39)])
def test_activations_of_other_samples_are_refused(ready, write_params, rows):
    path = ready / "activations/h4.parquet"
    found = read_activations(path)
    with ActivationWriter(path, found.info) as writer:
        writer.write(found.sample_ids[rows], found.values[rows])
    first = ready / "activations/samples.parquet"
    expected = f"{first} and {path} do not hold the same samples (40 and 39); run `dvc repro`"
    assert measure_error(write_params(), ready) == expected


@errors
def test_activations_of_a_layer_from_another_model_are_refused(ready, write_params):
    path = ready / "activations/h4.parquet"
    found = read_activations(path)
    other = replace(found.info, provenance=replace(found.info.provenance, model_sha256="f" * 64))
    with ActivationWriter(path, other) as writer:
        writer.write(found.sample_ids, found.values)
    message = measure_error(write_params(), ready)
    assert f"{path} do not belong together: their model_sha256 differ" in message


@errors
@pytest.mark.parametrize("name", ["activations/h2.parquet", "activations/samples.parquet", "embeddings/h2.parquet"])
def test_a_missing_file_is_named(ready, write_params, name):
    (ready / name).unlink()
    assert measure_error(write_params(), ready) == f"{ready / name} is missing; run `dvc repro`"


@errors
def test_too_large_a_perplexity_for_the_stability_sample_is_refused(ready, write_params):
    params = write_params(layers=["input", "h6"], measure={"stability_perplexities": [3, 10]})
    assert "measure.stability_perplexities: 10 is too large for 30 points: at most 9.66667" in measure_error(
        params, ready
    )


@errors
def test_too_many_neighbours_for_the_stability_sample_are_refused(ready, write_params):
    params = write_params(layers=["input", "h6"], embed={"method": "umap", "umap": {"neighbours": 30}})
    assert measure_error(params, ready) == (
        "measure.stability_samples: embed.umap.neighbours 30 is too large for 30 points: at most 29 with these, or"
        " raise it"
    )


@errors
def test_too_few_iterations_for_the_engine_are_refused(ready, write_params):
    params = write_params(layers=["input", "h6"], measure={"stability_iterations": 99})
    assert "250" in measure_error(params, ready)


def test_an_error_in_a_worker_process_leaves_nothing(ready, write_params, monkeypatch):
    monkeypatch.setenv("STRATA_PROCESSES", "1")
    params = write_params(layers=["h6"], embed={"initialization_layer": "h6"}, measure={"stability_perplexities": [10]})
    assert "10 is too large for 30 points" in measure_error(params, ready)


@errors
def test_what_was_left_of_a_run_that_was_killed_is_removed(ready, write_params):
    scratch = ready / "measured/.measures.part"
    scratch.mkdir(parents=True)
    (scratch / "none.points.h9.npy").write_bytes(b"rubbish")
    out = run_measure(write_params(layers=["input", "h6"], measure=FEW), ready)
    assert not scratch.exists() and (out / "measures/samples.parquet").exists()
