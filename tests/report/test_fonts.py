"""Names in any script: every letter is drawn, by a font that a package ships, and Latin names need no other font."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager

from strata.core.errors import StrataError
from strata.report.figures import fonts
from strata.report.figures.confusion import draw_confusion
from strata.report.figures.fonts import MAIN, PACKAGES, families, fonts_for
from strata.report.figures.style import names_in_figures, save_figure
from strata.run import draw_map

NAMES = ["猫 cat", "あいう", "한국어", "简体中文", "🐱🚗", "हिन्दी", "ไทย", "தமிழ்", "العربية", "Ελληνικά"]


def saved(names, folder: Path) -> bytes:
    with fonts_for(names):
        figure = draw_confusion(np.eye(len(names), dtype=np.int64), names_in_figures(names))
        save_figure(figure, folder, "figure", 50)
    return (folder / "figure.png").read_bytes() + (folder / "figure.svg").read_bytes()


def test_names_in_many_scripts_are_drawn_with_the_same_bytes_again(tmp_path):
    """A letter without a glyph would be a warning of matplotlib, which is an error here."""
    assert saved(NAMES, tmp_path / "a") == saved(NAMES, tmp_path / "b")


def test_without_the_fonts_letters_are_missing(tmp_path):
    with pytest.warns(UserWarning, match="missing from font"):
        save_figure(draw_confusion(np.eye(2, dtype=np.int64), ["猫", "あ"]), tmp_path, "figure", 50)


def test_the_fonts_are_the_packages_files_whatever_the_system_has():
    with fonts_for(NAMES):
        used = families()
    folders = {Path(importlib.util.find_spec(package).origin).parent for package in PACKAGES}
    assert used[0] == MAIN and len(used) > 4
    for family in used[1:]:
        for weight in ("normal", "bold"):
            properties = font_manager.FontProperties(family=family, weight=weight)
            assert Path(font_manager.findfont(properties, fallback_to_default=False)).parent in folders


@pytest.mark.parametrize("names", [["cat", "Fuß", "T-shirt/top", "Ж", "tab\tand\nline"], []])
def test_names_that_dejavu_has_need_no_other_font(names):
    with fonts_for(names):
        assert families() == [MAIN]


def test_only_the_fonts_of_the_names_are_used():
    with fonts_for(["猫"]):
        assert families() == [MAIN, "Strata NotoSansCJKjp-Regular"]
    assert families() == [MAIN]


def test_maps_in_a_notebook_use_them():
    figure = draw_map(np.eye(2, dtype=np.float32), np.array([0, 1]), ["猫", "あ"], "層")
    assert "Strata NotoSansCJKjp-Regular" in figure.axes[0].get_legend().get_texts()[0].get_fontfamily()


def test_a_package_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setattr(fonts, "PACKAGES", {"no_such_font": ("*.ttf",)})
    fonts._files.cache_clear()
    message = "the package no-such-font, with fonts for these names, is missing"
    with pytest.raises(StrataError, match=message), fonts_for(["猫"]):
        pass
    fonts._files.cache_clear()
