"""Fonts for names in any script: DejaVu Sans, and where it has no letter, Noto fonts that packages of Python ship.

A font of the operating system would be another one on another machine, and so would be the figure's bytes.
"""

import dataclasses
import importlib.util
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from matplotlib import font_manager

from strata.core.errors import StrataError

MAIN = "DejaVu Sans"  # comes with matplotlib
REGULAR, BOLD = 400, 700
# The module and the files of each package, in the order in which they are asked for a letter.
PACKAGES = {
    "noto_cjk_sans_jp_regular": ("NotoSansCJKjp-Regular.otf",),  # Chinese, Japanese and Korean
    "manimgx_fonts": ("NotoEmoji*.ttf", "NotoSans[A-Z]*.ttf"),  # emoji without colour; scripts of South Asia and others
}

_families: ContextVar[tuple[str, ...]] = ContextVar("_families", default=(MAIN,))


@contextmanager
def fonts_for(texts: Iterable[str]) -> Iterator[None]:
    """Context in which figures with these texts are drawn and saved: it adds the fonts that they need.

    Texts for which DejaVu Sans has every letter need none. Raises StrataError if a font is needed and its package is
    not installed.
    """
    letters = {letter for text in texts for letter in text if letter.isprintable()}
    missing = {letter for letter in letters if not _has(_main(), letter)}
    needed = []
    for path in _files() if missing else ():
        found = {letter for letter in missing if _has(path, letter)}
        if found:
            missing -= found
            needed.append(_registered(path))
    token = _families.set((MAIN, *needed))
    try:
        yield
    finally:
        _families.reset(token)


def families() -> list[str]:
    """Return the names of the fonts, in the order in which matplotlib shall ask them for a letter."""
    return list(_families.get())


def _main() -> Path:
    return Path(font_manager.findfont(MAIN))


def _has(path: Path, letter: str) -> bool:
    return font_manager.get_font(path).get_char_index(ord(letter)) != 0


@cache
def _files() -> tuple[Path, ...]:
    files: list[Path] = []
    for package, patterns in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            name = package.replace("_", "-")
            raise StrataError(
                f"the package {name}, with fonts for these names, is missing; run `make clean-venv repro`"
            )
        for pattern in patterns:
            files += sorted(Path(spec.origin).parent.glob(pattern))
    return tuple(files)


@cache
def _registered(path: Path) -> str:
    """Make a font known to matplotlib under a name of its own, as the system may have another of the font's name."""
    entry = font_manager.ttfFontProperty(font_manager.get_font(path))
    name = f"Strata {path.stem}"
    for weight in (REGULAR, BOLD):  # without an entry for bold titles, matplotlib warns
        font_manager.fontManager.ttflist.append(dataclasses.replace(entry, name=name, weight=weight))
    return name
