// Histograms that filter: of confidence, of trust in the spot, of the commit layer. Each shows what the others leave.

const BINS = 20;
const HISTOGRAMS = {
  confidence: { needs: "predictions", title: "confidence", top: 1, bins: BINS, value: () => (row) => runs[0].confidence[row], text: percent },
  trust: { needs: "trust", title: "true neighbours on the map", top: 1, bins: BINS, ofLayer: true,
           value: () => { const { false_neighbours: wrong } = runs[0].layers[shownLayer()]; return (row) => 1 - wrong[row]; }, text: percent },
  commit: { needs: "decisions", title: "commit layer", top: layerNames.length, bins: layerNames.length + 1, whole: true,
            value: () => (row) => (runs[0].commit[row] === UNKNOWN ? NaN : runs[0].commit[row]), text: (at) => commitName(Math.round(at)) },
};

function binOf(value, { top, bins, whole }) {
  return whole ? value : Math.min(bins - 1, Math.max(0, Math.floor((value / top) * bins)));
}

function makeHistograms() {
  for (const [name, histogram] of Object.entries(HISTOGRAMS)) {
    if (!known[histogram.needs]) continue;
    const card = document.createElement("fieldset"), legend = document.createElement("legend"), bars = svg("svg", { viewBox: "0 0 200 50", "aria-hidden": "true" });
    legend.textContent = histogram.title;
    const ends = ["at least", "at most"].map((text, end) => {
      const input = document.createElement("input"), output = document.createElement("output"), label = document.createElement("label");
      Object.assign(input, { type: "range", min: 0, max: histogram.top, step: histogram.whole ? 1 : histogram.top / BINS, value: end ? histogram.top : 0, id: `${name}-${end ? "high" : "low"}` });
      input.setAttribute("aria-label", `${histogram.title}, ${text}`);
      input.addEventListener("input", () => brush(name));
      label.append(input, output);
      return label;
    });
    card.append(legend, bars, ...ends);
    card.className = "histogram";
    document.getElementById("histograms").append(card);
    Object.assign(histogram, { bars, inputs: ends.map((label) => label.firstChild), outputs: ends.map((label) => label.lastChild) });
  }
  drawHistograms();
}

// What a histogram's two sliders stand at, the lower one first.
function brushOf(name) {
  return HISTOGRAMS[name].inputs.map((input) => Number(input.value)).sort((a, b) => a - b);
}

function brush(name) {
  readBrush(name);
  applyFilters();
}

function readBrush(name) {
  const { top, value, ofLayer } = HISTOGRAMS[name], [low, high] = brushOf(name);
  if (low <= 0 && high >= top) delete ranges[name];
  else ranges[name] = { low: low - 1e-6, high: high + 1e-6, ofLayer, value };
}

// Move a histogram's sliders, without filtering yet; all is left by what is no range.
function setBrush(name, low, high) {
  const { inputs, top } = HISTOGRAMS[name];
  if (!inputs) return;
  [inputs[0].value, inputs[1].value] = low >= 0 && high <= top ? [low, high] : [0, top];
  readBrush(name);
}

function drawHistograms() {
  if (control("advanced").hidden) return;
  for (const [name, histogram] of Object.entries(HISTOGRAMS)) {
    if (!histogram.bars) continue;
    const value = histogram.value(), all = new Uint32Array(histogram.bins), left = new Uint32Array(histogram.bins);
    for (let row = 0; row < count; row++) {
      if (!Number.isFinite(value(row))) continue;
      all[binOf(value(row), histogram)]++;
      if (state.visible[row]) left[binOf(value(row), histogram)]++;
    }
    const most = Math.max(1, ...all), width = 200 / histogram.bins, high = (number) => (number ? 2 + 46 * Math.sqrt(number / most) : 0);
    const bar = (number, i, attributes) => svg("rect", { x: i * width + 0.5, y: 50 - high(number), width: width - 1, height: high(number), ...attributes });
    histogram.bars.replaceChildren(...Array.from(all, (number, i) => bar(number, i, { fill: "currentColor", "fill-opacity": 0.18 })),
                                   ...Array.from(left, (number, i) => bar(number, i, { class: "left" })));
    const [low, high2] = brushOf(name);
    histogram.outputs.forEach((output, end) => { output.textContent = histogram.text(end ? high2 : low); });
    histogram.name = name;
  }
}

when("ranges", () => {
  for (const [name, { inputs, top }] of Object.entries(HISTOGRAMS)) if (inputs && !ranges[name]) [inputs[0].value, inputs[1].value] = [0, top];
});
when("visible", drawHistograms);
when("layer", drawHistograms);
when("more", drawHistograms);
addPanel(makeHistograms);
