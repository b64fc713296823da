"""What people come to the page for, at 1440 x 900: in how many steps, and whether the answer is then in the window."""

from dataclasses import replace

import numpy as np
import pytest

from tests.report.page.conftest import checked, opened
from tests.report.page.reader import WINDOW
from tests.report.page.steps import all_seen, counted
from tests.report.page.synthetic import COLOURS, LAYERS, make_run, on_page, write_page
from tests.report.page.test_first_screen import listed
from tests.report.page.test_hover import assert_rings, card_text, percent, point_at, told
from tests.report.page.test_queues import wanted
from tests.report.test_headlines import COURSE, with_pair

DIGITS = [str(digit) for digit in range(10)]


def of_digits():
    """Return a run of ten digits, each a cluster on the maps with two 9 among the 4; 4 and 9 part at h3."""
    run = make_run(0)
    labels = run.inputs.samples.label
    cluster, place = labels.copy(), np.zeros(len(labels))
    cluster[np.flatnonzero(labels == 9)[:2]] = 4
    for digit in range(10):
        place[cluster == digit] = np.arange((cluster == digit).sum())
    grid = np.column_stack([place % 5, place // 5]) * 0.8
    maps = {}
    for number, layer in enumerate(LAYERS):
        angle = 2 * np.pi * cluster / 10 + 0.2 * number
        points = grid + 10 * np.column_stack([np.cos(angle), np.sin(angle)])
        maps[layer] = replace(run.inputs.maps[layer], points=points.astype(np.float32))
    inputs = with_pair(run.inputs, 0.05, pair=(4, 9))
    inputs = replace(inputs, maps=maps, dataset=inputs.dataset.model_copy(update={"classes": DIGITS}))
    places = [on_page(maps[layer].points[run.rows]) for layer in LAYERS]
    return replace(run, inputs=inputs, places=places), cluster[run.rows]


@pytest.fixture(scope="module")
def digits():
    return of_digits()


@pytest.fixture(scope="module")
def shared(browser, tmp_path_factory, digits):
    path = write_page(tmp_path_factory.mktemp("digits") / "index.html", {"this run": digits[0]})
    with opened(browser, path, digits[:1], "light") as reader:
        yield reader


@pytest.fixture
def reader(shared):
    """The page of the digits, as it is when it opens, at the top of a window of 1440 x 900."""
    shared.reset()
    assert shared.page.viewport_size == WINDOW == {"width": 1440, "height": 900}
    yield from checked(shared)
    assert shared.page.evaluate("scrollY") == 0


def held(page):
    """What the line above the list says that the selection holds: classes and counts."""
    return [" ".join(text.split()) for text in page.locator("#holds > span").all_inner_texts()]


def test_where_4_and_9_part_takes_one_click(reader):
    page = reader.page
    assert all_seen(page, "#findings button")
    with counted(page) as steps:
        page.click("#findings [data-key=pair]")
    assert steps.taken() == {"clicks": 1}
    percents = ", ".join(f"{100 * value:.0f}" for value in COURSE)
    answer = f"4 and 9 part between h2 and h3. Neighbours of the right class, from input to h6: {percents}%."
    assert page.inner_text("#findings [data-key=pair]") == answer
    assert page.inner_text("#large-0 .layer") == "h3"
    assert page.locator(".small .shown strong").all_inner_texts() == ["h3"]
    pair = [sample for sample, label in zip(reader.ids, reader.run.labels, strict=True) if label in (4, 9)]
    assert reader.selected() == pair
    chosen = np.isin(reader.run.labels, (4, 9))
    ink = np.array([[*bytes.fromhex(COLOURS[label][1:]), 255] for label in reader.run.labels])
    found = reader.overlay_at(0, None, reader.inside_map(0, None, shown=3))
    np.testing.assert_array_equal(found[chosen], ink[chosen])
    assert set(found[~chosen, 3].tolist()) == {199}  # under the veil
    counts = sorted(((int((reader.run.labels == digit).sum()), digit) for digit in (4, 9)), reverse=True)
    assert held(page) == [f"{digit} {count}" for count, digit in counts]
    for part in ("#findings [data-key=pair]", "#large-0 .plot", ".small .plot", "#holds > span", "#thumbs .thumb"):
        assert all_seen(page, part), part


def test_which_digits_look_mislabelled_takes_one_click(reader):
    page, rows = reader.page, wanted(reader.run, "labels")
    with counted(page) as steps:
        page.click("#queues [data-queue=labels]")
    assert steps.taken() == {"clicks": 1}
    assert len(rows) > 1 and listed(reader) == [reader.ids[row] for row in rows]
    says = [f"{reader.run.labels[row]} → {reader.run.predicted[row]}" for row in rows]
    assert page.locator("#thumbs .thumb .short").all_inner_texts() == says
    assert page.inner_text("#inspector-count") == str(len(rows))
    for part in ("#thumbs .thumb", "#thumbs .small-image", "#thumbs .short"):
        assert all_seen(page, part), part


def test_one_digit_is_followed_through_all_layers_with_one_hover(reader):
    page, run = reader.page, reader.run
    row = next(row for row, commit in enumerate(run.commit) if commit is not None)
    with counted(page) as steps:
        point_at(reader, None, row)
    assert steps.taken() == {"hovers": 1}
    assert_rings(reader, row, run.neighbours[0][reader.ids[row]])
    marker = 3.4 * min(1.6, (1000 / len(reader.ids)) ** 0.22)
    around = np.array([(np.cos(angle), np.sin(angle)) for angle in np.arange(8) * np.pi / 4])
    for layer in range(7):  # the thick ring around the digit itself, in each small map
        places = reader.inside_map(0, layer)[row] + (marker / 2 + 4) * around
        assert (reader.overlay_at(0, layer, places, "marks")[:, 3] > 0).sum() >= 7, LAYERS[layer]
    label, predicted = run.labels[row], run.predicted[row]
    says = f"{predicted}{'' if label == predicted else ' ✗'}, {percent(run.confidence[row])} sure"
    assert told(reader, "#tooltip") == card_text(run, row, 0) | {"label": str(label), "prediction": says}
    for part in (".small .plot", "#tooltip", "#tooltip canvas"):
        assert all_seen(page, part), part


def test_what_a_lassoed_cluster_holds_is_seen_without_a_scroll(reader, digits):
    page, inside = reader.page, digits[1] == 4
    places = reader.in_window(0, None)[inside]
    (left, top), (right, bottom) = places.min(axis=0) - 8, places.max(axis=0) + 8
    with counted(page) as steps:
        page.mouse.move(left, top)
        page.mouse.down()
        for corner in ((right, top), (right, bottom), (left, bottom)):
            page.mouse.move(*corner, steps=3)
        page.mouse.up()
    assert steps.taken() == {"drags": 1}
    ids = [sample for sample, chosen in zip(reader.ids, inside, strict=True) if chosen]
    assert reader.selected() == ids
    labels = reader.run.labels[inside]
    fours, nines = (int((labels == digit).sum()) for digit in (4, 9))
    assert fours + nines == len(ids) and nines >= 1
    assert held(page) == [f"4 {fours}", f"9 {nines}"]
    assert listed(reader) == sorted(ids, key=lambda sample: (labels[ids.index(sample)], sample))
    assert page.inner_text("#inspector-count") == str(len(ids))
    for part in ("#holds > span", "#thumbs .thumb", "#thumbs h3"):
        assert all_seen(page, part), part
    assert page.evaluate("document.getElementById('thumbs').scrollTop") == 0


def test_a_sample_s_strips_have_room_for_ten_neighbours_in_every_layer(reader):
    measured = next(row for row, commit in enumerate(reader.run.commit) if commit is not None)
    reader.select([reader.ids[measured]])
    code = """() => {
      const details = document.getElementById("details"), strip = document.querySelector(".strip");
      const thumb = strip.querySelector(".thumb"), gap = parseFloat(getComputedStyle(thumb).marginRight);
      const end = details.getBoundingClientRect().left + details.clientWidth;
      return (end - strip.getBoundingClientRect().left) / (thumb.offsetWidth + gap);
    }"""
    assert reader.page.evaluate(code) >= 10
    assert all_seen(reader.page, ".votes tr")


def test_the_list_of_a_lasso_can_be_sorted(reader):
    reader.select(reader.ids[:30])
    reader.page.select_option("#order", "confidence")
    order = np.argsort(reader.run.confidence[:30], kind="stable")
    assert listed(reader) == [reader.ids[row] for row in order]
    reader.page.select_option("#order", "class")
