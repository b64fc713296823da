"""A figure of the report as one row: its name, its caption, how it is drawn, and when it applies."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from strata.artifacts.needs import Need, is_there
from strata.report.page.inputs import ReportInputs
from strata.report.params import ReportParams


@dataclass(frozen=True)
class PageFigure:
    """The stem of a figure's files, its heading, its caption, and its group on the page.

    A figure that the page shows in interactive form (`explored`) is not shown as an image, too.
    """

    name: str
    heading: str
    caption: str
    group: str
    explored: bool = False


# Draws a figure, in any process: a module's function, or a partial of one with the data to draw.
Draw = Callable[[], Figure]
Planned = tuple[PageFigure, Draw]


@dataclass(frozen=True)
class FigureRow:
    """One figure; `caption` and `draw` are called only if its needs are there and it `applies` to a run."""

    name: str
    heading: str
    group: str
    caption: Callable[[ReportInputs, ReportParams], str]
    draw: Callable[[ReportInputs, ReportParams], Draw]
    applies: Callable[[ReportInputs], bool] = lambda _: True
    explored: bool = False
    needs: tuple[Need, ...] = ()

    def planned(self, inputs: ReportInputs, params: ReportParams) -> Iterator[Planned]:
        """Yield the figure, undrawn, if its needs are there and it applies."""
        if is_there(self.needs, inputs.lacks) and self.applies(inputs):
            caption = self.caption(inputs, params)
            yield PageFigure(self.name, self.heading, caption, self.group, self.explored), self.draw(inputs, params)


@dataclass(frozen=True)
class LayerFigureRow:
    """One figure per layer that it `applies` to; `{layer}` in name and heading is replaced by the layer's name."""

    name: str
    heading: str
    group: str
    caption: Callable[[ReportInputs, str], str]
    draw: Callable[[ReportInputs, str], Draw]
    applies: Callable[[ReportInputs, str], bool] = lambda _, __: True
    explored: bool = False
    needs: tuple[Need, ...] = ()

    def planned(self, inputs: ReportInputs, _: ReportParams) -> Iterator[Planned]:
        """Yield the figure of each layer, undrawn."""
        for layer in inputs.maps if is_there(self.needs, inputs.lacks) else ():
            if self.applies(inputs, layer):
                name, heading = self.name.format(layer=layer), self.heading.format(layer=layer)
                entry = PageFigure(name, heading, self.caption(inputs, layer), self.group, self.explored)
                yield entry, self.draw(inputs, layer)


def data_address(path: Path) -> str:
    """Return a PNG file as a data address."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
