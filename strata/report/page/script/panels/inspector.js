// The inspector: one sample, or thumbnails of a queue, of the selection, or else of what the filters show.

const MOST_THUMBS = 240; // more at once would be slow; the rest is counted
const thumbs = document.getElementById("thumbs");
const details = document.getElementById("details");
let listed = []; // the rows that are listed, in order, for j and k

const ORDERS = {
  class: { needs: "labels", value: (row) => labels[row] },
  id: { needs: "ids", value: (row) => ids[row] },
  confidence: { needs: "predictions", value: (row) => runs[0].confidence[row] },
  commits: { needs: "decisions", value: (row) => (runs[0].commit[row] === UNKNOWN ? -1 : -runs[0].commit[row]) },
};
const orderChoice = document.getElementById("order");

// What is listed: its title, its rows, and why each row is there.
function listNow() {
  if (queue) return { title: QUEUES[queue].title, rows: queueRows(queue).slice(0, LONGEST), ...reasons(queue) };
  const rows = selectedRows().length > 1 ? selectedRows() : visibleRows();
  const { value } = ORDERS[orderChoice.value], grouped = orderChoice.value === "class";
  const title = selectedRows().length > 1 ? "selected" : rows.length < count ? "left by the filters" : "all samples";
  if (grouped) return { title, rows: [...groupsOf(rows).values()].flat(), grouped };
  return { title, rows: orderChoice.value === "id" ? rows : [...rows].sort((a, b) => value(a) - value(b) || a - b) };
}

function reasons(name) {
  return Object.fromEntries(["why", "short"].map((each) => [each, (row) => QUEUES[name][each](runs.at(-1), row)]));
}

function drawInspector() {
  const one = selectedRows().length === 1 ? selectedRows()[0] : null, list = listNow();
  const fromList = one === null || queue || listed.includes(one);
  document.getElementById("inspector-title").textContent = one !== null && !queue ? `Sample ${ids[one]}` : capital(list.title);
  document.getElementById("inspector-count").textContent = one !== null && !queue ? "" : list.rows.length.toLocaleString("en");
  document.getElementById("inspector").classList.toggle("one", one !== null);
  orderChoice.hidden = Boolean(queue) || one !== null;
  for (const id of ["copy", "download"]) document.getElementById(id).disabled = !selectedRows().length;
  if (one === null || queue) {
    listed = list.rows;
    drawThumbs(list);
  } else if (!fromList) {
    listed = [];
    thumbs.replaceChildren();
  }
  thumbs.hidden = !listed.length;
  for (const button of thumbs.querySelectorAll(".thumb")) {
    const here = Number(button.dataset.row) === one;
    button.setAttribute("aria-pressed", String(here));
    if (here && one !== null) thumbs.scrollTo({ top: button.offsetTop - thumbs.offsetTop - 6, left: 0 });
  }
  details.hidden = one === null;
  details.replaceChildren(...(one === null ? [] : [...(queue ? [chartNote(capital(QUEUES[queue].why(runs.at(-1), one)))] : []), ...sampleView(one)]));
  document.getElementById("thumbs-note").textContent = one === null && list.rows.length > MOST_THUMBS
    ? list.grouped ? "The first of each class; drag around a cluster on the map to see what it has." : `The first ${MOST_THUMBS} of ${list.rows.length.toLocaleString("en")}.` : "";
  drawHolds();
  drawQueueButtons();
}

// How many of the selection are of each class, the most frequent first: all of it is seen, however long the list is.
const MOST_HELD = 12;

function drawHolds() {
  const place = document.getElementById("holds"), rows = selectedRows();
  place.hidden = !known.labels || queue !== null || rows.length < 2;
  if (place.hidden) return place.replaceChildren();
  const held = [...groupsOf(rows)].sort(([, one], [, other]) => other.length - one.length);
  place.replaceChildren(...held.slice(0, MOST_HELD).map(([label, members]) => {
    const part = document.createElement("span"), name = document.createElement("strong");
    name.textContent = classes[label];
    part.append(swatchOf(label), " ", name, ` ${members.length.toLocaleString("en")}`);
    return part;
  }), ...(held.length > MOST_HELD ? [`and ${held.length - MOST_HELD} more classes`] : []));
}

function swatchOf(label) {
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = payload.class_colours[label];
  return swatch;
}

function drawThumbs({ rows, why, short, grouped }) {
  if (!grouped) {
    thumbs.replaceChildren(...rows.slice(0, MOST_THUMBS).map((row) => thumbnail(row, why?.(row), short?.(row))));
    return;
  }
  const byClass = groupsOf(rows);
  const share = MOST_THUMBS / Math.max(1, rows.length);
  thumbs.replaceChildren(...[...byClass].flatMap(([label, members]) => {
    const head = document.createElement("h3"), number = document.createElement("span");
    number.className = "hint";
    number.textContent = members.length.toLocaleString("en");
    head.append(swatchOf(label), ` ${classes[label]} `, number);
    const group = document.createElement("div");
    group.className = "group";
    group.append(...members.slice(0, share < 1 ? Math.max(8, Math.floor(members.length * share)) : members.length).map((row) => thumbnail(row)));
    return [head, group];
  }));
}

// The rows of each class that has some, in the order of classes.
function groupsOf(rows) {
  const groups = classes.map(() => []);
  for (const row of rows) groups[labels[row]].push(row);
  return new Map(groups.map((members, label) => [label, members]).filter(([, members]) => members.length));
}

function walkList(step) {
  if (!listed.length) return;
  const at = listed.indexOf(selectedRows()[0] ?? -1);
  const next = selectedRows().length === 1 && at >= 0 ? at + step : step > 0 ? 0 : listed.length - 1;
  if (next >= 0 && next < listed.length) select([listed[next]]);
}

// A click on a thumbnail, anywhere on the page, chooses its sample; Shift adds it.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".thumb");
  if (button) select([Number(button.dataset.row)], event.shiftKey ? "append" : "replace");
});
thumbs.addEventListener("pointerover", (event) => {
  const button = event.target.closest(".thumb");
  if (button) setFocus({ row: Number(button.dataset.row), run: 0, layer: shownLayer() });
});
thumbs.addEventListener("pointerleave", () => setFocus(pinned()));

for (const option of [...orderChoice.options]) if (!known[ORDERS[option.value].needs]) option.remove();
orderChoice.addEventListener("change", drawInspector);

// Drawn after the maps, which should respond at once.
let inspectorWaits = false;
function drawInspectorSoon() {
  if (inspectorWaits) return;
  inspectorWaits = true;
  requestAnimationFrame(() => setTimeout(() => {
    inspectorWaits = false;
    drawInspector();
  }));
}
when("selection", drawInspectorSoon);
when("layer", () => { if (selectedRows().length === 1 || queue) drawInspectorSoon(); });
addPanel(drawInspector);
