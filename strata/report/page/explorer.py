"""The page: one HTML file that contains all data, images and scripts, opens offline and loads nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from strata.artifacts.measured import COMMIT_DEFINITION, CONTROLS, SHUFFLED
from strata.report.figures.style import CONTROL_LOOKS, MEASURE_LOOKS, class_colour
from strata.report.page.figure_row import PageFigure, data_address
from strata.report.page.packing import packed, sprite_of
from strata.report.page.sweep import LETTERS

FOLDER = Path(__file__).parent
TEMPLATE, STYLE = FOLDER / "explorer.html", FOLDER / "explorer.css"
SCRIPT = FOLDER / "script"
# The scripts that all panels use, in order; then come the files of panels/, and start.js last.
SHARED = (
    *(
        "payload",
        "images",
        "network",
        "state",
        "colours",
        "points",
        "morph",
        "map_view",
        "overlay",
        "large_map",
        "hover",
        "charts",
    ),
    *("controls", "keys", "address"),
)
SCALE_COLOURS = 64


def page_payload(
    classes: Sequence[str],
    labels: NDArray[np.int16] | None,
    images: NDArray[np.uint8] | Sequence[str],
    runs: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return all data of the page: what the runs share, and the runs by name (`run_payload`), the base run first.

    Samples that are no images are given as text.
    """
    pictures = isinstance(images, np.ndarray)
    scale = mpl.colormaps["viridis"](np.linspace(0, 1, SCALE_COLOURS))
    return {
        "classes": list(classes),
        "class_colours": [class_colour(index) for index in range(len(classes))],
        "scale": [to_hex(colour) for colour in scale],
        "count": len(images),
        "controls": {
            control: {"title": CONTROLS[control], "colour": look.colour, "dash": look.dashes}
            for control, look in CONTROL_LOOKS.items()
            if labels is not None or control != SHUFFLED
        },
        "looks": [{"colour": look.colour, "dash": look.dashes} for look in MEASURE_LOOKS],
        "commit_definition": COMMIT_DEFINITION,
        "labels": None if labels is None else packed(labels),
        "sprite": asdict(sprite_of(images)) if isinstance(images, np.ndarray) else None,
        "texts": None if pictures else list(images),
        "runs": [{"name": name, **run} for name, run in runs.items()],
    }


def render_explorer(
    title: str,
    payload: Mapping[str, Any],
    figures: Sequence[PageFigure],
    folder: Path | None,
    notes: Sequence[str],
    differences: Sequence[tuple[str, ...]] = (),
) -> str:
    """Return the page's HTML. All text is escaped.

    `figures` are shown in groups, with their PNG files in `folder`. `notes` say what is missing. `differences` are the
    parameters that differ between compared runs: (name, value in the first run, in the second ...). More than two runs
    are in `payload["sweep"]` (`sweep_payload`).
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = page_script()
    groups: dict[str, list[PageFigure]] = {}
    for figure in figures:
        groups.setdefault(figure.group, []).append(figure)
    return environment.get_template(TEMPLATE.name).render(
        title=title,
        commit_definition=payload["commit_definition"],
        names=[run["name"] for run in payload["runs"]],
        compared=[run["name"] for run in payload.get("sweep", payload)["runs"]],
        letters=LETTERS,
        layers=list(payload["runs"][0]["layers"]),
        times=list(payload["runs"][0]["earlier"]) if len(payload["runs"]) == 1 else [],
        runs=payload["runs"],
        nearest=_neighbours(payload["runs"][0]),
        shown=payload["count"],
        labelled=payload["labels"] is not None,
        pictures=payload["sprite"] is not None,
        targets=list(payload["runs"][0].get("targets", ())),
        predicted=_all_have(payload["runs"], "predicted"),
        decided=_all_have(payload["runs"], "commit"),
        caveats={run["method"]["title"]: run["method"]["caveats"] for run in payload["runs"]},
        starts=_starts([run["method"]["start"] for run in payload["runs"]]),
        classes=payload["classes"],
        class_colours=payload["class_colours"],
        groups=groups,
        images={figure.name: data_address(folder / f"{figure.name}.png") for figure in figures if folder},
        notes=notes,
        differences=differences,
        style=STYLE.read_text(encoding="utf-8"),
        script=script,
        script_hash=script_hash(script),
        payload=json_for_html(payload),
    )


def _all_have(runs: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Return whether no run lacks something, which is None then."""
    return not any(run.get(name, "") is None for run in runs)


def _starts(starts: Sequence[str]) -> list[str]:
    """Return what the runs' maps start from: said once if it is the same, else for each run, A or B."""
    if len(set(starts)) > 1:
        return [f"{name}: {start}" for name, start in zip("AB", starts, strict=False) if start]
    return [start for start in starts[:1] if start]


def _neighbours(run: Mapping[str, Any]) -> int:
    """Return how many neighbours of each sample the page knows."""
    return int(next(iter(run["layers"].values()))["neighbours"]["shape"][1])


def script_files() -> list[Path]:
    """Return the files of the page's script, in order. Every file in script/panels/ is included."""
    shared = [SCRIPT / f"{name}.js" for name in SHARED]
    return [*shared, *sorted((SCRIPT / "panels").glob("[!.]*.js")), SCRIPT / "start.js"]


def page_script() -> str:
    """Return the text of the page's script element: all files in one function, which waits for the arrays."""
    body = "\n".join(path.read_text(encoding="utf-8") for path in script_files())
    return f'(async () => {{\n"use strict";\n{body}\n}})();'


def script_hash(script: str) -> str:
    """Return what a content security policy names to allow exactly this script: its SHA-256 (CSP Level 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def json_for_html(content: Mapping[str, Any]) -> str:
    """Return JSON that is safe inside a script element, whatever text it contains. NaN raises ValueError."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
