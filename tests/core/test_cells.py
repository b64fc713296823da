"""Texts that a spreadsheet would take for formulas: written with an apostrophe, and read as they were."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.artifacts.tables import read_csv
from strata.core.cells import escaped, unescaped
from strata.core.files import write_csv

STARTS = st.sampled_from(["", "'", "''", "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "-1", "'="])
TEXTS = st.builds(str.__add__, STARTS, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("-1", "-1"),
        ("+1.5e-3", "+1.5e-3"),
        ("T-shirt/top", "T-shirt/top"),
        ("'tis", "'tis"),
        ("", ""),
        (-1, -1),
        (None, None),
    ],
)
def test_only_texts_that_begin_a_formula_get_an_apostrophe(cell, written):
    assert escaped(cell) == written and unescaped(written) == cell


@given(TEXTS)
def test_no_text_begins_a_formula_and_none_is_lost(text):
    written = escaped(text)
    assert unescaped(written) == text
    assert written[:1] not in set("=+-@\t\r\n＝＋－＠") or float(written) is not None


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=5))
def test_a_table_is_read_as_it_was(tmp_path_factory, texts):
    """One more row keeps the column from being numbers."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    table = pd.DataFrame({"name": ["text", *texts], "value": -np.arange(len(texts) + 1.0)})
    write_csv(path, table)
    found = read_csv(path, ("name", "value"))
    assert found["name"].tolist() == table["name"].tolist()
    assert found["value"].tolist() == table["value"].tolist()


def test_numbers_and_categories_and_missing_cells(tmp_path):
    path = tmp_path / "table.csv"
    number = pd.array([-1, None], "Int16")
    write_csv(
        path, pd.DataFrame({"=a": ["=1", None], "b": [-1.5, np.nan], "c": pd.Categorical(["@x", "y"]), "d": number})
    )
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["'=a", "b", "c", "d"], ["'=1", "-1.5", "'@x", "-1"], ["", "", "y", ""]]
    assert read_csv(path, ("=a", "b")).columns.tolist() == ["=a", "b", "c", "d"]
