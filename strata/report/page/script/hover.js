// The card of one sample: beside the pointer, and in the inspector for a sample that was searched or is the only selection.

const tooltip = document.getElementById("tooltip");

function percent(value) {
  return Number.isFinite(value) ? `${Math.round(100 * value)}%` : "not measured";
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

// Names and texts of what is known of a sample at a layer.
function sampleEntries(row, runIndex, layerIndex) {
  const layer = runs[runIndex].layers[layerIndex], several = runs.length > 1;
  const entries = [["sample", ids[row]]];
  if (known.labels) entries.push(["label", classes[labels[row]]]);
  runs.forEach((each, r) => {
    const side = several ? ` ${"AB"[r]}` : "";
    if (known.predictions) {
      entries.push([`prediction${side}`, `${className(each.predicted[row])}${isWrong(each, row) ? " ✗" : ""}, ${percent(each.confidence[row])} sure`]);
    }
    if (known.decisions) entries.push([`commit layer${side}`, commitText(each.commit[row])]);
  });
  if (known.trust) entries.push([`spot at ${layer.name}`, trustText(layer, row)]);
  return entries;
}

function sampleCard(row, runIndex, layerIndex) {
  const card = document.createElement("div"), list = document.createElement("dl");
  card.className = "sample";
  for (const [name, value] of sampleEntries(row, runIndex, layerIndex)) {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  }
  card.append(imageOf(row, `image of sample ${ids[row]}`), list);
  return card;
}

// The pointer moved over a map, or left it (place null).
function pointAt(view, place) {
  const row = place && view.nearest(place.x, place.y);
  if (row === null) {
    if (tooltip.hidden) return;
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
  const left = box.left + place.sx, top = box.top + place.sy;
  const right = left + 18 + tooltip.offsetWidth > window.innerWidth;
  tooltip.style.left = `${Math.max(4, right ? left - 18 - tooltip.offsetWidth : left + 18)}px`;
  tooltip.style.top = `${Math.max(4, Math.min(top + 14, window.innerHeight - tooltip.offsetHeight - 6))}px`;
}

// On a phone the card of the sample that was tapped lies at the lower end of the screen.
function showCardBelow(row, runIndex) {
  tooltip.replaceChildren(sampleCard(row, runIndex, shownLayer()));
  tooltip.hidden = false;
  tooltip.style.left = "8px";
  tooltip.style.top = `${window.innerHeight - tooltip.offsetHeight - 8}px`;
}

// The selected sample, if there is just one: it keeps its rings, its trail and its card.
function pinned() {
  const rows = selectedRows();
  return rows.length === 1 ? { row: rows[0], run: 0, layer: shownLayer(), pinned: true } : null;
}

function pinSelected() {
  const focus = pinned();
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
when("selection", pinSelected);
when("layer", pinSelected);
