"""A row's estimate: from the jobs' results or from activations, by its interval, where what it needs is there."""

import pickle

import numpy as np
import pytest

from strata.artifacts.measure_registry import Interval
from strata.artifacts.needs import Need
from strata.measures.collapse import Collapse
from strata.measures.early_exit import ProbeVotes
from strata.measures.estimates import measures_of
from strata.measures.geometry import Geometry
from strata.measures.influence import Influences
from strata.measures.intervals import from_half_samples, mean_of
from strata.measures.intrinsic_dimension import TwoNN
from strata.measures.measure import Measure, OfActivations, scores_of_activations
from strata.measures.readout import Readout
from strata.measures.registry import MEASURES
from strata.measures.results import LayerResults

NEAR = np.array([[1, 2, 3], [0, 2, 3], [3, 1, 0], [2, 0, 1]], dtype=np.int32)
HALVES = np.array([[True, True], [True, False], [True, True], [True, False]])
VALUES = np.array([[3, 4], [0, 0], [6, 8], [0, 5]], dtype=np.float32)
COLLAPSE = Collapse(*(Influences(value, np.zeros(4), 0.0) for value in (1.0, 2.0, 3.0, 4.0)))

VOTES = ProbeVotes(np.array([2, 5]), np.array([0.9, 0.8]))
OF_COLLAPSE = {"collapse_variability", "collapse_norms", "collapse_angles", "collapse_duality"}


def results(**changes):
    """What is known of a layer of four points that has no map, and is looked at alone."""
    scores = {"zero_share": np.array([0, 1, 0, 0.5]), "dead_share": np.array(0.25), "of_values": np.array([1.0, 3.0])}
    geometry = Geometry(
        NEAR, 2, [TwoNN(2.0, 1.5, 3, 1), TwoNN(2.5, 1, 2, 0), TwoNN(9, 9, 2, 0)], scores, None, np.array([4.0, 1.0])
    )
    hits = Readout(np.array([True, False]), np.array([True, True]), COLLAPSE, VOTES)
    labels, in_classes = np.array([0, 0, 1, 1], np.int16), np.array([[4.0, 3.0], [2.0, 3.0]])
    return LayerResults(labels, HALVES, hits, geometry, class_dimensions=in_classes, **changes)


def measure(score, interval=Interval.NONE, needs=()):
    told = {"key": "of_values", "title": "t", "unit": "u", "meaning": "m", "source": "own", "not_shown": "More."}
    return Measure(**told, interval=interval, needs=needs, score=score)


def norms(values):
    return np.linalg.norm(values, axis=1)


def largest(values):
    return float(values.max())


def test_a_score_of_the_results_becomes_an_estimate_by_the_interval():
    assert measure(lambda layer: layer.dimensions[0].linear_fit).estimate(results()).value == 1.5
    found = measure(lambda _: [2.0, 3.0, 5.0], Interval.HALF_SAMPLES).estimate(results())
    assert found == from_half_samples(np.array([2.0, 3.0, 5.0]))


def test_a_score_of_activations_is_what_the_pool_has_computed():
    found = measure(OfActivations(norms), Interval.MEAN).estimate(results())
    assert found == mean_of(np.array([1.0, 3.0]), (-np.inf, np.inf))


def test_without_a_score_there_is_no_estimate():
    assert measure(lambda _: None).estimate(results()) is None


def test_activations_are_scored_once_or_for_all_points_and_each_half():
    assert scores_of_activations(norms, Interval.MEAN, VALUES, HALVES).tolist() == [5, 0, 10, 5]
    assert scores_of_activations(largest, Interval.NONE, VALUES, HALVES).tolist() == 8
    assert scores_of_activations(largest, Interval.HALF_SAMPLES, VALUES[::-1], HALVES).tolist() == [8, 5]


def test_dimensions_are_those_of_all_points_and_the_halves():
    assert [each.maximum_likelihood for each in results().dimensions] == [2.0, 2.5]


@pytest.mark.parametrize(
    ("used", "need"),
    [
        ("map", Need.MAP),
        ("next_neighbours", Need.NEXT_LAYER),
        ("imbalance_to_next", Need.NEXT_LAYER),
        ("gram_sums", Need.ALL_PAIRS),
    ],
)
def test_what_is_not_there_has_to_be_listed_among_the_needs(used, need):
    assert need in results().lacks
    with pytest.raises(ValueError, match=f"a measure that uses {need} has to list it in its needs"):
        measure(lambda layer: getattr(layer, used)).estimate(results())


def test_only_what_a_layer_alone_allows_is_measured():
    found = dict(measures_of(results(), "untrained"))
    expected = {"neighbourhood_hit", "knn_accuracy", "probe_accuracy", "intrinsic_dimension", "intrinsic_dimension_fit"}
    expected |= {
        "duplicates_dropped",
        "zero_share",
        "dead_share",
        "effective_rank",
        "class_dimension",
    }  # no spectrum to fit a law to
    assert set(found) == expected | OF_COLLAPSE | {"early_exit_share", "early_exit_accuracy"}
    assert found["neighbourhood_hit"].value == 0.5
    assert found["knn_accuracy"].value == 0.5 and found["probe_accuracy"].value == 1
    assert found["duplicates_dropped"].value == 1 and found["dead_share"].value == 0.25
    assert found["class_dimension"].value == 3
    assert found["effective_rank"].value == pytest.approx(3 / 2 ** (2 / 3))  # shares 2/3 and 1/3
    assert [found[name].value for name in sorted(OF_COLLAPSE)] == [3, 4, 2, 1]
    assert found["zero_share"] == mean_of(np.array([0, 1, 0, 0.5]))


def test_with_shuffled_labels_only_what_needs_labels_is_measured():
    found = dict(measures_of(results(), "shuffled labels"))
    of_readers = {"knn_accuracy", "probe_accuracy", "early_exit_share", "early_exit_accuracy"}
    assert set(found) == {"neighbourhood_hit", "class_dimension"} | of_readers | OF_COLLAPSE


def test_what_runs_in_the_pool_can_be_sent_there():
    functions = [each.score.score for each in MEASURES if isinstance(each.score, OfActivations)]
    assert len(functions) == 2
    assert [pickle.loads(pickle.dumps(each)) for each in functions] == functions  # noqa: S301


@pytest.mark.parametrize("one", MEASURES, ids=lambda one: one.key)
def test_a_row_tells_people_what_it_is(one):
    assert one.meaning[0].isupper() and one.meaning.endswith(".")
    assert one.source and "\n" not in one.meaning + one.source + one.title
    assert "|" not in one.meaning + one.source + one.title  # it stands in a table
