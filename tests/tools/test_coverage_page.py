"""The coverage study: its page is that of its figures and names every exception; its jobs run every measure."""

import json

from benchmarks.coverage_data import Setting
from benchmarks.coverage_samples import CKA, Repeats, repeated
from benchmarks.coverage_tables import RIGHT_WIDTH, coverage_page, exception, inside
from strata.artifacts.measure_registry import Interval
from strata.measures.registry import MEASURES
from tests.tiny_pipeline import ROOT

WITH_INTERVAL = {measure.key for measure in MEASURES if measure.interval != Interval.NONE}
ROWS = json.loads((ROOT / "docs/coverage.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
SETTING = {"name": "5 dimensions", "points": 400, "k": 15, "measure": "map_recall"}


def test_the_page_is_that_of_the_figures():
    assert coverage_page(ROWS, 200) == PAGE


def test_every_interval_was_tried():
    assert {row["measure"] for row in ROWS} == WITH_INTERVAL | {CKA}


def test_a_repeat_has_an_interval_for_every_measure():
    (found,) = repeated(Repeats(Setting("5 dimensions", 200, 5, 5, 4), 0, 1, intervals=True))
    assert found.keys() == WITH_INTERVAL | {CKA}
    assert all(one.low <= one.value <= one.high for one in found.values())


def test_no_reason_is_missing():
    assert "reason is not known" not in PAGE
    for row in ROWS:
        where = f"{row['coverage']:.1%} in {row['name']}, n = {row['points']:,}, k = {row['k']} (width"
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"- `{row['measure']}`:")] or [""]
        assert (where in line) == (not inside(row))


def test_an_exception_is_chance_or_has_a_reason():
    assert RIGHT_WIDTH == (0.9, 1.1)
    assert exception("map_recall", [SETTING | {"coverage": 0.95, "width_ratio": 1.5}]) == ""
    by_chance = exception("map_recall", [SETTING | {"coverage": 0.91, "width_ratio": 1.0}])
    assert by_chance.endswith("(width 1.00). The widths are right.\n")
    assert "Too narrow where" in exception("map_recall", [SETTING | {"coverage": 0.8, "width_ratio": 0.8}])
    assert exception("new", [SETTING | {"coverage": 0.8, "width_ratio": 0.8}]).endswith("The reason is not known.\n")
