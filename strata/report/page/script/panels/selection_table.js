// The selected samples as a table that can be sorted, copied and saved.

const MAX_ROWS = 300; // more would be slow to draw; the others are counted, and are in the CSV
const tableHead = document.querySelector("#selection thead");
const tableBody = document.querySelector("#selection tbody");
const sorting = { column: "id", ascending: true };

const COLUMNS = {
  image: null,
  id: (row) => ids[row],
  ...(known.labels ? { label: (row) => labels[row] } : {}),
  ...Object.fromEntries(runs.flatMap((run, r) => {
    const suffix = runs.length > 1 ? ` ${"AB"[r]}` : "";
    return [
      ...(known.predictions ? [[`prediction${suffix}`, (row) => run.predicted[row]], [`confidence${suffix}`, (row) => run.confidence[row]]] : []),
      ...(known.decisions ? [[`commits${suffix}`, (row) => (run.commit[row] === UNKNOWN ? layerNames.length + 1 : run.commit[row])]] : []),
    ];
  })),
};

function cellText(column, row) {
  const run = runs[column.endsWith(" B") ? 1 : 0];
  if (column === "id") return String(ids[row]);
  if (column === "label") return classes[labels[row]];
  if (column.startsWith("prediction")) return className(run.predicted[row]);
  if (column.startsWith("confidence")) return percent(run.confidence[row]);
  return commitText(run.commit[row]);
}

function sortedSelection() {
  const value = COLUMNS[sorting.column], sign = sorting.ascending ? 1 : -1;
  return [...selectedRows()].sort((a, b) => sign * (value(a) - value(b)) || a - b);
}

function drawHead() {
  const line = document.createElement("tr");
  for (const name of Object.keys(COLUMNS)) {
    const cell = document.createElement("th");
    cell.scope = "col";
    if (COLUMNS[name]) {
      const button = document.createElement("button");
      button.type = "button";
      const arrow = sorting.column === name ? (sorting.ascending ? " ▲" : " ▼") : "";
      button.textContent = name + arrow;
      button.addEventListener("click", () => {
        sorting.ascending = sorting.column === name ? !sorting.ascending : true;
        sorting.column = name;
        drawTable();
        [...tableHead.querySelectorAll("button")].find((each) => each.textContent.startsWith(name)).focus();
      });
      cell.ariaSort = arrow ? (sorting.ascending ? "ascending" : "descending") : "none";
      cell.append(button);
    } else {
      cell.textContent = name;
    }
    line.append(cell);
  }
  tableHead.replaceChildren(line);
}

function drawTable() {
  drawHead();
  const rows = sortedSelection();
  const lines = rows.slice(0, MAX_ROWS).map((row) => {
    const line = document.createElement("tr");
    line.classList.toggle("wrong", runs.some((run) => isWrong(run, row)));
    for (const name of Object.keys(COLUMNS)) {
      const cell = document.createElement("td");
      if (COLUMNS[name]) {
        cell.textContent = cellText(name, row);
      } else {
        cell.append(imageOf(row));
      }
      line.append(cell);
    }
    return line;
  });
  if (rows.length > MAX_ROWS) {
    const line = document.createElement("tr"), cell = document.createElement("td");
    cell.colSpan = Object.keys(COLUMNS).length;
    cell.textContent = `… and ${(rows.length - MAX_ROWS).toLocaleString("en")} more`;
    line.append(cell);
    lines.push(line);
  }
  tableBody.replaceChildren(...lines);
  document.getElementById("selection").hidden = !rows.length;
  document.getElementById("copied").textContent = "";
}

// An apostrophe stands before what a spreadsheet would take for a formula, as in the tables that Strata writes.
function quoted(cell) {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell);
  const text = /^'*[=+\-@\t\r\n＝＋－＠]/.test(cell) && !isNumber ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function selectionAsCsv() {
  const names = Object.keys(COLUMNS).filter((name) => COLUMNS[name]);
  const lines = sortedSelection().map((row) => names.map((name) => quoted(
    name.startsWith("confidence") ? COLUMNS[name](row).toPrecision(6) : cellText(name, row))).join(","));
  return [names.map((name) => name.replace(" ", "_")).join(","), ...lines].join("\n") + "\n";
}

// Copy a text; a page opened from disk may not have permission, and then uses a field and the older command.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

document.getElementById("copy").addEventListener("click", async () => {
  const done = await copied(sortedSelection().map((row) => ids[row]).join(" "));
  document.getElementById("copied").textContent = done ? "copied" : "the browser refused to copy";
});

document.getElementById("download").addEventListener("click", () => save(selectionAsCsv(), "samples.csv", "text/csv"));

// Drawn after the maps, which should respond at once.
let tableWaits = 0;
when("selection", () => {
  clearTimeout(tableWaits);
  tableWaits = setTimeout(drawTable, 60);
});
