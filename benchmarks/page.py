"""How fast the page is in Chromium without a graphics card, beside the page of another version, in one run.

python -m benchmarks.page --out benchmarks --other ../strata-before
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tools.chromium import launched

ROOT = Path(__file__).resolve().parent.parent
COUNTS = (1_000, 10_000, 70_000)
REPEATS = 5
# What is wanted, by number of points: seconds until usable, milliseconds of each action, size in MB.
WANTED = {
    "usable, s": (1.5, 2.5, 6),
    "slider step, ms": (30, 50, 150),
    "recolour, ms": (100, 150, 400),
    "filter, ms": (100, 150, 400),
    "lasso to paint, ms": (100, 150, 400),
    "hover, ms": (50, 50, 50),
    "page, MB": (5, 14, 60),
}
# Time from an action to the end of the frame that shows it.
TIMED = """async (action) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await painted();
  const get = (id) => document.getElementById(id), begin = performance.now();
  if (action.slider !== undefined) {
    get("depth").value = action.slider;
    get("depth").dispatchEvent(new Event("input"));
  } else if (action.colour) {
    get("colour").value = action.colour;
    get("colour").dispatchEvent(new Event("change"));
  } else {
    document.querySelector("#classes input").click();
  }
  await painted();
  return performance.now() - begin;
}"""
WATCH = """(kind) => {
  window.watched = new Promise((done) => addEventListener(kind, () => {
    const begin = performance.now();
    const painted = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    painted().then(() => done(performance.now() - begin));
  }, { capture: true, once: true }));
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--other", type=Path, help="a checkout of another version, whose page is measured, too")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS)
    options = parser.parse_args()
    versions = {"this": ROOT} | ({"before": options.other.resolve()} if options.other else {})
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch, launched("--disable-gpu") as browser:
        for count in options.counts:
            for name, folder in versions.items():
                path = Path(scratch) / f"{name}.html"
                write_page(folder, count, path)
                found.setdefault(name, {})[str(count)] = measured(browser, path, REPEATS if name == "this" else 3)
                print(name, count, json.dumps(found[name][str(count)]), flush=True)
    (options.out / "page.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.out / "page.md").write_text(as_markdown(found), encoding="utf-8")


def write_page(folder: Path, count: int, path: Path) -> None:
    """Write the page of made-up data with the code in a folder."""
    command = [sys.executable, str(ROOT / "benchmarks/page_data.py"), str(count), str(path)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(folder)}, cwd=folder)


def measured(browser: Browser, path: Path, repeats: int) -> dict[str, float]:
    """Return the medians of a page, by the names of WANTED."""
    usable = []
    for _ in range(min(3, repeats)):
        page = opened(browser, path)
        usable.append(page.evaluate("strata.ready") / 1000)
        page.close()
    page = opened(browser, path)
    page.evaluate(TIMED, {"slider": 1.5})  # the first of each is slower everywhere
    times = {
        "slider step, ms": [page.evaluate(TIMED, {"slider": 0.3 + 0.4 * step}) for step in range(repeats)],
        "recolour, ms": [page.evaluate(TIMED, {"colour": ("trust", "label")[i % 2]}) for i in range(repeats)],
        "filter, ms": [page.evaluate(TIMED, {}) for _ in range(repeats)],
    }
    page.evaluate(TIMED, {"slider": 0})
    times["lasso to paint, ms"] = [lasso(page, 0.2 + 0.05 * i) for i in range(repeats)]
    times["hover, ms"] = [hover(page, 0.3 + 0.08 * i) for i in range(repeats)]
    page.close()
    medians = {name: round(statistics.median(values), 1) for name, values in times.items()}
    return (
        {"usable, s": round(statistics.median(usable), 2)} | medians | {"page, MB": round(path.stat().st_size / 1e6, 1)}
    )


def opened(browser: Browser, path: Path) -> Page:
    """Open a page, and wait until its maps can be used."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(300_000)
    page.goto(path.as_uri())
    until = time.monotonic() + 300
    while not page.evaluate("window.strata && strata.chartsReady"):
        if time.monotonic() > until:
            raise RuntimeError(f"{path} does not get ready")
        time.sleep(0.1)
    return page


def large_map(page: Page) -> dict[str, Any]:
    page.locator("#large-0 .plot").scroll_into_view_if_needed()
    box = page.locator("#large-0 .plot").bounding_box()
    if box is None:
        raise RuntimeError("the page has no large map")
    return dict(box)


def at(box: dict[str, Any], places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]


def lasso(page: Page, left: float) -> float:
    """Return the time from letting go of a lasso around a part of the large map until it is painted."""
    corners = at(large_map(page), [(left, 0.3), (left + 0.4, 0.3), (left + 0.4, 0.7), (left, 0.7)])
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=3)
    page.evaluate(WATCH, "pointerup")
    page.mouse.up()
    return float(page.evaluate("watched"))


def hover(page: Page, place: float) -> float:
    """Return the time from pointing at a sample until its card and rings are painted."""
    page.mouse.move(2, 2)
    page.evaluate(WATCH, "pointermove")
    page.mouse.move(*at(large_map(page), [(place, 0.5)])[0])
    return float(page.evaluate("watched"))


def as_markdown(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the table of all medians."""
    counts = list(found["this"])
    lines = [
        "# The page's speed",
        "",
        "Medians of one run of `python -m benchmarks.page` in Chromium, on two cores without a graphics card, by",
        "number of points. *Before*: the page of Strata before 2026-11-27, drawn by Bokeh, in the same run.",
        "",
        f"| | {' | '.join(f'{int(count):,} | before | wanted' for count in counts)} |",
        f"|---|{'---:|' * 3 * len(counts)}",
    ]
    for name, wanted in WANTED.items():
        cells = []
        for place, count in enumerate(counts):
            before = found.get("before", {}).get(count, {}).get(name, "–")
            goal = wanted[COUNTS.index(int(count))] if int(count) in COUNTS else wanted[place]
            cells += [
                f"{value:g}" if isinstance(value, int | float) else value
                for value in (found["this"][count][name], before, goal)
            ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
