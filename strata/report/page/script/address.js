// The view in the page's address, so that it can be sent, and the way back to earlier views.

const MAX_IN_ADDRESS = 400; // selected samples; more would make an address that programs cut
const past = [], future = [];

function viewNow() {
  const parts = { layer: layerNames[shownLayer()], colour: state.colour };
  const hidden = classBoxes.filter((box) => !box.checked).map((box) => box.value);
  const only = ["wrong", "late", "doubtful"].filter((name) => control(`only-${name}`)?.checked);
  if (hidden.length) parts.hide = hidden.join(".");
  if (only.length) parts.only = only.join(".");
  for (const name of Object.keys(ranges)) parts[`in-${name}`] = brushOf(name).join("~");
  const rows = selectedRows();
  if (rows.length) parts.sel = Array.from(rows, (row) => ids[row]).join(".");
  if (queue) parts.queue = queue;
  if (state.time < timeNames.length) parts.time = state.time;
  const map = views.find((view) => view.large);
  if (map.touched) parts.window = ["x", "y", "half"].map((name) => Number(map.window[name].toPrecision(6))).join("~");
  return new URLSearchParams(parts).toString();
}

function showView(text) {
  const parts = new URLSearchParams(text), hidden = (parts.get("hide") ?? "").split("."), only = (parts.get("only") ?? "").split(".");
  for (const box of classBoxes) box.checked = !hidden.includes(box.value);
  for (const name of ["wrong", "late", "doubtful"]) if (control(`only-${name}`)) control(`only-${name}`).checked = only.includes(name);
  for (const name of Object.keys(HISTOGRAMS)) setBrush(name, ...(parts.get(`in-${name}`) ?? "").split("~").map(Number));
  changed("ranges");
  if (COLOURS[parts.get("colour")] && known[COLOURS[parts.get("colour")].needs]) chooseColour(parts.get("colour"));
  const layer = layerNames.indexOf(parts.get("layer"));
  if (layer >= 0) moveTo(layer);
  if (timeSlider) showTime(numberFrom(parts.get("time"), timeNames.length));
  showWindow((parts.get("window") ?? "").split("~").map(Number));
  queue = hasQueue(parts.get("queue")) ? parts.get("queue") : null;
  applyFilters();
  select((parts.get("sel") ?? "").split(".").map((id) => rowOfId.get(Number(id))).filter((row) => row !== undefined));
}

// A number of an address, from 0 to below a greatest one; that one for all else.
function numberFrom(text, greatest) {
  return text !== null && Number(text) >= 0 && Number(text) < greatest ? Number(text) : greatest;
}

// The part of the large maps that was zoomed to; all of them without one.
function showWindow([x, y, half]) {
  for (const view of views.filter((each) => each.large)) {
    view.window = half > 0 && [x, y, half].every(Number.isFinite) ? { x, y, half } : { ...view.square };
    scheduleDraw(view);
  }
}

let rememberSoon = 0;

function remember() {
  clearTimeout(rememberSoon);
  rememberSoon = setTimeout(() => {
    const now = viewNow();
    if (now === past.at(-1)) return;
    past.push(now);
    future.length = 0;
    if (past.length > 100) past.shift();
    tellAddress(now);
  }, 400);
}

function tellAddress(now) {
  const short = selectedRows().length > MAX_IN_ADDRESS ? now.replace(/&?sel=[^&]*/, "") : now;
  history.replaceState(null, "", `#${short}`);
  control("back").disabled = past.length < 2;
  control("forward").disabled = !future.length;
}

function goBack() {
  if (past.length < 2) return;
  future.push(past.pop());
  showView(past.at(-1));
  tellAddress(past.at(-1));
}

function goForward() {
  if (!future.length) return;
  past.push(future.pop());
  showView(past.at(-1));
  tellAddress(past.at(-1));
}

control("back").addEventListener("click", goBack);
control("forward").addEventListener("click", goForward);
control("link").addEventListener("click", async () => {
  tellAddress(viewNow());
  say((await copied(location.href)) ? "the address of this view is copied" : "the browser refused to copy");
});
// The view that the address names; called once all panels are there.
function openAddress() {
  if (location.hash.includes("layer=")) showView(location.hash.slice(1));
  past.push(viewNow());
  for (const change of ["selection", "visible", "colour", "layer", "depth", "window"]) when(change, remember);
}
