// The page's data: arrays, unpacked from base64 once, and the images, in one sprite.

const payload = JSON.parse(document.getElementById("payload").textContent);
const ARRAYS = { float32: Float32Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array };

function unpacked(text) {
  const binary = atob(text.base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new ARRAYS[text.type](bytes.buffer);
}

// What a run lacks, such as labels or predictions, is null.
const known = (text) => text && unpacked(text);
const labels = known(payload.labels);
const count = payload.count;
const classes = payload.classes;
const layerNames = Object.keys(payload.runs[0].layers);
const POINT_FIELDS = ["vote", "trustworthiness", "false_neighbours", "missing_neighbours", "drift", "stability"];

// Each run with its arrays: predicted, confidence, commit, late by sample; x, y, neighbours ... by layer and sample.
const runs = payload.runs.map((run) => ({
  ...run,
  ...Object.fromEntries(["ids", "predicted", "confidence", "commit", "flips", "late"].map((name) => [name, known(run[name])])),
  layers: layerNames.map((name) => {
    const layer = run.layers[name];
    const fields = Object.fromEntries(POINT_FIELDS.map((field) => [field, known(layer[field])]));
    return { ...fields, name, x: unpacked(layer.x), y: unpacked(layer.y), neighbours: unpacked(layer.neighbours),
             k: layer.neighbours.shape[1] };
  }),
}));
// The weights kept in training: a run's maps at each time, then those of the trained network.
const timeNames = runs.length > 1 ? [] : Object.keys(runs[0].earlier).sort((a, b) => a - b);
for (const run of runs) {
  run.times = timeNames.map((time) => layerNames.map((layer) => {
    const { x, y } = run.earlier[time][layer];
    return { name: layer, x: unpacked(x), y: unpacked(y) };
  }));
  run.times.push(run.layers);
}
const ids = runs[0].ids;
const rowOfId = new Map(Array.from(ids, (id, row) => [id, row]));

const sprite = new Image();
const spriteReady = new Promise((resolve) => { sprite.onload = resolve; });
if (payload.sprite) sprite.src = payload.sprite.address;
else sprite.onload();  // samples that are no images are shown as text

// What shows a sample: its image, or its text.
function pictureOf(row) {
  const shown = document.createElement(payload.sprite ? "canvas" : "p");
  if (payload.sprite) drawDigit(shown, row);
  else shown.textContent = payload.texts[row];
  return shown;
}

// Draw the image of a sample, grey or in colour, onto a canvas of the image's size.
function drawDigit(canvas, row) {
  const { columns, width, height } = payload.sprite;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(
    sprite, (row % columns) * width, Math.floor(row / columns) * height, width, height, 0, 0, width, height);
}

// Rows of a table that came as columns.
function rowsOf(table) {
  const names = Object.keys(table);
  return names.length ? table[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, table[name][i]]))) : [];
}
