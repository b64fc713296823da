// Charts as SVG: axes in a card, lines with bands, a key, a note. They take the colours of the page's theme.

const DASHES = { "-": "", "--": "6 3", ":": "2 2", "-.": "6 2 2 2" };
const chartsDrawn = []; // what was drawn, for tests and the browser's console
const CHART = { width: 340, height: 220, left: 44, right: 10, top: 8, bottom: 34 };

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Round numbers from about `low` to about `high`, at most six.
function ticksOf(low, high) {
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((each) => each >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9 * step; tick += step) ticks.push(Number(tick.toPrecision(12)));
  return ticks;
}

function logTicks(low, high) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) powers.push(10 ** power);
  return powers.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

function extent(lists) {
  return lists.flat().filter(Number.isFinite).reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

// Draw a chart into a place. `options`: names of the x values or the x label; `end` and `log` of the y axis; `series`, each
// with x, values, low, high, colour, dash, dots, and `whiskers` in place of a band, `shift` in pixels, `label` at its end,
// `run`; `range`, a hatched band; `close`: the axis begins at the least value; `right`, the space for labels.
function chart(place, title, yLabel, options) {
  const { series, range } = options, card = document.createElement("div"), heading = document.createElement("h3");
  card.className = "chart";
  heading.textContent = title;
  const area = svg("svg", { class: "area", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img" });
  const all = [...series.map((each) => [...each.values, ...(each.low ?? []), ...(each.high ?? [])]), ...(range ? [range.high] : [])].map((list) => list.map((value) => value ?? NaN));
  let [low, high] = extent(all);
  if (options.close) [low, high] = [low - 0.04 * (high - low), high + 0.04 * (high - low)];
  else if (!options.log) low = Math.min(0, low);
  if (options.end) high = options.end;
  if (!(high > low)) high = low + 1;
  const [from, to] = extent(series.map((each) => each.x));
  const turn = options.log ? Math.log10 : (value) => value;
  const edge = CHART.width - (options.right ?? CHART.right);
  const x = (value) => CHART.left + ((value - from) / (to - from || 1)) * (edge - CHART.left);
  const y = (value) => CHART.height - CHART.bottom - ((turn(value) - turn(low)) / (turn(high) - turn(low))) * (CHART.height - CHART.bottom - CHART.top);
  if (range) area.append(hatchOf(range));
  axes(area, { x, y, low, high, from, to, edge, yLabel, ...options });
  if (range) area.append(svg("path", { class: "range", d: bandPath(range, x, y), fill: `url(#${range.name})`, stroke: "none" }));
  for (const each of series) {
    if (each.low && !each.whiskers) area.append(svg("path", { d: bandPath(each, x, y), fill: each.colour, "fill-opacity": 0.2, stroke: "none" }));
  }
  for (const each of series) {
    const shifted = each.shift ? (value) => x(value) + each.shift : x, parts = [...(each.whiskers && each.low ? [whiskersOf(each, shifted, y)] : []), ...lineOf(each, shifted, y)];
    area.append(...(each.run ? [svg("g", { "data-run": each.run }, ...parts)] : parts));
  }
  area.append(...labelsOf(series, edge, y));
  card.append(heading, area, chartSaver(title, area));
  document.getElementById(place).append(card);
  const finite = (list, other = list) => list.filter((_, i) => Number.isFinite(other[i] ?? NaN));
  chartsDrawn.push({ place, title, lines: series.map(({ x: at, values, colour }) => [finite(at, values), finite(values), colour]),
                     bands: [...(range ? [range] : []), ...series.filter((each) => each.low)].map((each) => [finite(each.low), finite(each.high)]) });
  return { card, area };
}

// Lines that lean, in the colour of the trained network; each chart has its own, so that it can be saved alone.
function hatchOf(range) {
  range.name = `hatch-${chartsDrawn.length}`;
  const stroke = payload.controls.none.colour;
  return svg("defs", {}, svg("pattern", { id: range.name, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("line", { x1: 0, y1: 0, x2: 0, y2: 5, stroke, "stroke-width": 1.6, "stroke-opacity": 0.7 })));
}

function bandPath({ x: at, low, high }, x, y) {
  const good = at.map((_, i) => i).filter((i) => Number.isFinite(low[i] ?? NaN) && Number.isFinite(high[i] ?? NaN));
  if (!good.length) return "";
  const side = (values, order) => order.map((i) => `${x(at[i]).toFixed(1)},${y(values[i]).toFixed(1)}`).join("L");
  return `M${side(high, good)}L${side(low, [...good].reverse())}Z`;
}

function lineOf({ x: at, values, colour, dash, dots = 2.6, width = 2 }, x, y) {
  const good = at.map((_, i) => i).filter((i) => Number.isFinite(values[i] ?? NaN));
  const path = good.map((i) => `${x(at[i]).toFixed(1)},${y(values[i]).toFixed(1)}`).join("L");
  const line = svg("path", { class: "line", d: path ? `M${path}` : "", fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": DASHES[dash] ?? "" });
  return [line, ...(dots ? good.map((i) => svg("circle", { cx: x(at[i]).toFixed(1), cy: y(values[i]).toFixed(1), r: dots, fill: colour })) : [])];
}

// Intervals as thin upright lines, which stay readable where those of several lines overlap.
function whiskersOf({ x: at, low, high, colour }, x, y) {
  const good = at.map((_, i) => i).filter((i) => Number.isFinite(low[i] ?? NaN) && Number.isFinite(high[i] ?? NaN));
  return svg("path", { class: "whiskers", d: good.map((i) => `M${x(at[i]).toFixed(1)},${y(low[i]).toFixed(1)}V${y(high[i]).toFixed(1)}`).join(""),
                       stroke: colour, "stroke-width": 1.3, "stroke-opacity": 0.75, fill: "none" });
}

// The names of lines beside their ends, moved apart where they would overlap.
function labelsOf(series, edge, y) {
  const GAP = 11, low = CHART.height - CHART.bottom;
  const wanted = series.filter((each) => each.label && each.values.some(Number.isFinite)).map((each) => ({ each, at: y(each.values.findLast(Number.isFinite)) + 4 }));
  wanted.sort((a, b) => a.at - b.at);
  wanted.forEach((label, i) => { label.at = Math.max(label.at, CHART.top + 8, (wanted[i - 1]?.at ?? -Infinity) + GAP); });
  wanted.reverse().forEach((label, i) => { label.at = Math.min(label.at, low, (wanted[i - 1]?.at ?? Infinity) - GAP); });
  return wanted.map(({ each, at }) => svg("text", { x: edge + 14, y: at.toFixed(1), "font-size": each.run ? 12 : 10, "font-weight": each.run ? 700 : 400, fill: each.run ? each.colour : "currentColor",
                                                    ...(each.run ? { "data-run": each.run } : { class: "soft" }) }, each.label));
}

function axes(area, { x, y, low, high, from, to, edge, yLabel, xLabel, names, log }) {
  const bottom = CHART.height - CHART.bottom, text = (attributes, content) => svg("text", { fill: "currentColor", "font-size": 11, ...attributes }, content);
  for (const tick of log ? logTicks(low, high) : ticksOf(low, high)) {
    area.append(svg("line", { class: "grid", x1: CHART.left, x2: edge, y1: y(tick), y2: y(tick), stroke: "currentColor", "stroke-opacity": 0.13 }),
                text({ x: CHART.left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  const step = names ? Math.ceil(names.length / 12) : 1;
  const ticks = names ? names.map((name, i) => [i, name]).filter(([i]) => i % step === 0) : ticksOf(from, to).map((tick) => [tick, String(tick)]);
  for (const [at, name] of ticks) area.append(text({ x: x(at), y: bottom + 15, "text-anchor": "middle" }, name));
  area.append(svg("line", { x1: CHART.left, x2: edge, y1: bottom, y2: bottom, stroke: "currentColor", "stroke-opacity": 0.5 }),
              text({ class: "soft", x: 11, y: (bottom + CHART.top) / 2, transform: `rotate(-90 11 ${(bottom + CHART.top) / 2})`, "text-anchor": "middle" }, yLabel));
  if (xLabel) area.append(text({ class: "soft", x: (CHART.left + edge) / 2, y: CHART.height - 4, "text-anchor": "middle" }, xLabel));
}

// A key: the look and the name of each line.
function keyOf(entries, dashed) {
  const key = document.createElement("div");
  key.className = "key";
  for (const [name, look] of entries) {
    const entry = document.createElement("span");
    entry.append(svg("svg", { width: 28, height: 12, "aria-hidden": "true" },
      svg("line", { x1: 0, y1: 6, x2: 28, y2: 6, "stroke-width": 3, stroke: look.colour, "stroke-dasharray": dashed ? DASHES[look.dash] : "" })), name);
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

// A pair's or a measure's course over the layers, as small as a word: with its interval, and in grey the control's.
function sparkline(values, { colour = "currentColor", low = 0, high = 1, mark = -1, band = null, control = null } = {}) {
  const width = 84, height = 24, at = values.map((_, i) => i), x = (i) => 3 + (i / Math.max(1, values.length - 1)) * (width - 6);
  const y = (value) => height - 3 - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (height - 6);
  const shade = (course, fill) => (course ? [svg("path", { class: "shade", d: bandPath({ ...course, x: at }, x, y), fill, "fill-opacity": 0.2 })] : []);
  const line = (course, attributes) => svg("polyline", { points: at.filter((i) => Number.isFinite(course[i])).map((i) => `${x(i).toFixed(1)},${y(course[i]).toFixed(1)}`).join(" "), fill: "none", ...attributes });
  const drawn = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    svg("line", { x1: 0, x2: width, y1: y(high), y2: y(high), stroke: "currentColor", "stroke-opacity": 0.15 }),
    ...shade(control, GREY), ...(control ? [line(control.values, { class: "control", stroke: GREY, "stroke-width": 1.2, "stroke-dasharray": "2 2" })] : []),
    ...shade(band, colour), line(values, { class: "course", stroke: colour, "stroke-width": 1.6 }));
  if (mark >= 0 && Number.isFinite(values[mark])) drawn.append(svg("circle", { cx: x(mark), cy: y(values[mark]), r: 2.6, fill: colour }));
  return drawn;
}
