// Measures by depth with their controls, likeness of layers, and the learning curves.

const chartDocument = new Bokeh.Document();
const charts = []; // { figure, element }
const DASHES = { "-": "solid", "--": "dashed", ":": "dotted", "-.": "dotdash" };
// Title, axis, upper end of the axis, measures. Several measures are told apart by dashes; one is shown with its controls.
const BY_DEPTH = [
  ["Neighbourhood hit", "share of neighbours with the label", 1, ["neighbourhood_hit"]],
  ["kNN accuracy", "accuracy on held-out images", 1, ["knn_accuracy"]],
  ["Linear probe", "accuracy on held-out images", 1, ["probe_accuracy"]],
  ["Intrinsic dimension (TwoNN)", "dimension", null, ["intrinsic_dimension"]],
  ["Participation ratio", "effective number of directions", null, ["participation_ratio"]],
  ["Overlap with the next layer", "share of neighbours kept", 1, ["overlap_with_next"]],
  ["Zero activations", "share of activations", 1, ["zero_share"]],
  ["The map against its layer", "share, or score", 1, ["map_trustworthiness", "map_continuity", "map_hit", "map_recall"]],
];

function chart(place, title, xLabel, yLabel, options = {}) {
  const card = document.createElement("div"), heading = document.createElement("h3"), element = document.createElement("div");
  card.className = "chart";
  heading.textContent = title;
  element.className = "area";
  element.setAttribute("role", "img");
  card.append(heading, element);
  document.getElementById(place).append(card);
  const figure = new Bokeh.Plotting.figure({
    tools: [], toolbar_location: null, sizing_mode: "stretch_both", background_fill_color: null, border_fill_color: null,
    outline_line_color: null, x_axis_label: xLabel, y_axis_label: yLabel, ...options,
  });
  chartDocument.add_root(figure);
  charts.push({ figure, element });
  return { figure, element };
}

function line(figure, x, series) {
  const { values, low, high, colour, dash } = series;
  const known = values.map((value, i) => i).filter((i) => Number.isFinite(values[i] ?? NaN));
  const pick = (array) => known.map((i) => array[i]);
  if (low && known.some((i) => Number.isFinite(low[i] ?? NaN))) {
    figure.varea({ x: pick(x), y1: pick(low), y2: pick(high), fill_color: colour, fill_alpha: 0.2 });
  }
  figure.line({ x: pick(x), y: pick(values), line_color: colour, line_width: 2, line_dash: dash });
  figure.scatter({ x: pick(x), y: pick(values), size: series.dots ?? 5, fill_color: colour, line_color: null });
}

function measureCharts() {
  const x = layerNames.map((_, i) => i);
  const tables = runs.map((run) => rowsOf(run.measures));
  const series = (table, measure, control) => {
    const rows = layerNames.map((layer) => table.find((row) => row.layer === layer && row.measure === measure && row.control === control));
    const column = (field) => rows.map((row) => row?.[field] ?? NaN);
    return rows.some(Boolean) ? { values: column("value"), low: column("low"), high: column("high") } : null;
  };
  for (const [title, label, end, measures] of BY_DEPTH) {
    const y_range = new Bokeh.DataRange1d({ start: 0, ...(end ? { end: 1.02 * end } : {}) });
    const { figure, element } = chart("measure-charts", title, null, label, { y_range });
    figure.xaxis.ticker = new Bokeh.FixedTicker({ ticks: x });
    figure.xaxis.major_label_overrides = new Map(x.map((i) => [i, layerNames[i]]));
    // The base run's controls stand for both.
    const drawn = measures.length > 1 ? [] : Object.keys(payload.controls).slice(1).map((control) => [0, measures[0], control]);
    for (const r of runs.keys()) for (const measure of measures) drawn.push([r, measure, "none"]);
    for (const [r, measure, control] of drawn) {
      const found = series(tables[r], measure, control), place = measures.indexOf(measure);
      const colour = measures.length > 1 ? Object.values(payload.controls)[place].colour : payload.controls[control].colour;
      const dash = r ? "dashed" : measures.length > 1 ? "solid" : DASHES[payload.controls[control].dash];
      if (found) line(figure, x, { ...found, colour, dash });
    }
    element.setAttribute("aria-label", measures.map((measure) => spoken(measure, tables[0])).join(". "));
    if (measures.length > 1) element.after(keyOf(measures.map((measure, i) =>
      [payload.measures[measure].replace(/ (of|on) the map/, ""), Object.values(payload.controls)[i]]), false));
  }
  document.getElementById("measure-key").append(keyOf(Object.values(payload.controls).map((look) => [look.title, look]), true));
}

// Names beside the lines' looks.
function keyOf(entries, dashed) {
  const key = document.createElement("div");
  key.className = "key";
  for (const [name, look] of entries) {
    const entry = document.createElement("span");
    const dashes = dashed ? { "-": "", "--": "6 3", ":": "2 2", "-.": "6 2 2 2" }[look.dash] : "";
    entry.innerHTML = `<svg width="28" height="12" aria-hidden="true"><line x1="0" y1="6" x2="28" y2="6" stroke-width="3" stroke="${look.colour}" stroke-dasharray="${dashes}"/></svg>`;
    entry.append(name);
    key.append(entry);
  }
  return key;
}

// A chart's values in words, for readers who cannot see it.
function spoken(measure, table) {
  const rows = table.filter((row) => row.measure === measure && row.control === "none");
  return `${payload.measures[measure]}, trained network: ` + rows.map((row) => `${row.layer} ${row.value}`).join(", ");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ckaTables() {
  const place = document.getElementById("cka");
  runs.forEach((run, r) => {
    const rows = rowsOf(run.cka);
    for (const control of r || runs.length > 1 ? ["none"] : ["none", "untrained"]) {
      const table = document.createElement("table");
      table.className = "ladder";
      table.createCaption().textContent = runs.length > 1 ? `${"AB"[r]}: ${run.name}` : payload.controls[control].title;
      table.createTHead().insertRow().append(document.createElement("td"), ...layerNames.map((name) => headCell(name, "col")));
      const body = table.createTBody();
      for (const first of layerNames) {
        const tableRow = body.insertRow();
        tableRow.append(headCell(first, "row"));
        for (const second of layerNames) {
          const value = rows.find((row) => row.layer === first && row.other_layer === second && row.control === control)?.value;
          const cell = document.createElement("span"), colour = onScale(value ?? NaN);
          cell.textContent = value === null || value === undefined ? "–" : value.toFixed(2);
          cell.style.background = colour;
          cell.style.color = isDark(colour) ? "#fff" : "#111";
          tableRow.insertCell().append(cell);
        }
      }
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.append(table);
      place.append(scroll);
    }
  });
}

function trainingCharts() {
  for (const [name, label] of [["loss", "negative log-likelihood (nats)"], ["accuracy", "accuracy"]]) {
    const { figure, element } = chart("training-charts", capital(name), "epoch", label, name === "loss" ? { y_axis_type: "log" } : {});
    runs.forEach((run, r) => {
      const dash = r ? "dashed" : "solid";
      line(figure, run.batches.epoch, { values: run.batches[`train_${name}`], colour: "#8a8f98", dash, dots: 0 });
      line(figure, run.epochs.epoch, { values: run.epochs[`test_${name}`], colour: "#e76300", dash });
    });
    const last = runs.map((run) => run.epochs[`test_${name}`].at(-1));
    element.setAttribute("aria-label", `${capital(name)} by epoch; on test images at the end: ${last.join(" and ")}`);
    const note = document.createElement("p");
    note.className = "hint";
    note.textContent = runs.some((run) => run.batches.epoch.length)
      ? `grey: training batches, while the weights changed; orange: test images, after each epoch (at the end ${last.join(" and ")})`
      : `nothing was trained; on test images: ${last.join(" and ")}`;
    element.after(note);
  }
}

// Each layer's measures against the epochs trained, where weights were kept.
function overTrainingCharts() {
  if (!timeNames.length) return;
  const rows = rowsOf(runs[0].over_training);
  const looks = layerNames.map((_, i) => ({ colour: payload.scale[Math.round((0.9 * i * (payload.scale.length - 1)) / Math.max(1, layerNames.length - 1))], dash: "-" }));
  for (const [title, label, end, [measure]] of BY_DEPTH.filter(([, , , [first]]) => rows.some((row) => row.measure === first && row.epochs === rows[0].epochs))) {
    const y_range = new Bokeh.DataRange1d({ start: 0, ...(end ? { end: 1.02 * end } : {}) });
    const { figure, element } = chart("over-training", title, "epochs trained", label, { y_range });
    layerNames.forEach((layer, i) => {
      const found = rows.filter((row) => row.layer === layer && row.measure === measure).sort((a, b) => a.epochs - b.epochs);
      const column = (field) => found.map((row) => row[field] ?? NaN);
      line(figure, column("epochs"), { values: column("value"), low: column("low"), high: column("high"), ...looks[i], dash: "solid" });
    });
    const last = rows.filter((row) => row.measure === measure && row.epochs === rows.at(-1).epochs);
    element.setAttribute("aria-label", `${title} by epochs trained; at the end: ${last.map((row) => `${row.layer} ${row.value}`).join(", ")}`);
  }
  document.getElementById("over-training-key").append(keyOf(layerNames.map((layer, i) => [layer, looks[i]]), false));
}

function themeCharts() {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, grid] = ["--ink", "--soft", "--grid"].map((name) => style.getPropertyValue(name).trim());
  for (const { figure } of charts) {
    for (const axis of [figure.xaxis, figure.yaxis]) {
      axis.major_label_text_color = ink;
      axis.axis_label_text_color = soft;
      axis.axis_label_text_font_style = "normal";
      axis.axis_line_color = soft;
      axis.major_tick_line_color = soft;
      axis.minor_tick_line_color = null;
    }
    figure.xgrid.grid_line_color = null;
    figure.ygrid.grid_line_color = grid;
  }
}

when("theme", themeCharts);
