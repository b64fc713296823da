"""Two runs side by side: which may be compared, with which layers, turned how, and in which parameters they differ."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from strata.artifacts.maps import LayerMap, MapMethod
from strata.artifacts.measured import LayerPoints, SampleDecisions
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import Samples
from strata.artifacts.tables import Measures
from strata.commands.compared import check_comparable, different_params, flat, only_layers, turned_to
from strata.core.errors import StrataError
from strata.dataset.description import read_description
from strata.measures.registry import REGISTRY
from strata.report.page.inputs import ReportInputs

LAYERS = ["input", "h1", "h2", "h3"]
COMMIT = [4, 0, 1, 2, 3, 4, 3]
COUNT = len(COMMIT)
IDS = np.arange(COUNT, dtype=np.int32)
ORIGIN = Provenance("test", "a" * 64, "b" * 64)
NAMES = ("base", "wider-net")
EMPTY = pd.DataFrame()
METHOD = MapMethod("tsne", "t-SNE", "t-SNE with perplexity 5", "t-SNE by sklearn.", (), {"engine": "sklearn"})


def centred_points(layer):
    points = np.random.default_rng(len(layer) + ord(layer[-1])).normal(size=(COUNT, 2)) * [5, 2]
    return (points - points.mean(axis=0)).astype(np.float32)


def layer_points(layer):
    shares = np.full(COUNT, LAYERS.index(layer), dtype=np.float32)
    columns = {field.name: shares for field in fields(LayerPoints)}
    return LayerPoints(**columns | {"sample_id": IDS, "vote": IDS.astype(np.int16), "neighbours": IDS[:, None]})


def run_of(dataset, layers=LAYERS, commit=COMMIT, origin=ORIGIN):
    """Return inputs of 7 samples with a map and points a layer."""
    zeros, shares, no = np.zeros(COUNT, np.int16), np.zeros(COUNT, np.float32), np.zeros(COUNT, bool)
    decisions = SampleDecisions(IDS, np.array(commit, dtype=np.int16), zeros, no, no, no)
    points = {layer: layer_points(layer) for layer in layers}
    return ReportInputs(
        dataset=dataset,
        provenance=origin,
        samples=Samples(IDS, np.full(COUNT, "test"), zeros, zeros, shares, shares),
        images=np.zeros((COUNT, 2, 2), np.uint8),
        maps={layer: LayerMap(layer, IDS, centred_points(layer), METHOD, origin) for layer in layers},
        infos={},
        shown=None,
        shown_activations={},
        batches=EMPTY,
        epochs=EMPTY,
        measures=Measures(
            EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, decisions, points, [], np.arange(COUNT), REGISTRY, EMPTY, EMPTY
        ),
    )


@pytest.fixture
def dataset(tiny_data):
    return read_description(tiny_data)


@pytest.fixture
def run(dataset):
    return run_of(dataset)


def comparing_error(first, second):
    with pytest.raises(StrataError) as caught:
        check_comparable(first, second, NAMES)
    return str(caught.value)


@pytest.mark.parametrize(
    ("others", "shared"),
    [
        (LAYERS, LAYERS),
        (["h3", "h1"], ["h1", "h3"]),
        (["h9", "h2", "conv"], ["h2"]),
        ([*reversed(LAYERS)], LAYERS),
    ],
)
def test_layers_of_both_come_in_the_order_of_the_first(dataset, run, others, shared):
    layers = {name: name if name in LAYERS else "input" for name in others}
    second = run_of(dataset)
    second = replace(second, maps={name: second.maps[known] for name, known in layers.items()})
    assert check_comparable(run, second, NAMES) == shared


def test_runs_of_two_models_may_be_compared(dataset, run):
    second = run_of(dataset, origin=replace(ORIGIN, model_sha256="c" * 64))
    assert check_comparable(run, second, NAMES) == LAYERS


def test_runs_of_other_data_are_not_compared(dataset, run):
    other = dataset.model_copy(update={"name": "fashion-mnist"})
    second = run_of(other, origin=replace(ORIGIN, data_sha256="d" * 64))
    assert comparing_error(run, second) == (
        "base and wider-net cannot be compared: they have different data sets (mnist-5k and fashion-mnist)"
    )


def test_a_run_on_shuffled_training_labels_may_be_compared_where_the_maps_show_test_images(dataset, run):
    checksums = dataset.sha256 | {"train-labels-idx1-ubyte": "e" * 64}
    shuffled = dataset.model_copy(update={"shuffled_labels_seed": 0, "sha256": checksums})
    second = run_of(shuffled, origin=replace(ORIGIN, data_sha256="d" * 64))
    assert check_comparable(run, second, NAMES) == LAYERS
    both = [replace(each, provenance=replace(each.provenance, split="both")) for each in (run, second)]
    assert comparing_error(*both) == (
        "base and wider-net cannot be compared: they have different data sets (mnist-5k and mnist-5k)"
    )


def test_runs_of_another_split_are_not_compared(dataset, run):
    second = run_of(dataset, origin=replace(ORIGIN, split="both"))
    assert comparing_error(run, second) == (
        "base and wider-net cannot be compared: extract.split is test in one and both in the other"
    )


def test_runs_without_a_layer_in_common_are_not_compared(dataset):
    assert comparing_error(run_of(dataset, ["input", "h1"]), run_of(dataset, ["h2", "h3"])) == (
        "base and wider-net cannot be compared: they have no layer in common"
    )


@pytest.mark.parametrize(
    ("kept", "commit"),
    [
        # By hand: the first kept layer from the commit layer on, their number where none follows.
        (LAYERS, [4, 0, 1, 2, 3, 4, 3]),
        (["h1", "h3"], [2, 0, 0, 1, 1, 2, 1]),
        (["input", "h3"], [2, 0, 1, 1, 1, 2, 1]),
        (["input", "h1"], [2, 0, 1, 2, 2, 2, 2]),
        (["h2"], [1, 0, 0, 0, 1, 1, 1]),
        (["h3"], [1, 0, 0, 0, 0, 1, 0]),
    ],
)
def test_commit_layers_are_counted_among_the_layers_kept(run, kept, commit):
    found = only_layers(run, kept).measures.decisions.commit_layer
    assert found.tolist() == commit
    assert found.dtype == np.int16


def test_a_commit_layer_keeps_its_name_where_the_other_run_orders_the_layers_differently(dataset):
    layers = ["h2", "input", "h3", "h1"]
    second = run_of(dataset, layers)
    found = only_layers(second, LAYERS).measures.decisions.commit_layer
    assert [[*LAYERS, "after"][place] for place in found] == [[*layers, "after"][place] for place in COMMIT]


@pytest.mark.parametrize("kept", [["h1", "h3"], ["h3", "input"]])
def test_maps_and_points_are_those_of_the_layers_kept_in_their_order(run, kept):
    found = only_layers(run, kept)
    assert list(found.maps) == list(found.measures.points) == kept
    for layer in kept:
        assert found.maps[layer] is run.maps[layer]
        assert found.measures.points[layer] is run.measures.points[layer]


def test_all_else_stays_and_the_run_itself_is_left_as_it_was(run):
    found = only_layers(run, ["h1"])
    assert found.samples is run.samples and found.measures.table is run.measures.table
    for name in ("sample_id", "flips", "late", "flip_flopper", "right_then_lost"):
        assert getattr(found.measures.decisions, name) is getattr(run.measures.decisions, name), name
    assert list(run.maps) == LAYERS
    assert run.measures.decisions.commit_layer.tolist() == COMMIT


def moved(run, degrees, mirrored, shift, scale=1.0):
    """Return the run with every map turned, perhaps mirrored, shifted and stretched."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = np.diag([-1.0, 1.0]) @ matrix if mirrored else matrix
    return replace(
        run,
        maps={
            layer: replace(found, points=(found.points @ matrix * scale + shift).astype(np.float32))
            for layer, found in run.maps.items()
        },
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 30, 180, 271])
def test_a_turned_and_mirrored_copy_comes_back(run, degrees, mirrored):
    found = turned_to(moved(run, degrees, mirrored, shift=[3, -8]), run)
    assert list(found.maps) == LAYERS
    for layer in LAYERS:
        assert found.maps[layer].points.dtype == np.float32
        np.testing.assert_allclose(found.maps[layer].points, run.maps[layer].points, atol=1e-4)


@given(degrees=st.floats(0, 360), mirrored=st.booleans(), scale=st.floats(0.1, 10))
@settings(deadline=None, max_examples=30)
def test_distances_stay_whatever_the_reference(degrees, mirrored, scale):
    first = run_of(None)
    reference = replace(first, maps=dict(zip(LAYERS, reversed(first.maps.values()), strict=True)))
    before = moved(first, degrees, mirrored, shift=[1, 2], scale=scale)
    after = turned_to(before, reference)
    for layer in LAYERS:
        expected = pdist(before.maps[layer].points.astype(np.float64))
        np.testing.assert_allclose(pdist(after.maps[layer].points.astype(np.float64)), expected, rtol=1e-4, atol=1e-5)


def test_only_the_points_of_the_maps_change(run):
    before = moved(run, 40, True, shift=[0, 0])
    found = turned_to(before, run)
    for layer in LAYERS:
        assert replace(found.maps[layer], points=before.maps[layer].points) == before.maps[layer]
    assert replace(found, maps=before.maps) == before


FIRST = {
    "seed": 0,
    "layers": ["input", "h1"],
    "train": {"lr": 0.05, "device": "cpu", "deep": {"er": {"x": 1, "y": None}}},
    "embed": {"perplexity": 30, "gone": True},
}


def test_no_parameter_differs_from_itself():
    assert different_params(FIRST, FIRST) == []
    assert different_params({}, {}) == []


def test_parameters_that_differ_are_named_with_both_values_in_the_order_of_the_first():
    second = {
        "embed": {"new": "auto", "perplexity": 5},
        "layers": ["input", "h2"],
        "train": {"lr": 0.05, "device": "cpu", "deep": {"er": {"x": 2, "y": None}}},
        "seed": 0,
        "extra": {"a": 1},
    }
    assert different_params(FIRST, second) == [
        ("layers", "['input', 'h1']", "['input', 'h2']"),
        ("train.deep.er.x", "1", "2"),
        ("embed.perplexity", "30", "5"),
        ("embed.gone", "True", "–"),
        ("embed.new", "–", "auto"),
        ("extra.a", "–", "1"),
    ]


def test_a_parameter_that_is_none_is_not_one_that_is_missing():
    assert different_params({"a": {"b": None}}, {"a": {}}) == [("a.b", "None", "–")]
    assert different_params({}, {"a": None}) == [("a", "–", "None")]
    assert different_params({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 3, "b": 2}) == [("a", "1", "1", "3")]


def test_a_section_that_is_a_value_elsewhere_differs_in_both_names():
    assert different_params({"a": {"b": 1}}, {"a": 1}) == [("a.b", "1", "–"), ("a", "–", "1")]


def test_flat_parameters_have_dotted_names_and_texts():
    assert flat(FIRST) == {
        "seed": "0",
        "layers": "['input', 'h1']",
        "train.lr": "0.05",
        "train.device": "cpu",
        "train.deep.er.x": "1",
        "train.deep.er.y": "None",
        "embed.perplexity": "30",
        "embed.gone": "True",
    }
    assert flat({}) == {}
    assert flat({"a": 1}, "b.") == {"b.a": "1"}
