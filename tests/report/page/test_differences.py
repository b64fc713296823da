"""Comparing two runs: samples fixed, broken, earlier, moved; differences with intervals; identical runs say so."""

import re

import numpy as np
import pytest

from tests.report.page.conftest import checked, opened
from tests.report.page.synthetic import LAYERS, write_page
from tests.report.page.test_maps import ids_where


def mistakes(compared):
    return [run.labels != run.predicted for run in compared.runs]


def sure(compared, key):
    return compared.page.text_content(f"#findings li:has([data-key={key}]) p")


@pytest.mark.parametrize(("key", "before", "after"), [("fixed", True, False), ("broken", False, True)])
def test_fixed_and_broken_samples_are_counted_selected_and_judged(compared, key, before, after):
    first, second = mistakes(compared)
    wanted = ids_where(compared, (first == before) & (second == after))
    button = f"#findings button[data-key={key}]"
    assert str(len(wanted)) in compared.page.inner_text(button)
    compared.page.click(button)
    assert compared.selected() == wanted
    fixed, broken = (first & ~second).sum(), (second & ~first).sum()
    low, high = fixed - broken - 1.96 * np.sqrt(fixed + broken), fixed - broken + 1.96 * np.sqrt(fixed + broken)
    numbers = [float(number) for number in re.findall(r"-?\d+", sure(compared, key))]
    assert numbers[0] == fixed - broken and numbers[1] == 95
    assert numbers[2:] == [pytest.approx(low, abs=0.51), pytest.approx(high, abs=0.51)]
    assert ("no difference" in sure(compared, key)) == (low <= 0 <= high)


def test_samples_that_decide_earlier_in_the_second_run(compared):
    first, second = ([99 if commit is None else commit for commit in run.commit] for run in compared.runs)
    earlier = ids_where(compared, np.array(second) < np.array(first))
    compared.page.click("#findings button[data-key=earlier]")
    assert compared.selected() == earlier


def test_the_samples_whose_neighbours_differ_most(compared):
    compared.page.click("#findings button[data-key=moved]")
    chosen = set(compared.selected())

    def moved(sample):
        first, second = (set(run.neighbours[len(LAYERS) - 2][sample]) for run in compared.runs)
        return 1 - len(first & second) / max(len(first), len(second)) if first and second else -1.0

    shares = {sample: moved(sample) for sample in compared.ids}
    assert len(chosen) == 50
    assert min(shares[sample] for sample in chosen) >= max(s for i, s in shares.items() if i not in chosen)


def test_differences_of_measures_are_those_of_the_tables(compared):
    charts = compared.page.evaluate("strata.charts.filter((each) => each.place === 'difference-charts')")
    tables = [run.inputs.measures.table for run in compared.runs]
    chart = next(each for each in charts if each["title"] == "Neighbourhood hit")
    rows = [table[(table["measure"] == "neighbourhood_hit") & (table["control"] == "none")] for table in tables]
    change = rows[1]["value"].to_numpy() - rows[0]["value"].to_numpy()
    np.testing.assert_allclose(chart["lines"][0][1], change)
    half = np.hypot(*(row["high"].to_numpy() - row["low"].to_numpy() for row in rows)) / 2
    np.testing.assert_allclose(chart["bands"][0], [change - half, change + half])


def test_identical_runs_say_so(browser, runs, tmp_path):
    path = write_page(tmp_path / "same.html", {"base": runs[0], "again": runs[0]})
    with opened(browser, path, [runs[0], runs[0]], "light") as explorer:
        for page in checked(explorer):
            (text,) = page.page.locator("#findings button").all_inner_texts()
            assert text.startswith("The two runs are identical here")
            notes = page.page.locator("#difference-charts .hint").all_inner_texts()
            assert notes and set(notes) == {"no difference beyond the intervals"}
