// Tools for the panels' charts: axes in a card, lines with bands, a key, a note; and their colours by theme.

const chartDocument = new Bokeh.Document();
const charts = []; // { figure, element }
const DASHES = { "-": "solid", "--": "dashed", ":": "dotted", "-.": "dotdash" };

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

// A measure's axis starts at 0 and ends where its panel says.
function rangeTo(end) {
  return new Bokeh.DataRange1d({ start: 0, ...(end ? { end: 1.02 * end } : {}) });
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

// A key: the look and the name of each line.
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

// A line of text below a chart.
function chartNote(text) {
  const note = document.createElement("p");
  note.className = "hint";
  note.textContent = text;
  return note;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
