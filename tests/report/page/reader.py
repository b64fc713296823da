"""`Explorer`: what a reader does on an open page, and what is then seen there."""

import base64
import io
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from tests.report.page.synthetic import COLOURS, LAYERS, Run

P, T = ParamSpec("P"), TypeVar("T")

WINDOW = {"width": 1440, "height": 900}
RESET = """() => {
  const get = (id) => document.getElementById(id);
  const set = (id, value, ...kinds) => {
    get(id).value = value;
    for (const kind of kinds) get(id).dispatchEvent(new Event(kind));
  };
  if (get("play").getAttribute("aria-pressed") === "true") get("play").click();
  for (const box of document.querySelectorAll("[id^=only-]:checked")) box.click();
  if (document.querySelector("#classes input:not(:checked)")) get("all-classes").click();
  document.querySelector("input[name=tool][value=lasso]").click();
  if (get("show-names").checked) get("show-names").click();  // they would hide points
  document.querySelector("#queues [aria-pressed=true]")?.click();
  get("reset-view").click();
  if (get("colour").value !== "label") set("colour", "label", "change");
  if (get("depth").value !== "0") set("depth", 0, "input", "change");
  if (get("pair-depth").value !== "0") set("pair-depth", 0, "input");
  set("search", "");
  if (strata.selectedIds().length) strata.select([]);
  const heads = () => [...document.querySelectorAll("#selection th button")];
  const byId = () => heads().find((each) => each.textContent.startsWith("id"));
  while (byId().textContent !== "id ▲") byId().click();
  if (get("more").getAttribute("aria-expanded") === "true") get("more").click();
  get("reset-filters").click();
  for (const each of document.querySelectorAll("details")) each.open = each.id === "matrix";
  if (document.documentElement.dataset.theme === "dark") get("theme").click();
  scrollTo(0, 0);
}"""


# Counts what a page has put off: by up to 20 ms, drawing mostly, or by longer, as the table and the address. Runs
# before the page's own scripts.
COUNT_DELAYS = """(() => {
  const open = new Set(), slow = new Set();
  const [frame, noFrame, later, noLater] = [requestAnimationFrame, cancelAnimationFrame, setTimeout, clearTimeout];
  const over = (name) => { open.delete(name); slow.delete(name); };
  const watched = (name, work) => (...given) => { try { return work(...given); } finally { over(name()); } };
  window.requestAnimationFrame = (work) => {
    const id = frame(watched(() => `frame ${id}`, work));
    open.add(`frame ${id}`);
    return id;
  };
  window.setTimeout = (work, wait = 0, ...given) => {
    const id = later(watched(() => `timer ${id}`, work), wait, ...given);
    (wait <= 20 ? open : slow).add(`timer ${id}`);
    return id;
  };
  window.cancelAnimationFrame = (id) => { open.delete(`frame ${id}`); noFrame(id); };
  window.clearTimeout = (id) => { over(`timer ${id}`); noLater(id); };
  window.nothingIsPutOff = () => !open.size && !slow.size;
  window.delaysAreOver = (limit) => new Promise((done) => {
    const until = performance.now() + limit;
    const look = () => {
      const over = !open.size || document.getElementById("play")?.getAttribute("aria-pressed") === "true";
      if (over || performance.now() > until) done(over);
      else later(look, 4);
    };
    frame(() => later(look));
  });
})()"""


ADDRESS_HAS_THE_VIEW = "nothingIsPutOff()"


def wait_for(page: Page, code: str, arg: object = None, seconds: float = 10) -> None:
    """Wait until an expression, or a function of `arg`, is true: the page's policy forbids Playwright's own wait."""
    until = time.monotonic() + seconds
    while not page.evaluate(code, arg):
        assert time.monotonic() < until, code
        page.wait_for_timeout(10)


class Explorer:
    """An open page with its runs. A map is named by its run and layer, None for the large one."""

    def __init__(self, page: Page, runs: Sequence[Run], problems: list[str]) -> None:
        self.page, self.runs, self.problems = page, runs, problems
        self.run = runs[0]
        self.ids = [int(sample) for sample in self.run.ids]
        self._emulates = False
        for owner, names in (
            (page, ("click", "check", "uncheck", "fill", "press", "select_option")),
            (page.mouse, ("click", "up")),
            (page.keyboard, ("press",)),
        ):
            for name in names:
                setattr(owner, name, self._settled(getattr(owner, name)))
        self.theme_at_start = page.get_attribute("html", "data-theme")
        self.maps = [(run, layer) for run in range(len(runs)) for layer in (None, *range(len(LAYERS)))]

    def reset(self) -> None:
        self.page.mouse.click(2, 2)  # outside everything: tabbing starts over
        if self.page.viewport_size != WINDOW:
            self.page.set_viewport_size(WINDOW)
        if self._emulates:
            self.emulate(media="screen", reduced_motion="no-preference")
            self._emulates = False
        self.page.evaluate(RESET)
        self.settle()

    def _settled(self, act: Callable[P, T]) -> Callable[P, T]:
        """Return an action after which the page has drawn what it draws soon; else what is read depends on the load."""

        def act_and_settle(*args: P.args, **kwargs: P.kwargs) -> T:
            result = act(*args, **kwargs)
            self.settle()
            return result

        return act_and_settle

    def emulate(self, **media: str) -> None:
        """Pretend another medium or another wish of the reader."""
        self.page.emulate_media(**media)
        self._emulates = True

    def settle(self) -> None:
        """Wait until all is drawn that the page draws soon; while it plays, for one frame."""
        assert self.page.evaluate("delaysAreOver(10_000)"), "the page does not come to rest"

    def wait_for_address(self) -> None:
        """Wait until the address has the view, which it gets a little later than the maps."""
        wait_for(self.page, ADDRESS_HAS_THE_VIEW)

    def wait_for_table(self) -> None:
        """Wait until the table holds the selection; it is drawn a little later than the maps."""
        self.page.wait_for_timeout(80)
        code = """() => {
          const cells = [...document.querySelectorAll("#selection tbody td:nth-child(2)")];
          const told = cells.map((cell) => Number(cell.textContent));
          return told.toSorted().join() === strata.selectedIds().toSorted().join();
        }"""
        wait_for(self.page, code)

    def selected(self) -> list[int]:
        return self.page.evaluate("strata.selectedIds()")

    def visible(self) -> list[int]:
        return self.page.evaluate("strata.visibleIds()")

    def select(self, ids: Sequence[int]) -> None:
        self.page.evaluate("(ids) => strata.select(ids)", [int(sample) for sample in ids])
        self.settle()

    def status(self) -> str:
        return self.page.inner_text("#status")

    def click(self, *selectors: str) -> None:
        """Click one after the other without the waits of Playwright's own clicks."""
        self.page.evaluate("(all) => all.forEach((each) => document.querySelector(each).click())", selectors)
        self.settle()

    def set_slider(self, value: float, name: str = "depth") -> None:
        code = """(slider, value) => {
          slider.value = value;
          for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind));
        }"""
        self.page.eval_on_selector(f"#{name}", code, str(value))
        self.settle()

    def plot(self, run: int, layer: int | None) -> str:
        return f"#large-{run} .plot" if layer is None else f"#map-{run}-{layer} .plot"

    def box(self, run: int, layer: int | None, scroll: bool = True) -> dict[str, float]:
        """Return where the inside of a map is in the window, into which it is scrolled."""
        code = """(plot, scroll) => {
          if (scroll) plot.scrollIntoView({ block: "nearest" });
          const box = plot.getBoundingClientRect();
          const [x, y] = [box.x + plot.clientLeft, box.y + plot.clientTop];
          return { x, y, width: box.width - 2 * plot.clientLeft };
        }"""
        return self.page.eval_on_selector(self.plot(run, layer), code, scroll)

    def inside_map(self, run: int, layer: int | None, shown: int = 0) -> np.ndarray:
        """Return the places (n, 2) of all samples in a map, in its pixels; `shown` is the large map's layer.

        The square around all points, with a margin of 6% of its side, fills the map.
        """
        points = self.runs[run].places[shown if layer is None else layer].astype(float)
        low, high = points.min(axis=0), points.max(axis=0)
        half = 0.53 * (high - low).max()
        share = (points - (low + high) / 2 + half) / (2 * half)
        return np.column_stack([share[:, 0], 1 - share[:, 1]]) * self.box(run, layer, scroll=False)["width"]

    def in_window(self, run: int, layer: int | None, shown: int = 0) -> np.ndarray:
        box = self.box(run, layer)
        return self.inside_map(run, layer, shown) + np.array([box["x"], box["y"]])

    def drag(self, corners: Sequence[Sequence[float]], *keys: str) -> None:
        """Draw a shape in the window with the mouse, keys held down."""
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=2)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)
        self.page.mouse.move(2, 2)
        self.settle()

    def pixels(self, selector: str) -> np.ndarray:
        """Return the red, green, blue and alpha (H, W, 4) of a canvas."""
        address = self.page.eval_on_selector(selector, "(canvas) => canvas.toDataURL()")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA"))

    def overlay_at(self, run: int, layer: int | None, places: np.ndarray, canvas: str = "overlay") -> np.ndarray:
        """Return the pixels at places (..., 2) of a map's overlay, or of its marks, which follow the pointer."""
        picture = self.pixels(f"{self.plot(run, layer)} > canvas.{canvas}")
        x, y = np.moveaxis(np.clip(np.floor(places).astype(int), 0, len(picture) - 1), -1, 0)
        return picture[y, x]

    def apart(self, run: int, layer: int | None) -> np.ndarray:
        """Return which samples (n,) of a map no other sample's disc can cover; in a small map they are few."""
        places = self.inside_map(run, layer)
        gaps = np.linalg.norm(places[:, None] - places, axis=-1) + np.diag(np.full(len(places), np.inf))
        found = gaps.min(axis=1) > (9 if layer is None else 4.5)
        assert found.sum() > 3
        return found

    def assert_drawn(self, layer: int | None, colours: Sequence[str | None]) -> None:
        """A map of the first run has at each sample's place its colour, on paper; None where there is no sample."""
        places = self.in_window(0, layer)
        picture = np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")).astype(int)
        found = np.array([picture[int(y), int(x)] for x, y in places])
        pure = np.array([list(bytes.fromhex((colour or "#ffffff")[1:])) for colour in colours])
        apart = self.apart(0, layer)
        np.testing.assert_allclose(found[apart], (0.85 * pure + 0.15 * 255)[apart], atol=3)

    def assert_overlays_show(self, ids: Sequence[int], colours: Sequence[str] = COLOURS) -> None:
        """Every map shows the chosen samples in their label's colour, and all others under the veil."""
        chosen = np.isin(self.run.ids, ids)
        wanted = np.array([[*bytes.fromhex(colours[label][1:]), 255] for label in self.run.labels])
        for run, layer in self.maps:
            found, apart = self.overlay_at(run, layer, self.inside_map(run, layer)), self.apart(run, layer)
            np.testing.assert_array_equal(found[chosen & apart], wanted[chosen & apart])
            assert set(found[~chosen & apart, 3].tolist()) <= {199}
