// The card of one sample: beside the pointer, and in the panel for a sample that was searched or is the only selection.

const tooltip = document.getElementById("tooltip");
const details = document.getElementById("details");

function percent(value) {
  return Number.isFinite(value) ? `${Math.round(100 * value)}%` : "not measured";
}

function isWrong(run, row) {
  return Boolean(labels && run.predicted && run.predicted[row] !== labels[row]);
}

function commitText(commit) {
  return commit === UNKNOWN ? "not measured" : commitName(commit);
}

function trustText(layer, row) {
  const wrong = layer.false_neighbours[row], missing = layer.missing_neighbours[row];
  if (!Number.isFinite(wrong)) return "not measured";
  const word = wrong < 0.2 ? "good" : wrong < 0.5 ? "fair" : "low";
  return `${word} trust: ${percent(wrong)} false neighbours, ${percent(missing)} missing`;
}

function sampleCard(row, runIndex, layerIndex) {
  const run = runs[runIndex], layer = run.layers[layerIndex];
  const card = document.createElement("div"), canvas = pictureOf(row), list = document.createElement("dl");
  card.className = "sample";
  if (payload.sprite) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `image of sample ${ids[row]}`);
  }
  const entries = [
    ["sample", ids[row]],
    ...(labels ? [["label", classes[labels[row]]]] : []),
    ...runs.flatMap((each, r) => [
      ...(each.predicted ? [[
        runs.length > 1 ? `prediction ${"AB"[r]}` : "prediction",
        `${classes[each.predicted[row]]}${isWrong(each, row) ? " ✗" : ""}, ${percent(each.confidence[row])} sure`,
      ]] : []),
      ...(each.commit ? [[runs.length > 1 ? `commit layer ${"AB"[r]}` : "commit layer", commitText(each.commit[row])]] : []),
    ]),
    [`spot at ${layer.name}`, trustText(layer, row)],
  ];
  for (const [name, value] of entries) {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  }
  card.append(canvas, list);
  return card;
}

// The pointer moved over a map, or left it (event null).
function pointAt(view, event) {
  const row = event && view.nearest(event.x, event.y);
  if (row === null) {
    tooltip.hidden = true;
    if (state.focus && !state.focus.pinned) setFocus(pinned());
    return;
  }
  const layer = view.large ? shownLayer() : view.layerIndex;
  if (!state.focus || state.focus.row !== row || state.focus.layer !== layer || state.focus.pinned || tooltip.hidden) {
    tooltip.replaceChildren(sampleCard(row, view.runIndex, layer));
    tooltip.hidden = false;
    setFocus({ row, run: view.runIndex, layer });
  }
  const box = view.element.getBoundingClientRect();
  const left = box.left + event.sx, top = box.top + event.sy;
  const right = left + 18 + tooltip.offsetWidth > window.innerWidth;
  tooltip.style.left = `${Math.max(4, right ? left - 18 - tooltip.offsetWidth : left + 18)}px`;
  tooltip.style.top = `${Math.max(4, Math.min(top + 14, window.innerHeight - tooltip.offsetHeight - 6))}px`;
}

// The selected sample, if there is just one: it keeps its rings and its card.
function pinned() {
  const rows = selectedRows();
  return rows.length === 1 ? { row: rows[0], run: 0, layer: shownLayer(), pinned: true } : null;
}

function showPinned() {
  const focus = pinned();
  if (focus) details.replaceChildren(sampleCard(focus.row, focus.run, focus.layer));
  if (focus || state.focus?.pinned) setFocus(focus);
}

// The card beside the pointer disappears with its sample, or when the points move away from the pointer.
when("focus", () => {
  if (!state.focus || state.focus.pinned) tooltip.hidden = true;
});
when("depth", () => {
  if (!tooltip.hidden) {
    tooltip.hidden = true;
    setFocus(pinned());
  }
});

const hint = details.firstElementChild;
when("selection", () => {
  if (!pinned()) details.replaceChildren(hint);
  showPinned();
});
when("layer", showPinned);
