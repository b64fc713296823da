// Several runs: each measure by layer as a small chart with one line per run, its letter at the end of the line.

const DODGE = 3.2; // pixels between the whiskers of two runs at one layer

function sweepCharts() {
  const { sweep } = payload, { layers } = sweep, middle = (sweep.runs.length - 1) / 2;
  makeSweepKey(sweep);
  for (const { title, axis, meaning, lines, untrained, clear, same } of sweep.charts) {
    const x = layers.map((_, i) => i);
    const twins = untrained.map((values, i) => ({ x, values, colour: GREY, dash: ":", dots: 0, width: 1.3, label: i ? "" : "untrained" }));
    // Runs with the same values have one line, with all their letters.
    const series = lines.map(({ value, low, high }, i) => {
      const label = sweep.runs.filter((_, j) => same[j] === i).map((run) => run.letter).join("");
      const interval = low.some(Number.isFinite) ? { low, high, whiskers: true } : {};
      return { x, values: value, ...interval, colour: sweep.runs[i].colour, dash: "-", label, run: label, shift: DODGE * (i - middle) };
    }).filter((each) => each.label);
    const { area } = chart("sweep-charts", title, axis, { names: layers, series: [...twins, ...series], close: true, right: 64 });
    area.setAttribute("aria-label", `${title}: ${sweep.runs.map((run, i) => `${run.letter} ${layers.map((layer, l) => `${layer} ${lines[i].value[l] ?? "not measured"}`).join(", ")}`).join("; ")}`);
    area.after(chartNote(differenceText(sweep, lines, clear, same)), chartNote(meaning));
  }
}

// Where runs differ from A, in words.
function differenceText({ runs: all, layers }, lines, clear, same) {
  if (same.every((first) => first === 0)) return "The same in all runs.";
  if (!lines[0].low.some(Number.isFinite)) return "";
  const apart = all.map((run, i) => [run.letter, clear[i]]).filter(([, where]) => where.length);
  if (!apart.length) return "No run clearly differs from A.";
  return `Clearly differs from A: ${apart.map(([letter, where]) => `${letter} at ${stretches(where, layers)}`).join("; ")}.`;
}

// Layers that follow one another as "h1 to h3".
function stretches(where, layers) {
  if (where.length === layers.length) return "all layers";
  const found = [];
  for (const name of where) {
    const at = layers.indexOf(name), last = found.at(-1);
    if (last && last.end === at - 1) last.end = at;
    else found.push({ begin: at, end: at });
  }
  return found.map(({ begin, end }) => (end - begin > 1 ? `${layers[begin]} to ${layers[end]}` : layers.slice(begin, end + 1).join(", "))).join(", ");
}

// The runs, each with its colour and letter; a click leaves only that run bright.
function makeSweepKey({ runs: all }) {
  const place = document.getElementById("sweep-key");
  for (const { letter, name, colour, accuracy, same_as: same } of all) {
    const button = document.createElement("button"), about = document.createElement("span"), swatch = document.createElement("span");
    button.type = "button";
    button.dataset.run = letter;
    button.setAttribute("aria-pressed", "false");
    swatch.className = "swatch";
    swatch.style.background = colour;
    about.className = "hint";
    about.textContent = [accuracy === null ? "" : `accuracy ${(100 * accuracy).toFixed(2)}%`, same ? `identical to ${same} in every prediction, map and measure` : ""].filter(Boolean).join("; ");
    button.append(swatch, ` ${letter}: ${name} `, about);
    button.addEventListener("click", () => brighten(button.getAttribute("aria-pressed") === "true" ? null : letter));
    place.append(button);
  }
}

function brighten(letter) {
  for (const button of document.querySelectorAll("#sweep-key button")) button.setAttribute("aria-pressed", String(button.dataset.run === letter));
  for (const line of document.querySelectorAll("#sweep-charts [data-run]")) line.classList.toggle("faint", letter !== null && !line.dataset.run.includes(letter));
}

if (payload.sweep) addPanel(sweepCharts);
