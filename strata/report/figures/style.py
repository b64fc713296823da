"""The common look of all figures: fonts, sizes, colours that colour-blind readers can tell apart, and saving."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from strata.artifacts.measured import CONTROLS
from strata.core.files import whole_file
from strata.report.figures.fonts import families

# Ten colours of Petroff (2021), Accessible color sequences for data visualization, arXiv:2107.02270.
CLASS_COLOURS = [to_hex(colour) for colour in mpl.color_sequences["petroff10"]]
MAX_NAMED = 40  # classes; with more, their names and numbers would overlap
LONGEST_NAME = 24  # letters of a class name
FEW_PIXELS = 64  # of an image's longer side; larger images are resampled, as their own pixels would take more room
INK, MUTED, ACCENT, WARM = "#222222", "#767676", "#3f90da", "#bd1f01"


@dataclass(frozen=True)
class LineLook:
    """The look of a line: colour, dashes and marker, so that lines can be told apart without colour, too."""

    colour: str
    dashes: Literal["-", "--", ":", "-."]
    marker: str


# Of a measure under each control, and of several measures on one pair of axes, in their order; here and on the page. No
# colour and no marker means one thing in a panel and another in the next.
CONTROL_LOOKS = dict(
    zip(
        CONTROLS,
        (
            LineLook("#3f90da", "-", "o"),
            LineLook("#e76300", "--", "s"),
            LineLook("#717581", ":", "D"),
            LineLook("#832db6", "-.", "v"),
        ),
        strict=True,
    )
)
MEASURE_LOOKS = (
    LineLook("#009e73", "-", "^"),
    LineLook("#bd1f01", "--", "P"),
    LineLook("#c9a400", ":", "X"),
    LineLook("#cc79a7", "-.", "<"),
    LineLook("#a96b59", "-", ">"),
    LineLook("#7a8b00", "--", "*"),
)

STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "strata",  # element ids are the same in every run
}


def names_in_figures(classes: Sequence[str]) -> list[str]:
    """Return class names that figures can show: long names are cut, and dollar signs escaped."""
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in classes]
    return [name.replace("$", r"\$") for name in short]


@contextmanager
def strata_style() -> Iterator[None]:
    """Context in which figures are drawn and saved, independent of the user's matplotlib settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | {"font.family": families()})
        yield


def save_figure(figure: Figure, folder: Path, name: str, dpi: int) -> None:
    """Write `name`.png and `name`.svg into `folder`, each whole or not at all, without a date.

    The layout is made once, and each file drawn once: `savefig` would draw a figure with a layout twice for each. Small
    images in the SVG have their own pixels.
    """
    figure.dpi = dpi
    with strata_style():
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")
        with whole_file(folder / f"{name}.png") as part:
            FigureCanvasAgg(figure).print_png(part)  # type: ignore[no-untyped-call]
        for image in figure.findobj(AxesImage):
            if isinstance(image, AxesImage) and max(image.get_size()) <= FEW_PIXELS:
                image.set_interpolation("none")  # its own pixels in the file: sharp at any size
        with whole_file(folder / f"{name}.svg") as part:
            FigureCanvasSVG(figure).print_svg(part, metadata={"Date": None})  # type: ignore[no-untyped-call]


def as_title(name: str) -> str:
    """Return a name with a large first letter; names such as kNN, whose second letter is large, stay."""
    return name if name[1:2].isupper() else name[:1].upper() + name[1:]


def class_colour(index: int) -> str:
    """Return the colour of a class; colours repeat after ten."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]
