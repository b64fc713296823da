"""The embed stage on tiny data: seven maps that belong together, whatever the number of processes."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stages import embed
from strata.artifacts.activations import ActivationWriter, read_activations
from strata.artifacts.maps import read_map
from strata.artifacts.provenance import Provenance
from strata.core import streams
from strata.core.errors import StrataError
from strata.core.params import load_section
from strata.jobs import pool
from strata.maps.embedder import initial_map
from strata.maps.params import EmbedParams
from strata.maps.pca import read_reduced
from strata.maps.start import start_sentence
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import run_train

LAYERS = ["input", "h1", "h2", "h3", "h4", "h5", "h6"]


def run_embed(params, folder, out="embeddings"):
    """Run the embed stage on the activations under `folder`, writing there."""
    arguments = ["--params", str(params), "--activations", str(folder / "activations"), "--out", str(folder / out)]
    embed.main([*arguments, "--reports", str(folder / f"reports of {out}")])


def embed_error(params, folder):
    """Return the text of the StrataError that the stage ends in; nothing is written."""
    with pytest.raises(StrataError) as caught:
        run_embed(params, folder)
    assert not (folder / "embeddings").exists() and not (folder / "reports of embeddings").exists()
    return str(caught.value)


def rewrite(path, **changes):
    """Write a file of activations again with `info`, `sample_ids` or `values` replaced."""
    activations = replace(read_activations(path), **changes)
    with ActivationWriter(path, activations.info) as writer:
        writer.write(activations.sample_ids, activations.values)


@pytest.fixture
def in_process(monkeypatch):
    """Replace every stage's pool of processes."""
    monkeypatch.setattr(pool, "Pool", PoolHere)


@pytest.fixture
def maps(extracted, write_params, request):
    """Every layer's map, in order."""
    request.getfixturevalue("in_process")
    run_embed(write_params(), extracted)
    return [read_map(extracted / f"embeddings/{layer}.parquet") for layer in LAYERS]


def test_there_is_a_map_of_every_layer_and_sample(maps, extracted):
    assert sorted(path.name for path in (extracted / "embeddings").iterdir()) == sorted(f"{x}.parquet" for x in LAYERS)
    assert [layer_map.layer for layer_map in maps] == LAYERS
    for layer_map in maps:
        assert layer_map.sample_ids.tolist() == list(range(40))
        assert layer_map.points.shape == (40, 2)


def test_maps_are_finite_spread_and_centred(maps):
    for layer_map in maps:
        spread = layer_map.points.std(axis=0).max()
        assert np.isfinite(layer_map.points).all() and spread > 1
        np.testing.assert_allclose(layer_map.points.mean(axis=0), 0, atol=1e-5 * spread)


def test_each_map_is_turned_to_the_one_before(maps):
    for first, second in pairwise(maps):
        cross = second.points.astype(float).T @ first.points.astype(float)
        # At the best turn the matrix of inner products is symmetric, and has no negative eigenvalue.
        scale = np.abs(cross).max()
        np.testing.assert_allclose(cross, cross.T, atol=1e-4 * scale)
        assert np.linalg.eigvalsh((cross + cross.T) / 2).min() > -1e-4 * scale


def test_each_map_says_how_it_was_made_and_from_what(maps, extracted):
    origin = Provenance.of("test", extracted / "model/mnist_cnn.pt", extracted / "raw")
    divergences = json.loads((extracted / "reports of embeddings/embedding.json").read_text(encoding="utf-8"))
    assert divergences["samples"] == 40 and list(divergences["kl_divergence_by_engine"]) == LAYERS
    for layer_map in maps:
        assert layer_map.provenance == origin
        method = layer_map.method
        assert (method.name, method.title, method.caption) == ("tsne", "t-SNE", "t-SNE with perplexity 5")
        assert len(method.caveats) == 4
        assert layer_map.settings == {
            "engine": "sklearn",
            "perplexity": "5",
            "iterations": "150 + 100",
            "learning_rate": "200",
            "initialization_layer": "input",
            "kl_divergence_by_engine": f"{divergences['kl_divergence_by_engine'][layer_map.layer]:.6f}",
        }


@pytest.mark.parametrize("start", ["input", "own"])
def test_the_number_of_processes_does_not_change_a_byte(start, extracted, write_params, monkeypatch, capsys):
    changes = {"learning_rate": 20.0, "initialization_layer": start}
    params = write_params(layers=["h4", "input"], embed=changes)
    for count in ("1", "2"):
        monkeypatch.setenv("STRATA_PROCESSES", count)
        run_embed(params, extracted, f"maps{count}")
    for layer in ("h4", "input"):
        first, second = (extracted / f"maps{count}/{layer}.parquet" for count in (1, 2))
        assert first.read_bytes() == second.read_bytes()
    metrics = [extracted / f"reports of maps{number}/embedding.json" for number in (1, 2)]
    assert metrics[0].read_bytes() == metrics[1].read_bytes()
    assert capsys.readouterr().err.splitlines().count("embed: 2 maps of 40 samples") == 2


def test_another_method_gives_the_same_bytes_here_and_in_two_processes(extracted, write_params, monkeypatch, request):
    """UMAP would compile for half a minute here; tests/maps has it repeat itself."""
    own = {"neighbours": 4, "iterations": 50}
    settings = {
        "engine": "pacmap",
        "neighbours": "4",
        "mid_near_ratio": "0.5",
        "further_ratio": "2",
        "iterations": "100 + 100 + 50",
        "initialization_layer": "input",
    }
    params = write_params(layers=["h4", "input"], embed={"method": "pacmap", "pacmap": own})
    monkeypatch.setenv("STRATA_PROCESSES", "2")
    run_embed(params, extracted, "two")
    request.getfixturevalue("in_process")
    run_embed(params, extracted, "here")
    for layer in ("h4", "input"):
        assert (extracted / f"here/{layer}.parquet").read_bytes() == (extracted / f"two/{layer}.parquet").read_bytes()
        found = read_map(extracted / f"here/{layer}.parquet")
        assert (found.method.name, found.settings) == ("pacmap", settings)
        assert np.isfinite(found.points).all() and found.points.std(axis=0).max() > 0.5
        np.testing.assert_allclose(found.points.mean(axis=0), 0, atol=1e-4)
    # The KL divergence is t-SNE's.
    assert json.loads((extracted / "reports of here/embedding.json").read_text(encoding="utf-8")) == {"samples": 40}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("change", "start"),
    [
        (
            {"method": "umap", "umap": {"neighbours": 40}},
            "embed.umap.neighbours 40 is too large for 40 points: at most",
        ),
        (
            {"method": "pacmap", "pacmap": {"neighbours": 12}},
            "embed.pacmap.neighbours 12, with 42 pairs for each point,",
        ),
    ],
)
def test_too_many_neighbours_for_the_points_are_one_line(change, start, extracted, write_params):
    assert embed_error(write_params(embed=change), extracted).startswith(start)


def test_a_method_whose_bytes_depend_on_the_processor_is_refused_in_portable_mode(extracted, write_params):
    params = write_params(reproducible="portable", embed={"method": "umap"})
    assert embed_error(params, extracted).startswith("embed.method: UMAP is not known to give the same bytes on every")


def test_an_initialization_layer_that_is_not_among_the_layers_is_refused(extracted, write_params):
    params = write_params(layers=["h1", "h2"])
    expected = f"{params}: embed.initialization_layer 'input' is not among the layers (h1, h2), nor is it 'own'"
    assert embed_error(params, extracted) == expected


def distances(points):
    """Return all distances among points (n, 2)."""
    return np.linalg.norm(points[:, None].astype(float) - points, axis=-1)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    "change", [{}, {"method": "pacmap", "pacmap": {"neighbours": 4, "iterations": 50}}], ids=["t-SNE", "PaCMAP"]
)
def test_each_map_starts_from_its_own_layer(change, extracted, write_params):
    changes = {"layers": ["input", "h4"], "embed": change}
    run_embed(write_params(**changes), extracted, "common")
    params = write_params(**changes | {"embed": {**change, "initialization_layer": "own"}})
    run_embed(params, extracted, "own")
    common, own = (
        {layer: read_map(extracted / f"{name}/{layer}.parquet") for layer in changes["layers"]}
        for name in ("common", "own")
    )
    np.testing.assert_array_equal(own["input"].points, common["input"].points)
    reduced = read_reduced(extracted / "activations/h4.parquet", 10, 0).values
    alone = load_section(params, "embed", EmbedParams).embedder()
    expected = alone.embed(reduced, initial_map(reduced, 0), streams.map_optimization(0)).points
    np.testing.assert_allclose(distances(own["h4"].points), distances(expected), rtol=1e-3, atol=1e-3)
    assert np.abs(distances(own["h4"].points) - distances(common["h4"].points)).max() > 1
    assert {each.settings["initialization_layer"] for each in own.values()} == {"own"}
    assert {each.method.start for each in own.values()} == {start_sentence("own")}
    assert {each.method.start for each in common.values()} == {start_sentence("input")}


def test_a_layer_called_own_is_refused_where_own_is_chosen(extracted, write_params):
    params = write_params(layers=["own", "h1"], embed={"initialization_layer": "own"})
    assert embed_error(params, extracted) == (
        f"{params}: embed.initialization_layer 'own' could mean the layer of that name or each map's own layer: rename"
        " the layer"
    )


def test_over_training_maps_start_from_their_own_time_or_from_the_trained_networks_layer():
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(20, 3)).astype(np.float32) for _ in range(4)]  # two layers, trained, then earlier
    own = [start.points for start in embed.map_starts(values, ["a", "b"], "own", 0)]
    for points, value in zip(own, values, strict=True):
        np.testing.assert_allclose(points, initial_map(value, 0), rtol=1e-12)
    common = [start.points for start in embed.map_starts(values, ["a", "b"], "b", 0)]
    assert len(common) == 4
    for points in common:
        np.testing.assert_array_equal(points, initial_map(values[1], 0))


def test_a_perplexity_too_large_is_refused_before_any_layer_is_read(extracted, write_params, monkeypatch):
    monkeypatch.setattr(embed, "started_pool", None)
    assert embed_error(write_params(embed={"perplexity": 13.5}), extracted) == (
        "embed.perplexity 13.5 is too large for 40 points: at most 13 with these"
    )


def test_activations_of_another_model_are_refused(extracted, tiny_data, write_params):
    path, first = extracted / "activations/h3.parquet", extracted / "activations/input.parquet"
    info = read_activations(path).info
    run_train(write_params(seed=1), tiny_data, extracted)
    other = Provenance.of("test", extracted / "model/mnist_cnn.pt", extracted / "raw")
    rewrite(path, info=replace(info, provenance=other))
    assert embed_error(write_params(), extracted) == (
        f"{first} and {path} do not belong together: their model_sha256 differ"
        f" ({info.provenance.model_sha256[:12]} and {other.model_sha256[:12]}); run `dvc repro`"
    )


@pytest.mark.usefixtures("in_process")
def test_activations_of_other_samples_are_refused(extracted, write_params):
    path, first = extracted / "activations/h3.parquet", extracted / "activations/input.parquet"
    rewrite(path, sample_ids=np.arange(1, 41, dtype=np.int32))
    expected = f"{first} and {path} do not hold the same samples (40 and 40); run `dvc repro`"
    assert embed_error(write_params(), extracted) == expected


@pytest.mark.usefixtures("in_process")
def test_a_layer_of_dead_units_is_refused_by_name(extracted, write_params):
    rewrite(extracted / "activations/h5.parquet", values=np.zeros((40, 8), dtype=np.float32))
    message = embed_error(write_params(), extracted)
    assert message.startswith("layer 'h5' outputs the same for all 40 samples (dead units?)")


def test_an_error_in_a_worker_process_arrives_as_one_line(extracted, write_params):
    message = embed_error(write_params(layers=["input"], embed={"perplexity": 13.5}), extracted)
    assert message == "embed.perplexity 13.5 is too large for 40 points: at most 13 with these"


def test_a_missing_file_is_named(extracted, write_params):
    (extracted / "activations/h2.parquet").unlink()
    expected = f"{extracted / 'activations/h2.parquet'} is missing; run `dvc repro`"
    assert embed_error(write_params(), extracted) == expected
