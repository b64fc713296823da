// The keyboard: arrows walk from sample to sample on the large map, Enter selects, Escape clears, j and k walk a list.

function isTyping(event) {
  return event.target.matches?.("input[type=text], select, textarea") || event.ctrlKey || event.metaKey || event.altKey;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (!control("advanced").hidden && control("advanced").contains(document.activeElement)) {
      showMore(false);
      control("more").focus();
      return;
    }
    leaveQueue();
    setFocus(null);
    select([]);
  } else if (!isTyping(event) && (event.key === "j" || event.key === "k")) {
    walkList(event.key === "j" ? 1 : -1);
  }
});

const STEPS_ON_MAP = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// The visible sample that lies nearest in a direction: what is aside counts twice.
function nextOnMap(view, row, [dx, dy]) {
  const { xs, ys } = view;
  let best = null, least = Infinity;
  for (const other of visibleRows()) {
    const x = xs[other] - xs[row], y = ys[other] - ys[row], ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead > 0 && ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
  }
  return best;
}

function walkMap(view, event) {
  const way = STEPS_ON_MAP[event.key], at = state.focus?.row ?? view.nearest(view.window.x, view.window.y, 1e9);
  if (event.key === "Enter" && at !== null) select([at], event.shiftKey ? "append" : "replace");
  if (!way || at === null) return;
  event.preventDefault();
  const row = state.focus ? nextOnMap(view, at, way) ?? at : at;
  setFocus({ row, run: view.runIndex, layer: shownLayer() });
  say(sampleText(row));
}

addPanel(() => {
  for (const view of views.filter((each) => each.large)) view.element.addEventListener("keydown", (event) => walkMap(view, event));
});
