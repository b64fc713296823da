"""The page: every figure inside, all text escaped, nothing fetched."""

import base64
import re

import pytest

from strata.page.report_page import PageFigure, render_page


@pytest.fixture
def page(tmp_path):
    (tmp_path / "one.png").write_bytes(b"picture one")
    (tmp_path / "two.png").write_bytes(b"picture two")
    figures = [
        PageFigure("one", "First", "shows <b>this</b>", "Maps"),
        PageFigure("two", "Second", 'a "quoted" caption', "Network"),
    ]
    facts = {"Data set": "<script>alert(1)</script>"}
    return render_page(figures, tmp_path, "A & B", facts, {"Parameters": "lr: <1>"}, ["no h6"])


def test_each_figure_is_inside_once_in_the_order_given(page):
    inside = [base64.b64decode(found) for found in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert inside == [b"picture one", b"picture two"]


def test_text_from_data_is_escaped(page):
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "shows &lt;b&gt;this&lt;/b&gt;" in page
    assert "lr: &lt;1&gt;" in page
    assert "<title>A &amp; B</title>" in page


def test_nothing_is_fetched(page):
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "@import" not in page
    assert "url(" not in page


def test_notes_and_the_caveats_stand_in_the_page(page):
    assert "no h6" in page
    assert "distance between clusters mean nothing" in page
