"""Figures of the measures: the values that their artists hold."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from strata.artifacts.measured import CONTROLS, SampleDecisions
from strata.measures.registry import REGISTRY
from strata.report.figures.digits import draw_late_deciders, joined, late_rows
from strata.report.figures.dimension import draw_dimension
from strata.report.figures.measures import draw_measures, grid_size
from strata.report.figures.over_training import draw_measures_over_training
from strata.report.figures.perplexity_grid import draw_perplexity_grid
from strata.report.figures.similarity import draw_cka
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS, class_colour

LAYERS = ["input", "h1", "h2"]


def measure_rows(measure, control, values, layers=LAYERS):
    return [
        (layer, measure, value, value - 0.1, value + 0.1, control) for layer, value in zip(layers, values, strict=True)
    ]


@pytest.fixture
def table():
    rows = [
        *measure_rows("neighbourhood_hit", "none", [0.5, 0.6, 0.7]),
        *measure_rows("neighbourhood_hit", "shuffled labels", [0.1, 0.1, 0.1]),
        *measure_rows("overlap_with_next", "none", [0.9, 0.8], LAYERS[:2]),
        ("input", "dead_share", 0.2, np.nan, np.nan, "none"),
        ("h1", "dead_share", 0.1, np.nan, np.nan, "none"),
        ("h2", "dead_share", 0.0, np.nan, np.nan, "none"),
    ]
    return pd.DataFrame(rows, columns=["layer", "measure", "value", "low", "high", "control"])


def networks_of(values):
    """The table of networks -> values of the neighbourhood hit by layer."""
    rows = [
        (network, layer, "neighbourhood_hit", value, value - 0.1, value + 0.1)
        for network, hits in values.items()
        for layer, value in zip(LAYERS, hits, strict=True)
    ]
    return pd.DataFrame(rows, columns=["network", "layer", "measure", "value", "low", "high"])


ONE_NETWORK = networks_of({1: [0.5, 0.6, 0.7]})


def test_the_range_over_networks_lies_behind_the_interval_and_is_named_apart(table):
    networks = networks_of({1: [0.5, 0.6, 0.7], 2: [0.5, 0.9, 0.65], 3: [0.5, 0.3, 0.6]})
    figure = draw_measures(REGISTRY, table, networks, LAYERS)
    panels = {axis.get_title(loc="left"): axis for axis in figure.axes}
    span, interval = panels["Neighbourhood hit"].collections[:2]
    assert span.get_hatch() == "////" and interval.get_hatch() is None
    by_layer = {x: set() for x in range(3)}
    for x, y in span.get_paths()[0].vertices:
        by_layer[round(x)].add(round(y, 6))
    assert by_layer == {0: {0.5}, 1: {0.3, 0.9}, 2: {0.6, 0.7}}
    assert not any(each.get_hatch() for each in panels["Dead units"].collections)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*CONTROLS.values(), "95% over samples", "range of 3 trained networks"]


def test_measures_are_lines_by_depth_with_bands_and_one_legend(table):
    figure = draw_measures(REGISTRY, table, ONE_NETWORK, LAYERS)
    shown = figure.axes[: len(REGISTRY.panels)]  # the others are spare places of the grid
    panels = {axis.get_title(loc="left"): axis for axis in shown}
    assert list(panels) == [panel.title for panel in REGISTRY.panels]
    hit, overlap = panels["Neighbourhood hit"], panels["Overlap with the next layer"]
    assert [line.get_ydata().tolist() for line in hit.lines] == [[0.5, 0.6, 0.7], [0.1, 0.1, 0.1]]
    assert [line.get_color() for line in hit.lines] == [
        CONTROL_LOOKS["none"].colour,
        CONTROL_LOOKS["shuffled labels"].colour,
    ]
    band = hit.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0.4) and band[:, 1].max() == pytest.approx(0.8)
    assert overlap.lines[0].get_xdata().tolist() == [0, 1]
    assert [tick.get_text() for tick in hit.get_xticklabels()] == LAYERS
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*CONTROLS.values(), "95% over samples"]
    dead = panels["Dead units"]
    assert [line.get_ydata().tolist() for line in dead.lines] == [[0.2, 0.1, 0.0]]
    assert [axis.get_ylabel() for axis in shown] == [panel.axis for panel in REGISTRY.panels]


def test_a_panel_of_several_measures_has_a_line_and_a_name_for_each():
    names = ("map_recall", "map_trustworthiness", "map_continuity", "map_hit")
    rows = [row for place, name in enumerate(names) for row in measure_rows(name, "none", [0.1 * place] * 3)]
    rows += measure_rows("map_recall", "untrained", [0.9] * 3)
    table = pd.DataFrame(rows, columns=["layer", "measure", "value", "low", "high", "control"])
    axis = draw_measures(REGISTRY, table, ONE_NETWORK, LAYERS).axes[len(REGISTRY.panels) - 1]
    assert [line.get_ydata()[0] for line in axis.lines] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [line.get_color() for line in axis.lines] == [look.colour for look in MEASURE_LOOKS[:4]]
    written = [text.get_text() for text in axis.get_legend().get_texts()]
    assert written == ["kNN recall", "trustworthiness", "continuity", "neighbourhood hit"]


def test_no_colour_and_no_marker_of_a_measure_is_that_of_a_control():
    for part in ("colour", "marker"):
        controls, measures = (
            [getattr(look, part) for look in looks] for looks in (CONTROL_LOOKS.values(), MEASURE_LOOKS)
        )
        assert len({*controls, *measures}) == len(controls) + len(measures)


@pytest.mark.parametrize(("panels", "size"), [(1, (5, 4.2)), (4, (10, 7.9)), (9, (15, 11.6)), (10, (20, 11.6))])
def test_panels_stand_in_a_grid_about_as_wide_as_high(panels, size):
    assert grid_size(panels) == pytest.approx(size)


def test_over_training_every_measure_that_the_first_weights_have_is_drawn():
    columns = ["epochs", "layer", "measure", "value", "low", "high"]
    rows = [
        (epochs, layer, measure, epochs / 10 + place, np.nan, np.nan)
        for epochs in (3.0, 0.0)
        for place, layer in enumerate(LAYERS)
        for measure in ("zero_share", "probe_accuracy", "map_recall")
        if measure != "map_recall" or epochs
    ]
    figure = draw_measures_over_training(REGISTRY, pd.DataFrame(rows, columns=columns), LAYERS)
    drawn = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title(loc="left") for axis in drawn] == ["Linear probe", "Zero activations"]
    for axis in drawn:
        assert [line.get_xdata().tolist() for line in axis.lines] == [[0, 3]] * 3
        assert [line.get_ydata().tolist() for line in axis.lines] == [[0, 0.3], [1, 1.3], [2, 2.3]]
        assert axis.get_xlabel() == "epochs trained"


def test_cka_matrices_hold_the_values_in_the_layers_order_and_write_them_out():
    values = np.array([[1.0, 0.25, np.nan], [0.25, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    rows = [
        (first, second, values[i, j], np.nan, np.nan, control)
        for control in ("none", "untrained", "random projection")
        for i, first in enumerate(LAYERS)
        for j, second in enumerate(LAYERS)
    ]
    figure = draw_cka(pd.DataFrame(rows, columns=["layer", "other_layer", "value", "low", "high", "control"]), LAYERS)
    for axis in figure.axes[:3]:
        np.testing.assert_array_equal(np.ma.filled(axis.images[0].get_array(), np.nan), values)
        assert [text.get_text() for text in axis.texts] == ["1.00", "0.25", "–", "0.25", "1.00", "–", "–", "–", "–"]


def test_dimension_has_a_line_a_layer_by_the_number_of_points():
    rows = [
        (layer, estimator, points, place + points / 1000, 0.0, 9.0, control)
        for control in ("none", "untrained")
        for estimator in ("maximum_likelihood", "linear_fit")
        for place, layer in enumerate(LAYERS)
        for points in (100, 50)
    ]
    columns = ["layer", "estimator", "points", "value", "low", "high", "control"]
    figure = draw_dimension(pd.DataFrame(rows, columns=columns), LAYERS)
    for axis in figure.axes[:2]:
        assert [container.get_label() for container in axis.containers] == LAYERS
        drawn = [container.lines[0].get_ydata().tolist() for container in axis.containers]
        assert drawn == [[0.05, 0.1], [1.05, 1.1], [2.05, 2.1]]
        assert axis.get_ylim()[0] == 0 and axis.get_ylim()[1] > 9


def test_the_grid_has_a_row_a_perplexity_and_a_column_a_layer():
    points = np.array([[0, 0], [1, 3], [2, 1]], dtype=np.float32)
    labels = np.array([0, 1, 1])
    keys = [(layer, perplexity) for layer in ("input", "h1") for perplexity in (30.0, 5.0)]
    overlaps = {key: 0.5 + 0.1 * place for place, key in enumerate(keys)}
    figure = draw_perplexity_grid({key: points + place for place, key in enumerate(keys)}, overlaps, labels, ["0", "1"])
    assert [axis.get_title() or axis.get_title(loc="left") for axis in figure.axes] == ["input", "h1", "", ""]
    assert [axis.get_ylabel() for axis in figure.axes] == ["perplexity 5", "", "perplexity 30", ""]
    shown = [axis.get_xlabel() for axis in figure.axes]
    assert shown == ["runs agree 60%", "runs agree 80%", "runs agree 50%", "runs agree 70%"]
    for axis in figure.axes:
        found = axis.collections[0]
        np.testing.assert_allclose(found.get_offsets(), points - [1, 1.5])
        np.testing.assert_allclose(found.get_facecolors(), [to_rgba(class_colour(label), 0.85) for label in labels])


def decisions(late, commit, flips):
    count = len(late)
    return SampleDecisions(
        sample_id=np.arange(10, 10 + count, dtype=np.int32),
        commit_layer=np.array(commit, dtype=np.int16),
        flips=np.array(flips, dtype=np.int16),
        late=np.array(late),
        flip_flopper=np.array(flips) > 1,
        right_then_lost=np.zeros(count, dtype=bool),
    )


def test_late_deciders_come_the_latest_first_then_by_changes():
    found = late_rows(decisions([True, False, True, True, True], [6, 0, 7, 5, 7], [1, 0, 2, 3, 4]), 10)
    assert found.tolist() == [4, 2, 0, 3]
    assert late_rows(decisions([True, True], [6, 7], [0, 0]), 1).tolist() == [1]


def test_votes_stand_below_each_image_right_ones_bold():
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    votes = np.array([[0, 1], [1, 1], [0, 0]])
    figure = draw_late_deciders(images, ["first", "second"], votes, np.array([0, 1]), LAYERS, ["zero", "Ankle boot"])
    axis = figure.axes[0]
    for shown, image in zip(axis.images, images, strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
    written = [(text.get_text(), text.get_fontweight()) for text in axis.texts]
    assert [text for text, _ in written[::7]] == ["first", "second"]
    assert written[2:7:2] == [("zero", "bold"), ("Ank.", "normal"), ("zero", "bold")]
    assert [name for name, _ in written[1:7:2]] == LAYERS
    assert all(first.get_position()[0] < second.get_position()[0] for first, second in pairwise(axis.texts[1:7:2]))


def test_long_names_take_a_line_each():
    assert joined("label 4", "predicted 9", ", ", ["4", "9"]) == "label 4, predicted 9"
    assert joined("label Bag", "predicted Coat", ", ", ["Bag", "Sandal"]) == "label Bag\npredicted Coat"


def test_without_late_deciders_the_gallery_says_so():
    figure = draw_late_deciders(np.empty((0, 2, 2)), [], np.empty((3, 0), int), np.empty(0, int), LAYERS, ["0"])
    assert [text.get_text() for text in figure.texts] == ["No sample was decided late."]
