// What is currently shown and selected. Parts of the page change it through these functions and listen for changes.

const firstTarget = Object.keys(runs[0].targets ?? {})[0];
const state = {
  visible: new Uint8Array(count).fill(1),
  selected: new Uint8Array(count),
  focus: null, // { row, run, layer }: the sample pointed at
  depth: 0, // of the large map: 0 is the first layer, 0.5 half way to the second
  time: timeNames.length, // of the large map: 0 is the first time whose weights were kept, the last the trained network
  colour: known.labels ? "label" : firstTarget ? `target ${firstTarget}` : known.predictions ? "predicted" : known.trust ? "trust" : "plain",
  tool: "lasso",
  names: true, // class names on the large map
};
const listeners = {};

// The panels: each file of panels/ adds a function that draws it once the maps exist.
const panels = [], panelsBelow = [];

// A panel `below` the first screen is drawn once the maps can be used.
function addPanel(draw, below = false) {
  (below ? panelsBelow : panels).push(draw);
}

function when(change, listener) {
  (listeners[change] ??= []).push(listener);
}

function changed(change) {
  for (const listener of listeners[change] ?? []) listener();
}

function shownLayer() {
  return Math.round(state.depth);
}

// Select rows; hidden samples cannot be selected. Modes: replace, append, subtract.
function select(rows, mode = "replace") {
  if (mode === "replace") state.selected.fill(0);
  for (const row of rows) if (state.visible[row]) state.selected[row] = mode === "subtract" ? 0 : 1;
  Object.assign(rowsOfState, { selected: null, mask: null });
  changed("selection");
}

// The rows that are visible, those of them that are selected, and these as a mask; kept until either changes.
const rowsOfState = { visible: null, selected: null, mask: null };

function selectedMask() {
  if (!rowsOfState.mask) {
    rowsOfState.mask = new Uint8Array(count);
    for (const row of selectedRows()) rowsOfState.mask[row] = 1;
  }
  return rowsOfState.mask;
}

function selectedRows() {
  return (rowsOfState.selected ??= visibleRows().filter((row) => state.selected[row]));
}

function visibleRows() {
  if (!rowsOfState.visible) {
    rowsOfState.visible = [];
    for (let row = 0; row < count; row++) if (state.visible[row]) rowsOfState.visible.push(row);
  }
  return rowsOfState.visible;
}

function setVisible(visible) {
  state.visible = visible;
  Object.assign(rowsOfState, { visible: null, selected: null, mask: null });
  if (state.focus && !visible[state.focus.row]) setFocus(null);
  changed("visible");
  changed("selection");
}

function setFocus(focus) {
  state.focus = focus;
  changed("focus");
}

function setTime(time) {
  state.time = time;
  changed("depth");
}

function setDepth(depth) {
  const before = shownLayer();
  state.depth = depth;
  changed("depth");
  if (shownLayer() !== before) changed("layer");
}

function setColour(colour) {
  state.colour = colour;
  changed("colour");
}
