"""Filters leave exactly the samples that fit; what is hidden cannot be selected; the search finds what is shown."""

import itertools

import numpy as np
import pytest

from tests.report.page.synthetic import CLASSES, COLOURS, LAYERS, MARKUP
from tests.report.page.test_hover import card_text, told


def fitting(run, classes=range(10), wrong=False, late=False, doubtful_at=None):
    fits = np.isin(run.labels, list(classes))
    fits &= (run.labels != run.predicted) | (not wrong)
    fits &= run.late | (not late)
    if doubtful_at is not None:
        fits &= run.fields["false_neighbours"][doubtful_at] >= 0.5
    return [int(sample) for sample in run.ids[fits]]


def assert_shown(explorer, wanted, selected=0):
    assert explorer.visible() == wanted
    assert explorer.status() == f"{len(wanted)} of 200 samples shown, {selected} selected"


def test_all_samples_are_shown_at_first(explorer):
    assert_shown(explorer, explorer.ids)
    names = explorer.page.locator("#classes label").all_inner_texts()
    assert [name.strip() for name in names] == CLASSES


def test_class_boxes_all_and_none(explorer):
    explorer.page.uncheck("#classes input[value='2']")
    explorer.page.locator("label", has_text=MARKUP).locator("input").uncheck()
    assert_shown(explorer, fitting(explorer.run, set(range(10)) - {2, 3}))
    explorer.page.click("#no-classes")
    assert_shown(explorer, [])
    explorer.page.check("#classes input[value='7']")
    assert_shown(explorer, fitting(explorer.run, [7]))
    explorer.page.click("#all-classes")
    assert_shown(explorer, explorer.ids)


@pytest.mark.parametrize(("wrong", "late", "doubtful"), list(itertools.product((False, True), repeat=3)))
def test_filters_and_their_combinations(explorer, wrong, late, doubtful):
    explorer.set_slider(2)
    flags = {"#only-wrong": wrong, "#only-late": late, "#only-doubtful": doubtful}
    explorer.click(*filter(flags.get, flags))
    found = fitting(explorer.run, range(10), wrong, late, 2 if doubtful else None)
    assert found or (wrong and late)
    assert_shown(explorer, found)
    explorer.click(*(f"#classes input[value='{place}']" for place in range(5, 10)))
    assert_shown(explorer, fitting(explorer.run, range(5), wrong, late, 2 if doubtful else None))


def test_low_trust_is_that_of_the_layer_shown(explorer):
    explorer.click("#only-doubtful")
    for depth, layer in ((0, 0), (3, 3), (3.4, 3), (3.6, 4), (6, 6), (1, 1)):
        explorer.set_slider(depth)
        assert explorer.page.text_content("#doubt-layer") == LAYERS[layer]
        assert_shown(explorer, fitting(explorer.run, doubtful_at=layer))


def test_hidden_samples_cannot_be_selected(explorer):
    explorer.page.uncheck("#classes input[value='4']")
    explorer.select(explorer.ids[:60])
    fits = fitting(explorer.run, set(range(10)) - {4})
    shown = [i for i in fits if i in explorer.ids[:60]]
    assert explorer.selected() == shown
    assert_shown(explorer, fits, selected=len(shown))
    explorer.page.click("#all-classes")
    assert explorer.selected() == shown
    box = explorer.box(0, 2)
    explorer.page.uncheck("#classes input[value='5']")
    explorer.page.check("input[value=box]")
    left, top, right = box["x"] + 1, box["y"] + 1, box["x"] + box["width"] - 2
    explorer.drag([(left, top), (right - 9, top + 50), (right, top + box["width"] - 3)])
    assert explorer.selected() == fitting(explorer.run, set(range(10)) - {5})
    hidden = int(np.flatnonzero(explorer.run.labels == 5)[0])
    explorer.page.mouse.click(*explorer.in_window(0, None)[hidden])
    assert explorer.ids[hidden] not in explorer.selected()


@pytest.mark.parametrize("layer", [None, 4])
def test_hidden_samples_are_not_drawn(explorer, layer):
    explorer.click("#classes input[value='0']", "#classes input[value='8']", "#only-late")
    shown = fitting(explorer.run, set(range(10)) - {0, 8}, late=True)
    labels = zip(explorer.ids, explorer.run.labels, strict=True)
    explorer.assert_drawn(layer, [COLOURS[label] if sample in shown else None for sample, label in labels])
    explorer.click("#no-classes")
    explorer.assert_drawn(layer, [None] * len(explorer.ids))


def test_filters_take_hidden_samples_out_of_table_and_overlays(explorer):
    explorer.select(explorer.ids[:60])
    explorer.page.uncheck("#classes input[value='1']")
    explorer.settle()
    kept = [i for i in explorer.ids[:60] if i in fitting(explorer.run, set(range(10)) - {1})]
    assert explorer.selected() == kept
    explorer.wait_for_table()
    assert explorer.page.locator("#selection tbody tr").count() == len(kept)
    explorer.assert_overlays_show(kept)


def test_the_search_selects_a_sample_and_shows_its_card(explorer):
    for row in (3, 150):
        explorer.page.fill("#search", f" {explorer.ids[row]} ")
        explorer.page.press("#search", "Enter")
        explorer.settle()
        assert explorer.selected() == [explorer.ids[row]]
        assert told(explorer, "#details") == card_text(explorer.run, row, 0)


def test_the_search_says_what_is_not_there(explorer):
    explorer.select(explorer.ids[:2])
    for text in ("4", "6", "99999", "-5", "5.0", "eleven", "<b>5</b>", "0x5"):
        explorer.page.fill("#search", text)
        explorer.page.press("#search", "Enter")
        assert explorer.status() == f"there is no sample {text} on this page"
        assert explorer.selected() == explorer.ids[:2]


@pytest.mark.parametrize("text", ["five", "label five"])
def test_the_search_finds_a_label(explorer, text):
    explorer.page.fill("#search", text)
    explorer.page.press("#search", "Enter")
    assert explorer.selected() == fitting(explorer.run, [5])


def test_the_search_says_that_a_sample_is_hidden(explorer):
    explorer.page.uncheck(f"#classes input[value='{explorer.run.labels[8]}']")
    explorer.page.fill("#search", str(explorer.ids[8]))
    explorer.page.press("#search", "Enter")
    assert explorer.status() == f"sample {explorer.ids[8]} is hidden by the filters"
    assert explorer.selected() == []


def test_an_empty_search_does_nothing(explorer):
    explorer.select(explorer.ids[:2])
    explorer.page.press("#search", "Enter")
    assert explorer.selected() == explorer.ids[:2]
    assert explorer.page.url.partition("#")[0].endswith("index.html")
