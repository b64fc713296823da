"""Fill the report's template: one HTML file with every figure inside, that opens offline from disk."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

TEMPLATE = Path(__file__).with_name("report_page.html")


@dataclass(frozen=True)
class PageFigure:
    """A figure of the page: the stem of its files, its heading, and what it shows and does not show."""

    name: str
    heading: str
    caption: str
    group: str


# A figure's entry in the page, and the call that draws it: it can be sent to another process.
Planned = tuple[PageFigure, Callable[[], Figure]]


def render_page(
    figures: Sequence[PageFigure],
    folder: Path,
    title: str,
    facts: Mapping[str, str],
    texts: Mapping[str, str],
    notes: Sequence[str],
) -> str:
    """Return the page's HTML; `folder` holds the figures as PNG.

    `facts` is a table of names and values, `texts` maps headings to preformatted texts, `notes` are lines that say what
    is not there. All text is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    images = {figure.name: _data_address(folder / f"{figure.name}.png") for figure in figures}
    groups: dict[str, list[PageFigure]] = {}
    for figure in figures:
        groups.setdefault(figure.group, []).append(figure)
    template = environment.get_template(TEMPLATE.name)
    return template.render(title=title, groups=groups, images=images, facts=facts, texts=texts, notes=notes)


def _data_address(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
