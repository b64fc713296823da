// Try it: a reader draws an image; the network in the page runs on it, layer by layer, and it lands among its nearest.

const NEAREST = 5; // samples that say where a drawing lands
const MOST_VALUES = 40e6; // numbers kept of the samples' layers; with more, fewer samples are landed among
const WIDEST = 560, TALLEST = 170; // pixels of a layer's channels together
const MOST_CHANNELS = 60; // images of channels shown of a layer
const BRUSH = 1.15; // pixels of the image
const CENTRED_TO = 20 / 28; // the share of the side that a digit of MNIST takes
const drawing = { pixels: new Float32Array(IMAGE_WIDTH * IMAGE_HEIGHT), last: null, erases: false };
let landingLayers = null; // of each layer, the outputs of the samples that drawings land among: { rows, values, units }

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function drawTryIt() {
  const section = document.getElementById("try");
  if (!shipped) return;
  section.hidden = false;
  section.append(element("h2", "", "Try it"));
  if (shipped.reason) {
    section.append(element("p", "", `The network is not in this page: ${shipped.reason}.`));
    return;
  }
  document.querySelector("nav").prepend(Object.assign(element("a", "", "Try it"), { href: "#try" }), " ");
  section.append(element("p", "", `Draw on the left. The network runs here, on your machine: every channel of every layer, what it predicts, and, on each layer's map, the ${NEAREST} samples nearest to your drawing in that layer. The star is the one in their midst: where the drawing lands, not where ${runs[0].method.title} would draw it.`));
  const begin = Object.assign(element("button", "", "Load the network"), { type: "button", id: "load-network" });
  section.append(begin);
  begin.addEventListener("click", async () => {
    begin.disabled = true;
    const problem = await loadNetwork((share) => { begin.textContent = `running it on the samples: ${percent(share)}`; });
    begin.remove();
    if (problem) section.append(element("p", "warning", problem));
    else buildTryIt(section);
  });
}

// Run the network on the samples, a few at a time. Returns a sentence if it does not say what the run says.
async function loadNetwork(onProgress) {
  await readWeights();
  const units = runNetwork(new Uint8Array(IMAGE_WIDTH * IMAGE_HEIGHT)).layers.map((layer) => layer?.values.length ?? 0);
  const most = Math.max(100, Math.floor(MOST_VALUES / units.reduce((a, b) => a + b, 0)));
  const every = Math.max(1, Math.ceil(count / most)), rows = [];
  for (let row = 0; row < count; row += every) rows.push(row);
  landingLayers = units.map((size) => (size ? { rows, units: size, values: new Float32Array(size * rows.length) } : null));
  let worst = 0, since = performance.now();
  for (const [place, row] of rows.entries()) {
    const { layers, probabilities } = runNetwork(await pixelsOf(row));
    layers.forEach((layer, l) => layer && landingLayers[l].values.set(layer.values, place * units[l]));
    if (known.predictions) worst = Math.max(worst, Math.abs(probabilities[runs[0].predicted[row]] - runs[0].confidence[row]));
    if (performance.now() - since > 60) {
      onProgress(place / rows.length);
      await new Promise((done) => { setTimeout(done); });
      since = performance.now();
    }
  }
  return worst <= 0.01 ? "" : `In this browser the network's probabilities are up to ${percent(worst)} off those of the run, so it is not shown.`;
}

function buildTryIt(section) {
  const pad = Object.assign(element("canvas", "pad"), { width: 10 * IMAGE_WIDTH, height: 10 * IMAGE_HEIGHT, id: "pad", tabIndex: 0 });
  pad.setAttribute("role", "img");
  pad.setAttribute("aria-label", "Draw here; or take the selected sample");
  const buttons = element("p", "actions");
  for (const [id, text, action] of [
    ["pad-clear", "clear", () => { drawing.pixels.fill(0); runDrawing(); }],
    ["pad-erase", "erase", () => { drawing.erases = !drawing.erases; document.getElementById("pad-erase").setAttribute("aria-pressed", String(drawing.erases)); }],
    ["pad-centre", "scale and centre", () => { centre(); runDrawing(); }],
    ["pad-take", "take the selected sample", takeSample],
  ]) {
    const button = Object.assign(element("button", "", text), { type: "button", id });
    button.addEventListener("click", action);
    buttons.append(button);
  }
  buttons.children["pad-centre"].title = "to 20 of 28 pixels, with the centre of mass in the middle, as MNIST's digits are";
  const left = element("div", "drawn"), right = element("div", "layers");
  left.append(pad, buttons, Object.assign(element("div"), { id: "try-classes" }));
  layerNames.forEach((name, l) => {
    if (!landingLayers[l]) return;
    const row = element("div", "layer"), map = Object.assign(element("canvas", "landing"), { width: 300, height: 300 });
    row.dataset.layer = name;
    map.setAttribute("role", "img");
    row.append(element("h3", "", name), element("p", "hint", runs[0].layers[l].about), element("canvas", "channels"), map, element("div", "near"));
    right.append(row);
  });
  const both = element("div", "try");
  both.append(left, right);
  section.append(both);
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); stroke(pad, event); });
  pad.addEventListener("pointermove", (event) => { if (drawing.last) stroke(pad, event); });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { drawing.last = null; });
  if (selectedRows().length !== 1) select([0]);
  takeSample();
}

async function takeSample() {
  const row = selectedRows()[0] ?? 0;
  drawing.pixels.set(await pixelsOf(row));
  runDrawing();
}

// A stroke of the pen, from where it was to where it is: soft, and as wide as the digits' lines.
function stroke(pad, event) {
  const box = pad.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * IMAGE_WIDTH - 0.5, y = ((event.clientY - box.top) / box.height) * IMAGE_HEIGHT - 0.5;
  const from = drawing.last ?? [x, y], steps = Math.ceil(Math.hypot(x - from[0], y - from[1]) * 3) + 1;
  for (let step = 0; step <= steps; step++) dab(from[0] + ((x - from[0]) * step) / steps, from[1] + ((y - from[1]) * step) / steps);
  drawing.last = [x, y];
  runDrawingSoon();
}

function dab(x, y) {
  for (let v = Math.max(0, Math.floor(y - 3)); v <= Math.min(IMAGE_HEIGHT - 1, y + 3); v++) {
    for (let u = Math.max(0, Math.floor(x - 3)); u <= Math.min(IMAGE_WIDTH - 1, x + 3); u++) {
      const ink = 255 * Math.min(1, Math.max(0, BRUSH + 0.5 - Math.hypot(u - x, v - y))), at = v * IMAGE_WIDTH + u;
      drawing.pixels[at] = drawing.erases ? Math.min(drawing.pixels[at], 255 - ink) : Math.max(drawing.pixels[at], ink);
    }
  }
}

// As MNIST's digits were prepared: the drawing's box to 20 of 28 pixels, then its centre of mass to the middle.
function centre() {
  const ink = [], { pixels } = drawing;
  for (let i = 0; i < pixels.length; i++) if (pixels[i] > 20) ink.push([i % IMAGE_WIDTH, Math.floor(i / IMAGE_WIDTH)]);
  if (!ink.length) return;
  const [left, right] = [Math.min(...ink.map(([x]) => x)), Math.max(...ink.map(([x]) => x))];
  const [top, bottom] = [Math.min(...ink.map(([, y]) => y)), Math.max(...ink.map(([, y]) => y))];
  const scale = (CENTRED_TO * Math.min(IMAGE_WIDTH, IMAGE_HEIGHT)) / Math.max(right - left + 1, bottom - top + 1);
  let mass = 0, middleX = 0, middleY = 0;
  for (let i = 0; i < pixels.length; i++) {
    mass += pixels[i];
    middleX += pixels[i] * (i % IMAGE_WIDTH);
    middleY += pixels[i] * Math.floor(i / IMAGE_WIDTH);
  }
  const moved = new Float32Array(pixels.length), at = (x, y) => (x < 0 || y < 0 || x >= IMAGE_WIDTH || y >= IMAGE_HEIGHT ? 0 : pixels[y * IMAGE_WIDTH + x]);
  for (let i = 0; i < moved.length; i++) {
    const x = middleX / mass + ((i % IMAGE_WIDTH) - (IMAGE_WIDTH - 1) / 2) / scale, y = middleY / mass + (Math.floor(i / IMAGE_WIDTH) - (IMAGE_HEIGHT - 1) / 2) / scale;
    const u = Math.floor(x), v = Math.floor(y), p = x - u, q = y - v;
    moved[i] = (1 - q) * ((1 - p) * at(u, v) + p * at(u + 1, v)) + q * ((1 - p) * at(u, v + 1) + p * at(u + 1, v + 1));
  }
  drawing.pixels = moved;
}

let drawingWaits = false;
function runDrawingSoon() {
  if (drawingWaits) return;
  drawingWaits = true;
  requestAnimationFrame(() => { drawingWaits = false; runDrawing(); });
}

function runDrawing() {
  const pad = document.getElementById("pad");
  paintGrey(pad, [drawing.pixels], [1, IMAGE_HEIGHT, IMAGE_WIDTH], 1, 255);
  const said = runNetwork(drawing.pixels.map(Math.round));
  drawClasses(said.probabilities);
  for (const row of document.querySelectorAll("#try .layer")) {
    const l = layerNames.indexOf(row.dataset.layer), { shape, values } = said.layers[l];
    paintChannels(row.querySelector(".channels"), shape, values);
    land(row, l, values);
  }
}

function drawClasses(probabilities) {
  const list = document.getElementById("try-classes"), best = probabilities.indexOf(Math.max(...probabilities));
  list.replaceChildren(...classes.map((name, place) => {
    const line = element("div", place === best ? "best" : ""), bar = element("span", "bar-of");
    bar.style.width = `${(100 * probabilities[place]).toFixed(1)}%`;
    bar.style.background = payload.class_colours[place];
    const track = element("span", "track");
    track.append(bar);
    line.append(element("strong", "", name), track, element("span", "", percent(probabilities[place])));
    return line;
  }));
}

// Channels as images side by side, dark where nothing is, all of one scale; units that are no maps as one image.
function paintChannels(canvas, shape, values) {
  if (shape.length === 3) {
    const [channels, height, width] = shape, shown = Math.min(channels, MOST_CHANNELS), planes = [];
    for (let c = 0; c < shown; c++) planes.push(values.subarray(c * height * width, (c + 1) * height * width));
    paintGrey(canvas, planes, shape, Math.min(shown, Math.max(1, Math.round(Math.sqrt(shown * 3)))), null);
  } else {
    const columns = Math.min(values.length, 50), rows = Math.ceil(values.length / columns);
    const padded = new Float32Array(columns * rows).fill(Math.min(...values));
    padded.set(values);
    paintGrey(canvas, [padded], [1, rows, columns], 1, null);
  }
}

function paintGrey(canvas, planes, [, height, width], across, top) {
  const rows = Math.ceil(planes.length / across), gap = planes.length > 1 ? 1 : 0;
  const size = [across * (width + gap) - gap, rows * (height + gap) - gap];
  const low = top === null ? Math.min(...planes.map((plane) => plane.reduce((a, b) => Math.min(a, b)))) : 0;
  const high = top ?? Math.max(...planes.map((plane) => plane.reduce((a, b) => Math.max(a, b))));
  const small = new OffscreenCanvas(...size), context = small.getContext("2d"), picture = context.createImageData(...size);
  planes.forEach((plane, p) => {
    const left = (p % across) * (width + gap), upper = Math.floor(p / across) * (height + gap);
    for (let i = 0; i < plane.length; i++) {
      const shade = high > low ? (255 * (plane[i] - low)) / (high - low) : 0, at = 4 * ((upper + Math.floor(i / width)) * size[0] + left + (i % width));
      picture.data.set([shade, shade, shade, 255], at);
    }
  });
  context.putImageData(picture, 0, 0);
  const zoom = Math.max(1, Math.floor(Math.min(WIDEST / size[0], TALLEST / size[1])));
  if (canvas.id !== "pad") Object.assign(canvas, { width: size[0] * zoom, height: size[1] * zoom });
  const target = canvas.getContext("2d");
  target.imageSmoothingEnabled = false;
  target.drawImage(small, 0, 0, canvas.width, canvas.height);
}

// The samples nearest to a drawing in a layer, and the one of them that has the others around it on the map.
function landingOf(l, values) {
  const { rows, units, values: all } = landingLayers[l], best = [];
  rows.forEach((row, place) => {
    let distance = 0;
    const limit = best.length < NEAREST ? Infinity : best.at(-1)[0];
    for (let i = 0, at = place * units; i < units && distance < limit; i++) distance += (all[at + i] - values[i]) ** 2;
    if (distance < limit) {
      best.push([distance, row]);
      best.sort((a, b) => a[0] - b[0]);
      best.length = Math.min(best.length, NEAREST);
    }
  });
  const near = best.map(([, row]) => row), { x, y } = runs[0].layers[l];
  const apart = near.map((row) => near.reduce((sum, other) => sum + Math.hypot(x[row] - x[other], y[row] - y[other]), 0));
  return { near, star: near[apart.indexOf(Math.min(...apart))] };
}

function land(row, l, values) {
  const { near, star } = landingOf(l, values), layer = runs[0].layers[l], canvas = row.querySelector(".landing");
  const square = squareAround(layer.x, layer.y), perX = canvas.width / (2 * square.half), context = canvas.getContext("2d");
  const left = canvas.width / 2 - square.x * perX, bottom = canvas.height / 2 + square.y * perX;
  const picture = context.createImageData(canvas.width, canvas.height);
  paintPoints(picture, { x: layer.x, y: layer.y, colours: colourNumbers(runs[0], layer) }, state.visible, { left, bottom, perX, perY: perX }, 2.2, 0.5);
  context.putImageData(picture, 0, 0);
  const place = (sample) => [left + layer.x[sample] * perX, bottom - layer.y[sample] * perX];
  const ink = getComputedStyle(canvas).color;
  context.lineWidth = 2;
  context.strokeStyle = ink;
  for (const sample of near) {
    context.beginPath();
    context.arc(...place(sample), 6, 0, 2 * Math.PI);
    context.stroke();
  }
  drawStar(context, ...place(star), 13, ink);
  row.querySelector(".near").replaceChildren(...near.map((sample) => thumbnail(sample)));
  const votes = known.labels ? `: labelled ${near.map((sample) => classes[labels[sample]]).join(", ")}` : "";
  canvas.setAttribute("aria-label", `Where the drawing lands at ${layer.name}, beside sample ${ids[star]}; its nearest${votes}`);
}

function drawStar(context, x, y, radius, ink) {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const angle = (Math.PI * i) / 5 - Math.PI / 2, reach = i % 2 ? radius * 0.42 : radius;
    context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = "#ffd43b";
  context.strokeStyle = ink;
  context.fill();
  context.stroke();
}

addPanel(drawTryIt, true);
