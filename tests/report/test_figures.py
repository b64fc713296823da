"""Figures: the data that their artists hold, and the bytes that they are saved as."""

import base64
import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from strata.artifacts.samples import Samples
from strata.report.figures.close_up import draw_feature_maps, draw_output
from strata.report.figures.confusion import confusion_counts, draw_confusion
from strata.report.figures.digits import draw_mistakes, surest_mistakes
from strata.report.figures.learning_curve import draw_learning_curve
from strata.report.figures.maps import draw_all_maps, draw_map
from strata.report.figures.style import CLASS_COLOURS, FEW_PIXELS, class_colour, save_figure
from strata.report.page.network_figures import shown_log_probabilities

POINTS = np.array([[0, 0], [1, 2], [-3, 1], [2, -2]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 2], dtype=np.int16)


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_a_map_holds_every_point_in_the_colour_of_its_label():
    axis = draw_map(POINTS, LABELS, ["0", "1", "2"], "h1", "20 x 24 x 24", "UMAP").axes[0]
    points = axis.collections[0]
    np.testing.assert_array_equal(points.get_offsets(), POINTS)
    np.testing.assert_allclose(points.get_facecolors(), [to_rgba(class_colour(label), 0.8) for label in LABELS])
    assert texts(axis) == ["0", "1", "2"]
    assert axis.get_title(loc="left") == "h1"
    assert axis.get_aspect() == 1.0
    assert axis.get_xlim() == axis.get_ylim()


def test_long_class_names_stand_in_the_legend_and_numbers_on_the_map():
    axis = draw_map(POINTS, LABELS, ["Trouser", "Bag", "Ankle boot"], "h1", "", "UMAP").axes[0]
    assert texts(axis) == ["0", "1", "2"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["0  Trouser", "1  Bag", "2  Ankle boot"]


@pytest.mark.parametrize("layers", [1, 3, 4, 7])
def test_all_maps_have_an_axis_each_and_one_legend(layers):
    maps = {f"h{number}": POINTS * (number + 1) for number in range(layers)}
    figure = draw_all_maps(maps, LABELS, ["0", "1", "2"], {}, "UMAP")
    drawn = [axis for axis in figure.axes if axis.collections]
    assert [axis.get_title(loc="left") for axis in drawn] == list(maps)
    assert sum(axis.get_legend() is not None for axis in figure.axes) == 1


def test_ten_classes_have_ten_colours():
    assert len(set(CLASS_COLOURS)) == 10
    assert class_colour(10) == class_colour(0)


def test_with_many_classes_there_are_fewer_names():
    classes = [f"class {number}" for number in range(300)]
    axis = draw_map(POINTS, LABELS, classes, "h1", "", "UMAP").axes[0]
    assert texts(axis) == []
    legend = [text.get_text() for text in axis.get_legend().get_texts()]
    assert (len(legend), legend[19], legend[20]) == (21, "19  class 19", "and 280 more")
    matrix = draw_confusion(np.eye(300, dtype=np.int64), classes).axes[0]
    assert texts(matrix) == []
    assert len(matrix.get_xticks()) == 0
    output = draw_output(np.zeros((4, 4), np.uint8), np.zeros(300, np.float32), 1, classes, "sample 3").axes[1]
    assert len(output.get_xticks()) < 20


def test_colour_images_are_shown_in_their_colours_and_own_grey_ones_as_they_are():
    some, images = samples([0], [1], [0.95]), np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3), dtype=np.uint8)
    shown = draw_mistakes(images, some, np.array([0]), ["a", "b"]).axes[0].images[0]
    np.testing.assert_array_equal(shown.get_array(), images[0])
    known, own = (
        draw_output(images[0, ..., 0], np.zeros(2, np.float32), 1, ["a", "b"], "", *kind).axes[0].images[0]
        for kind in ((), ("gray",))
    )
    assert (known.get_cmap().name, own.get_cmap().name) == ("gray_r", "gray")


def test_the_learning_curve_draws_both_tables():
    batches = pd.DataFrame({"epoch": [0.5, 1.0], "train_loss": [2.0, 1.0], "train_accuracy": [0.2, 0.6]})
    epochs = pd.DataFrame({"epoch": [1], "test_loss": [0.9], "test_accuracy": [0.7]})
    loss, accuracy = draw_learning_curve(batches, epochs).axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [[0.5, 2], [1, 1]])
    np.testing.assert_array_equal(accuracy.lines[1].get_xydata(), [[1, 0.7]])
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "negative log-likelihood (nats)")
    assert texts(accuracy) == ["70.0%"]


def test_confusion_counts_rows_are_labels():
    counts = confusion_counts(np.array([0, 0, 1, 2], np.int16), np.array([0, 2, 1, 2], np.int16), 3)
    assert counts.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_the_confusion_matrix_writes_each_count_that_is_not_zero():
    axis = draw_confusion(np.array([[5, 0], [2, 3]]), ["cat", "dog"]).axes[0]
    assert [(text.get_position(), text.get_text()) for text in axis.texts] == [
        ((0, 0), "5"),
        ((0, 1), "2"),
        ((1, 1), "3"),
    ]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "label")


def samples(label, predicted, confidence) -> Samples:
    count = len(label)
    return Samples(
        np.arange(count, dtype=np.int32) + 10,
        np.full(count, "test"),
        np.array(label, np.int16),
        np.array(predicted, np.int16),
        np.zeros(count, np.float32),
        np.array(confidence, np.float32),
    )


def test_the_surest_mistakes_come_first_and_ties_by_id():
    some = samples([0, 1, 2, 1, 0], [1, 1, 0, 0, 2], [0.5, 0.99, 0.9, 0.5, 0.7])
    assert surest_mistakes(some, 10).tolist() == [2, 4, 0, 3]
    assert surest_mistakes(some, 2).tolist() == [2, 4]


def test_the_gallery_tells_label_prediction_confidence_and_id():
    some = samples([0, 1], [1, 1], [0.95, 0.5])
    images = np.stack([np.full((4, 4), 7, np.uint8)])
    figure = draw_mistakes(images, some, np.array([0]), ["zero", "one"])
    assert texts(figure.axes[0]) == ["zero taken for one\n95% sure · id 10"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), images[0])


def test_a_gallery_without_mistakes_says_so():
    figure = draw_mistakes(np.zeros((0, 4, 4), np.uint8), samples([], [], []), np.array([], int), [])
    assert [text.get_text() for text in figure.texts] == ["No sample was misclassified."]


def test_the_output_plot_draws_the_log_probabilities_and_marks_the_label():
    output = np.log(np.array([0.2, 0.7, 0.1], np.float32))
    axis = draw_output(np.zeros((4, 4), np.uint8), output, 1, ["a", "b", "c"], "sample 3").axes[1]
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), output)
    np.testing.assert_array_equal(axis.lines[1].get_xdata(), [1])
    assert texts(axis) == ["label b: 70.00%"]


def test_the_shown_output_may_be_logits_log_probabilities_or_probabilities():
    logits = np.array([1.0, 3.0, -2.0], np.float32)
    expected = logits - np.log(np.exp(logits).sum())
    confidence = float(np.exp(expected.max()))
    for output in (logits, expected, np.exp(expected)):
        np.testing.assert_allclose(shown_log_probabilities(output, confidence), expected, atol=1e-5)
    positive = np.array([0.2, 0.5, 0.3], np.float32)  # logits that happen to sum to 1
    found = shown_log_probabilities(positive, float(np.exp(0.5) / np.exp(positive).sum()))
    np.testing.assert_allclose(found, positive - np.log(np.exp(positive).sum()), atol=1e-5)
    assert np.isfinite(shown_log_probabilities(np.array([1.0, 0.0], np.float32), 1.0)).all()


def test_feature_maps_share_one_scale():
    activation = np.arange(12 * 4, dtype=np.float32).reshape(12, 2, 2)
    figure = draw_feature_maps(activation, "h1")
    drawn = figure.axes[0].images
    assert len(drawn) == 12 and texts(figure.axes[0]) == [str(channel) for channel in range(12)]
    assert {image.get_clim() for image in drawn} == {(0.0, 47.0)}
    np.testing.assert_array_equal(drawn[3].get_array(), activation[3])


def test_a_saved_figure_has_the_same_bytes_whatever_the_users_settings(tmp_path):
    for folder, size in (("a", 10), ("b", 30)):
        with mpl.rc_context({"font.size": size, "savefig.transparent": size > 20}):
            save_figure(draw_map(POINTS, LABELS, ["0", "1", "2"], "h1", "", "UMAP"), tmp_path / folder, "map", 50)
    for name in ("map.png", "map.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a" / "map.svg").read_bytes()
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"map.png", "map.svg"}


def test_small_images_have_their_own_pixels_in_an_svg_and_large_ones_are_resampled(tmp_path):
    figure = Figure(figsize=(4, 2))
    for axis, (height, width) in zip(figure.subplots(1, 2), ((2, 3), (FEW_PIXELS, FEW_PIXELS + 1)), strict=True):
        axis.imshow(np.arange(height * width).reshape(height, width), cmap="gray", vmin=0, vmax=6)
    save_figure(figure, tmp_path, "images", 100)
    encoded = re.findall(r"data:image/png;base64,([^\"]+)", (tmp_path / "images.svg").read_text(encoding="utf-8"))
    small, large = (Image.open(io.BytesIO(base64.b64decode(each))) for each in encoded)
    assert small.size == (3, 2)
    shades = np.asarray(small.convert("L"))
    assert (shades == (np.arange(6).reshape(2, 3) * 256 / 6).astype(int)).all()
    assert large.size != (FEW_PIXELS + 1, FEW_PIXELS)
