// The page's data: arrays, read from base64 once, and the images, in sheets that are decoded when one of them is shown.
// What a run does not have (labels, predictions, measures of single samples) is null here, and its panels stay away.

const payload = JSON.parse(document.getElementById("payload").textContent);
const ARRAYS = { float32: Float32Array, int32: Int32Array, int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function unpacked(entry) {
  if (!entry) return null;
  let bytes = bytesOf(entry.base64);
  entry.base64 = ""; // the text is not needed twice in memory
  if (entry.deflated) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  const values = new ARRAYS[entry.type](bytes.buffer, 0, bytes.length / ARRAYS[entry.type].BYTES_PER_ELEMENT);
  return entry.step === undefined ? values : Float32Array.from(values, (steps) => entry.low + steps * entry.step);
}

async function allUnpacked(entries, names) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await unpacked(entries[name])])));
}

const POINT_FIELDS = ["vote", "false_neighbours", "missing_neighbours", "drift", "stability", "neighbours"];
const SAMPLE_FIELDS = ["ids", "predicted", "confidence", "commit", "flips", "late"];
const layerNames = Object.keys(payload.runs[0].layers);

// Each run with its arrays: predicted, confidence, commit, late by sample; x, y, neighbours ... by layer and sample.
const runs = await Promise.all(payload.runs.map(async (run) => ({
  ...run,
  ...await allUnpacked(run, SAMPLE_FIELDS),
  layers: await Promise.all(layerNames.map(async (name) => {
    const layer = run.layers[name], k = layer.neighbours?.shape[1] ?? 0;
    return { ...await allUnpacked(layer, [...POINT_FIELDS, "x", "y"]), name, about: layer.about ?? layer.shape, k };
  })),
})));
const ids = runs[0].ids;
const count = ids.length;
const labels = await unpacked(payload.labels);
const classes = payload.classes ?? [];
const rowOfId = new Map(Array.from(ids, (id, row) => [id, row]));

// The weights kept in training: a run's maps at each time, then those of the trained network.
const timeNames = runs.length > 1 ? [] : Object.keys(runs[0].earlier ?? {}).sort((a, b) => a - b);
for (const run of runs) {
  run.times = await Promise.all(timeNames.map((time) => Promise.all(layerNames.map(async (layer) => (
    { name: layer, ...await allUnpacked(run.earlier[time][layer], ["x", "y"]) })))));
  run.times.push(run.layers);
}

// What the page has of all runs, so that a panel can ask before it is made.
const known = {
  ids: true,
  labels: labels !== null && classes.length > 0,
  predictions: runs.every((run) => run.predicted && run.confidence),
  decisions: runs.every((run) => run.commit),
  neighbours: runs.every((run) => run.layers.every((layer) => layer.neighbours)),
  trust: runs.every((run) => run.layers.every((layer) => layer.false_neighbours)),
};
known.mistakes = known.labels && known.predictions;
known.nothing = !known.labels && !known.predictions && !known.trust;

function className(place) {
  return classes[place] ?? String(place);
}

function isWrong(run, row) {
  return known.mistakes && run.predicted[row] !== labels[row];
}

// Rows of a table that came as columns.
function rowsOf(table) {
  const names = Object.keys(table ?? {});
  return names.length ? table[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, table[name][i]]))) : [];
}
