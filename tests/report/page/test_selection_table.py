"""The table of the selected samples: its cells, its order, the ids copied, and the CSV."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.report.page.reader import wait_for
from tests.report.page.synthetic import CLASSES, LAYERS, MARKUP

SELECTED = range(30, 75)
CELLS = "(lines) => lines.map((line) => [...line.cells].map((cell) => cell.textContent))"


@pytest.fixture
def table(explorer):
    explorer.select([explorer.ids[row] for row in SELECTED])
    explorer.wait_for_table()
    return explorer


def line(run, row):
    commit = run.commit[row]
    return [
        str(run.ids[row]),
        CLASSES[run.labels[row]],
        CLASSES[run.predicted[row]],
        f"{math.floor(100 * float(run.confidence[row]) + 0.5)}%",
        "not measured" if commit is None else [*LAYERS, "after h6"][commit],
    ]


def shown_lines(explorer):
    return [cells[1:] for cells in explorer.page.eval_on_selector_all("#selection tbody tr", CELLS)]


def sorted_rows(run, column, down):
    """The selected rows by a column, equals by id; samples that were not measured come after all."""
    values = {
        "id": run.ids,
        "label": run.labels,
        "prediction": run.predicted,
        "confidence": run.confidence,
        "commits": [8 if commit is None else commit for commit in run.commit],
    }[column]
    return sorted(SELECTED, key=lambda row: (-values[row] if down else values[row], row))


def head(explorer, column):
    return explorer.page.locator(f"#selection thead button:text-matches('^{column}')")


def test_without_a_selection_the_table_is_empty_and_its_buttons_are_off(explorer):
    explorer.wait_for_table()
    assert shown_lines(explorer) == []
    assert explorer.page.is_disabled("#copy") and explorer.page.is_disabled("#download")


def test_each_selected_sample_has_a_row(table):
    heads = table.page.locator("#selection thead th").all_inner_texts()
    assert heads == ["image", "id ▲", "label", "prediction", "confidence", "commits"]
    assert shown_lines(table) == [line(table.run, row) for row in SELECTED]
    wrong = table.page.eval_on_selector_all(
        "#selection tbody tr", "(all) => all.map((each) => each.className === 'wrong')"
    )
    assert wrong == [bool(table.run.labels[row] != table.run.predicted[row]) for row in SELECTED]
    assert any(wrong)
    assert MARKUP in {cells[1] for cells in shown_lines(table)}


def test_each_row_has_its_samples_image(table):
    images = table.run.inputs.images[table.run.rows]
    for place in (0, 1, 20, 44):
        picture = table.pixels(f"#selection tbody tr:nth-child({place + 1}) canvas")
        np.testing.assert_array_equal(picture[..., 0], images[SELECTED[place]])


@pytest.mark.parametrize("column", ["id", "label", "prediction", "confidence", "commits"])
def test_the_table_sorts_by_each_column_both_ways(table, column):
    down = column == "id"  # by which it is sorted at first
    for each in (down, not down):
        head(table, column).click()
        assert shown_lines(table) == [line(table.run, row) for row in sorted_rows(table.run, column, each)]
        assert head(table, column).inner_text() == f"{column} {'▼' if each else '▲'}"
        order = table.page.eval_on_selector_all("#selection th", "(all) => all.map((each) => each.ariaSort)")
        assert order.count("none") == 4 and ("descending" if each else "ascending") in order


def test_the_ids_are_copied_in_the_tables_order(table):
    head(table, "confidence").click()
    table.page.click("#copy")
    wait_for(table.page, "document.getElementById('copied').textContent")
    assert table.page.inner_text("#copied") == "copied"
    wanted = " ".join(str(table.ids[row]) for row in sorted_rows(table.run, "confidence", False))
    assert table.page.evaluate("navigator.clipboard.readText()") == wanted


def test_ids_are_copied_another_way_where_the_browser_refuses(table):
    table.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    try:
        table.page.click("#copy")
        wait_for(table.page, "document.getElementById('copied').textContent")
        assert table.page.inner_text("#copied") == "copied"
        copied = table.page.evaluate("navigator.clipboard.readText()")
        assert copied == " ".join(str(table.ids[row]) for row in SELECTED)
        assert table.page.locator("textarea").count() == 0

        table.page.evaluate("() => { document.execCommand = () => false; }")
        table.select(table.ids[:3])
        table.wait_for_table()
        table.page.click("#copy")
        wait_for(table.page, "document.getElementById('copied').textContent")
        assert table.page.inner_text("#copied") == "the browser refused to copy"
    finally:
        table.page.evaluate("() => { delete navigator.clipboard.writeText; delete document.execCommand; }")


def test_the_csv_has_the_table_with_texts_quoted_where_needed(table):
    head(table, "label").click()
    with table.page.expect_download() as caught:
        table.page.click("#download")
    assert caught.value.suggested_filename == "samples.csv"
    quoted = {MARKUP: '"<b>&""x""</b>"', "one, or ace": '"one, or ace"', "=six": "'=six"}
    wanted = ["id,label,prediction,confidence,commits"]
    for row in sorted_rows(table.run, "label", False):
        number, label, predicted, _, commits = line(table.run, row)
        names = [quoted.get(name, name) for name in (label, predicted)]
        wanted.append(",".join([number, *names, format(float(table.run.confidence[row]), "#.6g"), commits]))
    text = Path(caught.value.path()).read_bytes().decode("utf-8")
    assert text == "\n".join(wanted) + "\n"
    assert all(name in text for name in quoted.values())


def test_order_stays_for_the_next_selection(table):
    head(table, "confidence").click()
    head(table, "confidence").click()
    table.select(table.ids[:4])
    table.wait_for_table()
    order = sorted(range(4), key=lambda row: -table.run.confidence[row])
    assert [cells[0] for cells in shown_lines(table)] == [str(table.ids[row]) for row in order]
