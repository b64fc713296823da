"""A figure of the page: what it is called, what it shows, and how it is drawn."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class PageFigure:
    """The stem of a figure's files, its heading, what it shows and does not show, and its group on the page."""

    name: str
    heading: str
    caption: str
    group: str


# A figure's entry in the page, and the call that draws it: it can be sent to another process.
Planned = tuple[PageFigure, Callable[[], Figure]]


def data_address(path: Path) -> str:
    """Return a PNG file as an address that holds the file itself."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
