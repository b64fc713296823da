// Two runs: which samples were fixed, broken, moved most or decided earlier, and how the measures differ.

const MOST_MOVED = 50;

// The share of a sample's nearest in the last hidden layer that differ between the two runs; NaN where not measured.
function movedShare(row) {
  const place = Math.max(0, layerNames.length - 2), [first, second] = runs.map((run) => run.layers[place]), k = Math.min(first.k, second.k);
  const list = (layer) => Array.from(layer.neighbours.subarray(row * layer.k, row * layer.k + k)).filter((each) => each >= 0);
  const before = list(first), after = list(second);
  return before.length && after.length ? 1 - before.filter((each) => after.includes(each)).length / Math.max(before.length, after.length) : NaN;
}

function areSame() {
  const same = (name) => !runs[0][name] || runs[0][name].every((value, row) => value === runs[1][name][row]);
  return ["predicted", "confidence", "commit"].every(same)
    && runs[0].layers.every((layer, l) => ["x", "y"].every((axis) => layer[axis].every((value, row) => value === runs[1].layers[l][axis][row])));
}

// The 95% interval of the difference of two paired counts, in counts: McNemar's, by the normal distribution.
function pairedInterval(more, less) {
  const half = 1.96 * Math.sqrt(more + less);
  return [more - less - half, more - less + half];
}

function differenceFindings() {
  const rows = visibleRows(), found = [];
  const show = (chosen, colour) => (button) => {
    leaveQueue();
    if (known[COLOURS[colour].needs]) chooseColour(colour);
    moveTo(Math.max(0, layerNames.length - 2));
    select(chosen);
    for (const each of document.querySelectorAll("#findings button")) each.setAttribute("aria-pressed", String(each === button));
  };
  if (areSame()) return [{ key: "same", sentence: "The two runs are identical here: each sample has the same place, prediction and confidence.", show: show([], "label") }];
  if (known.mistakes) {
    const fixed = rows.filter((row) => isWrong(runs[0], row) && !isWrong(runs[1], row));
    const broken = rows.filter((row) => !isWrong(runs[0], row) && isWrong(runs[1], row));
    const [low, high] = pairedInterval(fixed.length, broken.length);
    const verdict = low <= 0 && high >= 0 ? "The interval includes no difference." : `B is ${low > 0 ? "better" : "worse"}.`;
    const sure = `Fixed less broken: ${fixed.length - broken.length}, 95% interval ${low.toFixed(0)} to ${high.toFixed(0)} (paired, McNemar). ${verdict}`;
    found.push({ key: "fixed", sentence: `B fixes ${fixed.length} of A's mistakes.`, sure, show: show(fixed, "correct") });
    found.push({ key: "broken", sentence: `B breaks ${broken.length} that A had right.`, sure, show: show(broken, "correct") });
  }
  if (known.decisions) {
    const measured = rows.filter((row) => runs.every((run) => run.commit[row] !== UNKNOWN));
    const earlier = measured.filter((row) => runs[1].commit[row] < runs[0].commit[row]), later = measured.filter((row) => runs[1].commit[row] > runs[0].commit[row]);
    const [low, high] = pairedInterval(earlier.length, later.length);
    found.push({ key: "earlier", sentence: `In B ${earlier.length} samples decide earlier, ${later.length} later.`,
                 sure: `Earlier less later: ${earlier.length - later.length}, 95% interval ${low.toFixed(0)} to ${high.toFixed(0)} of ${measured.length} (paired). ${low <= 0 && high >= 0 ? "The interval includes no difference." : ""}`,
                 show: show(earlier, "commit") });
  }
  if (known.neighbours) {
    const moved = rows.map((row) => [row, movedShare(row)]).filter(([, share]) => Number.isFinite(share)).sort((a, b) => b[1] - a[1]);
    const most = moved.slice(0, MOST_MOVED).filter(([, share]) => share > 0), mean = moved.reduce((sum, [, share]) => sum + share, 0) / (moved.length || 1);
    if (most.length) {
      found.push({ key: "moved", sentence: `On average ${percent(mean)} of a sample's nearest at ${layerNames[Math.max(0, layerNames.length - 2)]} differ; these ${most.length} moved most.`,
                   sure: "By neighbours in the layers, not by places on the maps, which differ between runs by chance.", show: show(most.map(([row]) => row), "label") });
    }
  }
  return found;
}

// B less A, by layer, for each measure with an interval in both: what includes 0 is no difference.
function differenceCharts() {
  if (runs.length < 2) return;
  const [first, second] = runs.map((run) => rowsOf(run.measures).filter((row) => row.control === "none"));
  const x = layerNames.map((_, i) => i), place = document.getElementById("difference-charts");
  for (const panel of runs[0].panels.filter((each) => each.lines === "controls")) {
    const key = panel.measures[0].key;
    const pairs = layerNames.map((layer) => [first, second].map((table) => table.find((row) => row.layer === layer && row.measure === key)));
    const values = pairs.map(([a, b]) => (a && b ? b.value - a.value : NaN));
    const half = pairs.map(([a, b]) => (a && b ? Math.hypot(a.high - a.low, b.high - b.low) / 2 : NaN));
    if (!half.some(Number.isFinite)) continue;
    const low = values.map((value, i) => value - half[i]), high = values.map((value, i) => value + half[i]);
    const { area } = chart("difference-charts", panel.title, "B less A", { names: layerNames, series: [{ x, values, low, high, colour: payload.controls.none.colour, dash: "-" }], signed: true });
    const clear = layerNames.filter((_, i) => low[i] > 0 || high[i] < 0);
    area.setAttribute("aria-label", `${panel.title}, B less A: ${layerNames.map((layer, i) => `${layer} ${values[i].toFixed(3)}`).join(", ")}`);
    area.after(chartNote(clear.length ? `clear of 0 at ${clear.join(", ")}` : "no difference beyond the intervals"));
  }
  place.parentElement.hidden = !place.children.length;
}

addPanel(differenceCharts, true);
