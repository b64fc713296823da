"""The descriptions of the measures: what each one means, and how figures and the page draw it.

The measure stage writes them to `registry.json`, so that the report can draw measures without importing their code.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from strata.artifacts.needs import Lacking, Need, is_there
from strata.core.errors import StrataError
from strata.core.files import write_json
from strata.core.params import Section, first_mistake

Text = Annotated[str, Field(min_length=1)]


class Interval(StrEnum):
    """How the 95% interval of a measure is computed."""

    MEAN = "normal interval of the mean over the points"
    MEAN_OF_SHARES = "normal interval of the mean over the points, cut to 0 to 1"
    INFLUENCES = "normal interval by each point's influence"
    INFLUENCES_ON_SHARE = "normal interval by each point's influence, cut to 0 to 1"
    WILSON = "Wilson's interval of a share"
    HALF_SAMPLES = "differences between random halves of the points, by Student's t"
    NONE = "none"


class MeasureEntry(Section):
    """A scalar measure of a layer: its key in the tables, and the texts that describe it.

    `panel` is the key of the panel that shows it, if any. `legend` is a name for its line, if shorter than the title.
    `not_shown` is what people could take it for and it is not.
    A chief measure is one of the few in the metrics.
    """

    key: Text
    title: Text
    unit: Text
    panel: str | None = None
    legend: str | None = None
    needs: tuple[Need, ...] = ()
    interval: Interval
    meaning: Text
    source: Text
    not_shown: Text
    chief: bool = False


class Panel(Section):
    """Axes on which measures are drawn by depth: one line per control, or one line per measure.

    `end` is the upper end of the axis, if it has one; the lower end is 0.
    """

    key: Text
    title: Text
    axis: Text
    end: float | None = None
    lines: Literal["controls", "measures"] = "controls"


class MeasureRegistry(Section):
    """All measures in the order of the tables, and all panels in the order of the figure and the page."""

    measures: tuple[MeasureEntry, ...]
    panels: tuple[Panel, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> "MeasureRegistry":
        for kind, keys in (("measure", [each.key for each in self.measures]), ("panel", self._panel_keys())):
            if repeated := [key for key in keys if keys.count(key) > 1]:
                raise ValueError(f"{kind} '{repeated[0]}' is listed twice")
        for measure in self.measures:
            if measure.panel is not None and measure.panel not in self._panel_keys():
                raise ValueError(f"measure '{measure.key}' names panel '{measure.panel}', which is not listed")
        for panel in self.panels:
            count = len(self.shown_in(panel))
            if not count or (panel.lines == "controls" and count > 1):
                raise ValueError(
                    f"panel '{panel.key}' shows {count} measures, but has one line per control: give it one"
                )
        return self

    def _panel_keys(self) -> list[str]:
        return [panel.key for panel in self.panels]

    def shown_in(self, panel: Panel) -> list[MeasureEntry]:
        """Return the measures that a panel shows, in the order of the tables."""
        return [measure for measure in self.measures if measure.panel == panel.key]

    def without(self, lacks: Lacking) -> "MeasureRegistry":
        """Return the measures that a run can have, and the panels that show any of them."""
        measures = tuple(measure for measure in self.measures if is_there(measure.needs, lacks))
        shown = {measure.panel for measure in measures}
        return MeasureRegistry(measures=measures, panels=tuple(each for each in self.panels if each.key in shown))


def write_registry(path: Path, registry: MeasureRegistry) -> None:
    """Write registry.json."""
    write_json(path, registry.model_dump(mode="json"))


def read_registry(path: Path) -> MeasureRegistry:
    """Return the content of registry.json. Raises StrataError if it is missing or damaged."""
    try:
        return MeasureRegistry.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except ValidationError as error:
        raise StrataError(f"{path} is damaged: {first_mistake(error)}; run `dvc repro -f measure`") from None
