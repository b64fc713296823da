"""`counted`: what a person does on an open page, counted from the events that reach it, whatever sends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from playwright.sync_api import Page

# Listeners of the window see every event first. A press of the mouse whose pointer moves before it is let go is a drag,
# else a click; a move that no press follows is a hover; `scrolls` are turns of the wheel, and whatever scrolled, the
# page or a list in it; a text that comes at once has a key for each letter; `scripted` is what no person did: events
# that a script made, and calls of the page's interface.
COUNT = """() => {
  const counts = { clicks: 0, hovers: 0, drags: 0, keys: 0, scrolls: 0, scripted: 0 };
  const stop = new AbortController(), options = { capture: true, passive: true, signal: stop.signal };
  const on = (names, act) => {
    for (const name of names.split(" ")) {
      addEventListener(name, (event) => { event.isTrusted ? act(event) : counts.scripted++; }, options);
    }
  };
  let press = null, rests = false;
  const hovered = () => { if (rests) counts.hovers++; rests = false; };
  on("pointermove", ({ buttons, clientX, clientY }) => {
    if (!buttons) { hovered(); rests = true; }
    else if (press && Math.hypot(clientX - press.x, clientY - press.y) > 3) press.moved = true;
  });
  on("pointerdown", ({ clientX, clientY }) => { rests = false; press = { x: clientX, y: clientY, moved: false }; });
  on("pointerup pointercancel", () => { if (press) counts[press.moved ? "drags" : "clicks"]++; press = null; });
  let typed = false;
  on("keydown", () => { counts.keys++; typed = true; });
  on("keyup", () => { typed = false; });
  on("wheel scroll", () => { counts.scrolls++; });
  on("input", ({ target }) => {
    if (!typed && target.matches("input[type=text], textarea")) counts.keys += Math.max(1, target.value.length);
    typed = false;
  });
  on("click change", () => {});
  const own = { ...window.strata };
  for (const name of ["select"]) window.strata[name] = (...given) => { counts.scripted++; return own[name](...given); };
  window.countedSteps = () => {
    hovered();
    stop.abort();
    Object.assign(window.strata, own);
    return counts;
  };
}"""

# Which of the elements are seen: inside the window and all boxes that scroll or cut, and not under another element.
SEEN = """(elements) => elements.filter((each) => {
  const box = each.getBoundingClientRect();
  const drawn = each.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  if (!box.width || !box.height || !drawn) return false;
  let frame = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  for (let outer = each.parentElement; outer; outer = outer.parentElement) {
    if (getComputedStyle(outer).overflow === "visible") continue;
    const { left, top, right, bottom } = outer.getBoundingClientRect();
    frame = { left: Math.max(frame.left, left), top: Math.max(frame.top, top),
              right: Math.min(frame.right, right), bottom: Math.min(frame.bottom, bottom) };
  }
  const inside = box.left >= frame.left - 1 && box.top >= frame.top - 1
    && box.right <= frame.right + 1 && box.bottom <= frame.bottom + 1;
  const own = each.style.pointerEvents;
  each.style.pointerEvents = "auto"; // else what lies under it would be found
  const on = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  each.style.pointerEvents = own;
  return inside && on && (each.contains(on) || on.contains(each));
}).length"""


@dataclass
class Steps:
    """How many steps a person took; all are 0 until the count is over."""

    clicks: int = 0
    hovers: int = 0
    drags: int = 0
    keys: int = 0
    scrolls: int = 0
    scripted: int = 0

    def taken(self) -> dict[str, int]:
        """Return the kinds of steps that were taken, with their numbers."""
        return {each.name: number for each in fields(self) if (number := getattr(self, each.name))}


@contextmanager
def counted(page: Page) -> Iterator[Steps]:
    """Count the steps that are taken inside a `with`."""
    steps = Steps()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    page.evaluate(COUNT)
    yield steps
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
    )  # scrolls come with frames
    for name, number in page.evaluate("countedSteps()").items():
        setattr(steps, name, number)


def all_seen(page: Page, selector: str) -> bool:
    """Return whether there are such elements, and each is seen: in the window, uncut and uncovered."""
    elements = page.locator(selector)
    return 0 < elements.count() == elements.evaluate_all(SEEN)
