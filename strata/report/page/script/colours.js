// The colour of every sample, as chosen by the reader; values that depend on the layer differ from map to map.

const GREY = "#9aa0a6";
const RIGHT = "#3f90da", WRONG = "#e76300";
const UNKNOWN = -9;

function onScale(value, low = 0, high = 1) {
  if (!Number.isFinite(value)) return GREY;
  const place = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return payload.scale[Math.round(place * (payload.scale.length - 1))];
}

function commitColour(commit) {
  if (commit === UNKNOWN) return GREY;
  return commit >= layerNames.length ? WRONG : onScale(commit, 0, Math.max(1, layerNames.length - 1));
}

const nearest = runs[0].layers[0].k; // neighbours of each sample that are measured

const COLOURS = {
  label: { of: (run, layer, row) => payload.class_colours[labels[row]], key: classKey },
  predicted: { of: (run, layer, row) => payload.class_colours[run.predicted[row]], key: classKey },
  correct: { of: (run, layer, row) => (run.predicted[row] === labels[row] ? RIGHT : WRONG),
             key: () => [["right", RIGHT], ["wrong", WRONG]] },
  commit: { of: (run, layer, row) => commitColour(run.commit[row]),
            key: () => [...layerNames.map((name, place) => [name, commitColour(place)]), ...afterLast(), ...unmeasured()],
            meaning: () => payload.commit_definition },
  confidence: { of: (run, layer, row) => onScale(run.confidence[row]), scale: ["0%", "100%", "confidence in the prediction"] },
  trust: { of: (run, layer, row) => onScale(1 - layer.false_neighbours[row]),
           scale: ["none", "all", `of its ${nearest} nearest on this map are among its ${2 * nearest} nearest in the layer`] },
  stability: { of: (run, layer, row) => onScale(layer.stability[row]),
               scale: ["0%", "100%", `${stabilityMeaning()}, not of this map; grey: not one of those points`] },
  drift: { of: (run, layer, row) => onScale(layer.drift[row]),
           scale: ["keeps all neighbours", "changes all", "towards the next layer"] },
};

// Numbers to predict, and several labels (0 or 1): each colours the maps, from its least to its largest value.
for (const [name, column] of Object.entries(runs[0].targets ?? {})) {
  const values = unpacked(column), low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  COLOURS[`target ${name}`] = { of: (run, layer, row) => onScale(values[row], low, high > low ? high : low + 1),
                                scale: [low.toPrecision(3), high.toPrecision(3), name] };
}

// Where only the output, after the last layer shown, settles it.
function afterLast() {
  return runs.some((run) => run.commit.includes(layerNames.length)) ? [[commitName(layerNames.length), WRONG]] : [];
}

function commitName(commit) {
  return layerNames[commit] ?? `after ${layerNames.at(-1)}`;
}

function stabilityMeaning() {
  const meanings = runs.map((run) => run.stability_meaning);
  return new Set(meanings).size === 1 ? meanings[0] : meanings.map((text, r) => `${"AB"[r]}: ${text}`).join("; ");
}

function classKey() {
  return classes.map((name, place) => [name, payload.class_colours[place]]);
}

function unmeasured() {
  return runs[0].commit.includes(UNKNOWN) ? [["not measured", GREY]] : [];
}

function coloursOf(run, layer) {
  const { of } = COLOURS[state.colour];
  return Array.from({ length: count }, (_, row) => of(run, layer, row));
}

// The key below the large map.
function drawKey() {
  const place = document.getElementById("key");
  const { key, scale, meaning } = COLOURS[state.colour];
  place.replaceChildren();
  if (key) {
    for (const [name, colour] of key()) {
      const entry = document.createElement("span"), swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = colour;
      entry.append(swatch, ` ${name}`);
      place.append(entry);
    }
    if (meaning) place.append(meaningOf(meaning()));
    return;
  }
  const bar = document.createElement("span");
  bar.className = "gradient";
  bar.style.background = `linear-gradient(90deg, ${payload.scale.join(",")})`;
  const [low, high, text] = scale;
  place.append(low, bar, high, meaningOf(text));
}

function meaningOf(text) {
  const words = document.createElement("span");
  words.className = "meaning";
  words.textContent = text;
  return words;
}
