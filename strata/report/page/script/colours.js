// The colour of every sample, as chosen by the reader; values that depend on the layer differ from map to map.

const GREY = "#9aa0a6";
const RIGHT = "#3f90da", WRONG = "#e76300";
const UNKNOWN = -9;
const STEPS = payload.scale.length;

function scalePlace(value, low = 0, high = 1) {
  if (!Number.isFinite(value)) return STEPS; // the grey after the scale
  return Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * (STEPS - 1));
}

function onScale(value, low = 0, high = 1) {
  return SCALE[scalePlace(value, low, high)];
}

const SCALE = [...payload.scale, GREY];

function commitColour(commit) {
  if (commit === UNKNOWN) return GREY;
  return commit >= layerNames.length ? WRONG : onScale(commit, 0, Math.max(1, layerNames.length - 1));
}

const nearest = runs[0].layers[0].k; // neighbours of each sample that are measured
const commitPalette = [...layerNames.map((_, place) => commitColour(place)), WRONG, GREY];

// Each choice: a palette, the place in it of a sample (by run and layer), and a key: entries, or the ends of a scale.
const COLOURS = {
  label: { needs: "labels", palette: payload.class_colours, at: () => (row) => labels[row], key: classKey },
  predicted: { needs: "predictions", palette: payload.class_colours, at: (run) => (row) => run.predicted[row], key: classKey },
  correct: { needs: "mistakes", palette: [RIGHT, WRONG], at: (run) => (row) => Number(run.predicted[row] !== labels[row]),
             key: () => [["right", RIGHT], ["wrong", WRONG]] },
  commit: { needs: "decisions", palette: commitPalette,
            at: (run) => (row) => (run.commit[row] === UNKNOWN ? layerNames.length + 1 : Math.min(run.commit[row], layerNames.length)),
            key: () => [...layerNames.map((name, place) => [name, commitColour(place)]), ...afterLast(), ...unmeasured()],
            meaning: () => payload.commit_definition },
  confidence: { needs: "predictions", palette: SCALE, at: (run) => (row) => scalePlace(run.confidence[row]),
                scale: ["0%", "100%", "confidence in the prediction"] },
  trust: { needs: "trust", palette: SCALE, at: (run, layer) => (row) => scalePlace(1 - layer.false_neighbours[row]),
           scale: ["none", "all", `of its ${nearest} nearest on this map are among its ${2 * nearest} nearest in the layer`] },
  stability: { needs: "trust", palette: SCALE, at: (run, layer) => (row) => scalePlace(layer.stability[row]),
               scale: ["0%", "100%", `${stabilityMeaning()}, not of this map; grey: not one of those points`] },
  drift: { needs: "trust", palette: SCALE, at: (run, layer) => (row) => scalePlace(layer.drift[row]),
           scale: ["keeps all neighbours", "changes all", "towards the next layer"] },
  plain: { needs: "nothing", palette: [RIGHT], at: () => () => 0, key: () => [] },
};

// Numbers to predict, and several labels (0 or 1): each colours the maps, from its least to its largest value.
for (const [name, column] of Object.entries(runs[0].targets ?? {})) {
  const values = await unpacked(column), low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  const width = high > low ? high - low : 1;
  COLOURS[`target ${name}`] = { needs: "ids", palette: SCALE, at: () => (row) => scalePlace((values[row] - low) / width),
                                scale: [low.toPrecision(3), high.toPrecision(3), name] };
}

// Colours as numbers, as a picture's memory has them (alpha, blue, green, red), kept until the choice changes.
const numbersKept = new Map();

function colourNumber(colour) {
  const value = parseInt(colour.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

function colourNumbers(run, layer) {
  const name = `${runs.indexOf(run)} ${layer.name}`;
  if (!numbersKept.has(name)) {
    const { palette, at } = COLOURS[state.colour], place = at(run, layer), numbers = palette.map(colourNumber);
    const colours = new Uint32Array(count);
    for (let row = 0; row < count; row++) colours[row] = numbers[place(row)] ?? colourNumber(GREY);
    numbersKept.set(name, colours);
  }
  return numbersKept.get(name);
}

function coloursOf(run, layer) {
  const { palette, at } = COLOURS[state.colour], place = at(run, layer);
  return Array.from(ids, (_, row) => palette[place(row)] ?? GREY);
}

// Where only the output, after the last layer shown, settles it.
function afterLast() {
  return runs.some((run) => run.commit.includes(layerNames.length)) ? [[commitName(layerNames.length), WRONG]] : [];
}

function commitName(commit) {
  return layerNames[commit] ?? `after ${layerNames.at(-1)}`;
}

function unmeasured() {
  return runs.some((run) => run.commit.includes(UNKNOWN)) ? [["not measured", GREY]] : [];
}

function stabilityMeaning() {
  const meanings = runs.map((run) => run.stability_meaning);
  return new Set(meanings).size === 1 ? meanings[0] : meanings.map((text, r) => `${"AB"[r]}: ${text}`).join("; ");
}

function classKey() {
  return classes.map((name, i) => [name, payload.class_colours[i]]);
}

function drawKey() {
  const { key, scale, meaning } = COLOURS[state.colour], place = document.getElementById("key");
  place.replaceChildren();
  place.hidden = key === classKey; // the classes have a key of their own, which also filters
  for (const [name, colour] of key && !place.hidden ? key() : []) {
    const entry = document.createElement("span"), swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour;
    entry.append(swatch, ` ${name}`);
    place.append(entry);
  }
  if (scale) {
    const bar = document.createElement("span");
    bar.className = "gradient";
    bar.style.background = `linear-gradient(to right, ${payload.scale.join(",")})`;
    place.append(scale[0], bar, scale[1], ` ${scale[2]}`);
  }
  if (meaning) {
    const text = document.createElement("span");
    text.className = "meaning";
    text.textContent = meaning();
    place.append(text);
  }
}

when("colour", () => {
  numbersKept.clear();
  drawKey();
});
