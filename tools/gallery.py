"""Write docs/gallery/: the page of the project's run, without its figures; and docs/images/: pictures of it.

python -m tools.gallery
python -m tools.gallery --compare reports/compare.html
The second takes pictures of a page that `make compare` has written, and does nothing else.
"""

import argparse
import io
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from strata.artifacts.run import RunArtifacts
from strata.core.files import write_text
from strata.core.paths import Paths
from strata.report.figures.style import class_colour, strata_style
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.facts import facts
from strata.report.page.inputs import ReportInputs, load_report_inputs
from strata.report.page.payload import run_payload
from tools.chromium import launched

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIDE = 420  # pixels of a frame of the animation
FRAMES, REST = 8, 5  # between two layers, and at each layer
# Name of a picture -> the window's width and height, light or dark, and what the reader does before.
VIEWS = {
    "explorer": (1440, 900, "light", ["#findings [data-key=pair]"]),
    "explorer_mistakes": (1440, 900, "light", ["#queues [data-queue=labels]", "#thumbs .thumb"]),
    "explorer_dark": (1440, 900, "dark", ["#findings [data-key=dimension]"]),
    "explorer_wide": (1920, 1080, "dark", ["#findings [data-key=mistakes]"]),
    "explorer_wide_light": (1920, 1080, "light", ["#findings [data-key=map]"]),
    "explorer_phone": (390, 844, "light", []),
    "explorer_phone_dark": (390, 844, "dark", ["#findings [data-key=mistakes]"]),
    "explorer_try": (
        *(1440, 900, "light"),
        ["#findings [data-key=pair]", "#thumbs .thumb", "#load-network", "#pad-take", "nav [href='#try']"],
    ),
    "explorer_print": (794, 1123, "light", []),
}
# Of a page of several runs.
COMPARED = {
    "compare_runs": (1440, 1066, "light", []),
    "compare_maps": (1440, 800, "light", ["nav [href='#explore']", "#findings [data-key=broken]"]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCS, help="where gallery/ and images/ are written")
    parser.add_argument("--compare", type=Path, help="a page of several runs: take pictures of it, and nothing else")
    options = parser.parse_args()
    out = options.out
    if options.compare:
        with launched() as browser:
            take_pictures(browser, options.compare, out / "images", COMPARED)
        return
    root = Path()
    run = RunArtifacts(Paths.under(root), root / "params.yaml")
    inputs = load_report_inputs(run, None)
    labels = inputs.samples.label if inputs.samples.label is not None else np.zeros(len(inputs.samples), dtype=np.int16)
    page = out / "gallery/index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, gallery_page(inputs, run))
    with launched() as browser:
        take_pictures(browser, page, out / "images", VIEWS)
        write_morph(browser, page, out / "images", labels)


def take_pictures(
    browser: Browser, page: Path, folder: Path, views: Mapping[str, tuple[int, int, str, list[str]]]
) -> None:
    """Write a picture of a page for each of the views, which are as in VIEWS."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height, scheme, clicks) in views.items():
        take_picture(browser, page, folder / f"{name}.png", (width, height, scheme), clicks)


def gallery_page(inputs: ReportInputs, run: RunArtifacts) -> str:
    """Return the page of a run without figures."""
    rows = np.arange(len(inputs.samples.sample_id))
    data = run_payload(inputs, rows, facts(inputs, run, len(rows), {}), "")
    payload = page_payload(inputs.dataset.classes, inputs.samples.label, inputs.images, {"this run": data})
    return render_explorer(f"Strata: {inputs.dataset.name}, layer by layer", payload, [], None, [])


def opened(browser: Browser, path: Path, width: int, height: int, scheme: str) -> Page:
    """Open the page, and wait until all of it is drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.resolve().as_uri())
    until = time.monotonic() + 60
    while not page.evaluate("window.strata && strata.chartsReady"):
        if time.monotonic() > until:
            raise RuntimeError(f"{path} does not get ready")
        time.sleep(0.1)
    page.wait_for_timeout(300)
    return page


def take_picture(browser: Browser, path: Path, out: Path, window: tuple[int, int, str], clicks: list[str]) -> None:
    page = opened(browser, path, *window)
    if out.stem.endswith("print"):
        page.emulate_media(media="print")
        page.wait_for_timeout(300)  # until the maps have paper's size
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_timeout(300)
    for selector in clicks:
        page.wait_for_selector(selector, state="attached")  # what an earlier click makes may take a while
        page.evaluate("(selector) => document.querySelector(selector).click()", selector)
        page.wait_for_timeout(400)
    page.screenshot(path=out)
    page.close()


def write_morph(browser: Browser, path: Path, folder: Path, labels: NDArray[np.integer]) -> None:
    """Write the way through all maps as an animation, and one step of it beside straight lines as a figure."""
    page = opened(browser, path, 1100, 900, "light")
    code = """() => [0, 1].map((share) => { const { x, y } = strata.between(2, 3, share); return [[...x], [...y]]; })"""
    ends = np.array(page.evaluate(code))
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    code = """(share) => { const { x, y } = strata.between(2, 3, share); return [[...x], [...y]]; }"""
    ours = [np.array(page.evaluate(code, share)) for share in shares]
    straight = [(1 - share) * ends[0] + share * ends[1] for share in shares]
    names = page.evaluate("[...document.querySelectorAll('.small strong')].map((each) => each.textContent)")
    figure = draw_morph(straight, ours, shares, labels, f"{names[2]} to {names[3]}")
    figure.savefig(folder / "morph.png", dpi=110)

    last = len(names) - 1
    steps = np.arange(1, FRAMES) / FRAMES
    depths = [depth for layer in range(last) for depth in (*[layer] * REST, *(layer + steps))] + [last] * 2 * REST
    frames = [frame(page, float(depth)) for depth in depths]
    first, *others = (each.quantize(48) for each in frames)
    first.save(folder / "morph.gif", save_all=True, append_images=others, duration=90, loop=0, optimize=True)
    page.close()


def frame(page: Page, depth: float) -> Image.Image:
    """Return the large map at a depth, with its caption."""
    code = """(depth) => {
      const slider = document.getElementById("depth");
      slider.value = depth;
      slider.dispatchEvent(new Event("input"));
      return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    }"""
    page.evaluate(code, depth)
    picture = Image.open(io.BytesIO(page.locator("#large-0").screenshot())).convert("RGB")
    return picture.resize((SIDE, round(SIDE * picture.height / picture.width)), Image.Resampling.LANCZOS)


def draw_morph(
    straight: list[NDArray[np.float64]],
    ours: list[NDArray[np.float64]],
    shares: tuple[float, ...],
    labels: NDArray[np.integer],
    step: str,
) -> Figure:
    """Return frames of a step between two maps, points (2, n): on straight lines above, as on the page below."""
    colours = [class_colour(int(label)) for label in labels]
    with strata_style():
        figure = Figure(figsize=(12, 5.6), layout="constrained")
        grid = figure.add_gridspec(2, 1)
        parts = [figure.add_subfigure(grid[row, 0]) for row in (0, 1)]
        low, high = (end(np.hstack([*straight, *ours]), axis=1) for end in (np.min, np.max))
        for part, name, places in ((parts[0], "straight lines", straight), (parts[1], "each class as a whole", ours)):
            part.suptitle(f"{step}, {name}", fontsize=12, fontweight="bold", x=0.01, ha="left")
            for axis, share, (x, y) in zip(part.subplots(1, len(shares)), shares, places, strict=True):
                axis.scatter(x, y, s=4, c=colours, linewidths=0)
                axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
                axis.set_axis_off()
                axis.set_title(f"{share:.0%}", fontsize=10)
    return figure


if __name__ == "__main__":
    main()
