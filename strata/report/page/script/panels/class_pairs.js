// Pairs of classes: the course of each over the layers, the least separable first; and a matrix for each layer.

const MAX_PAIRED = 40; // the first 40 classes, as in the page's data
const pairedClasses = classes.slice(0, MAX_PAIRED);
const pairSlider = document.getElementById("pair-depth");
const pairsByRun = runs.map((run) => new Map(rowsOf(run.pairs).map((row) => [`${row.control} ${row.layer} ${row.class} ${row.other_class}`, row])));

function pairRow(r, layer, first, second, network = "none") {
  return pairsByRun[r].get(`${network} ${layer} ${Math.min(first, second)} ${Math.max(first, second)}`);
}

function separability(r, layer, first, second) {
  return pairRow(r, layer, first, second)?.separability;
}

// A pair's value by layer with its interval; NaN where there is none.
function pairCourse(r, first, second, network) {
  const rows = layerNames.map((layer) => pairRow(r, layer, first, second, network)), column = (name) => rows.map((row) => row?.[name] ?? NaN);
  return { values: column("separability"), low: column("low"), high: column("high") };
}

function makeLadders() {
  runs.forEach((_, r) => {
    const table = document.getElementById(`ladder-${r}`), head = table.createTHead().insertRow(), body = table.createTBody();
    if (classes.length > MAX_PAIRED) table.caption.append(` (the first ${MAX_PAIRED} of ${classes.length} classes)`);
    head.append(document.createElement("td"), ...pairedClasses.map((name) => headCell(name, "col")));
    pairedClasses.forEach((name, first) => {
      const line = body.insertRow();
      line.append(headCell(name, "row"));
      pairedClasses.forEach((other, second) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.pair = `${first} ${second}`;
        // The keyboard reaches each pair once.
        if (second > first) button.tabIndex = -1;
        button.addEventListener("click", () => selectPair(first, second));
        line.insertCell().append(button);
      });
    });
  });
}

function drawLadders() {
  const layer = layerNames[Number(pairSlider.value)];
  document.getElementById("pair-layer").textContent = layer;
  pairSlider.setAttribute("aria-valuetext", layer);
  runs.forEach((_, r) => {
    for (const button of document.querySelectorAll(`#ladder-${r} button`)) {
      const [first, second] = button.dataset.pair.split(" ").map(Number);
      const value = separability(r, layer, first, second);
      const known = value !== null && value !== undefined;
      // A pair's scale starts at one half (mixed), a single class's at 0.
      const colour = known ? onScale(value, first === second ? 0 : 0.5, 1) : GREY;
      button.textContent = known ? Math.round(100 * value) : "–";
      button.style.background = colour;
      button.style.color = isDark(colour) ? "#fff" : "#000";
      button.setAttribute("aria-label", pairText(layer, first, second, known ? percent(value) : "not measured"));
      button.title = button.getAttribute("aria-label");
    }
  });
}

function pairText(layer, first, second, value) {
  return first === second
    ? `${layer}: ${value} of the neighbours of class ${classes[first]} are of that class`
    : `${layer}: classes ${classes[first]} and ${classes[second]} are ${value} apart`;
}

function isDark(colour) {
  // White has more contrast than black where the relative luminance (WCAG 2) is below 0.18.
  const [red, green, blue] = [1, 3, 5].map((place) => (parseInt(colour.slice(place, place + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18;
}

function selectPair(first, second) {
  select(visibleRows().filter((row) => labels[row] === first || labels[row] === second));
}

// One button per pair, with its course; the pairs that are mixed most at the first layer come first.
const MAX_SPARKS = 45;

function makeSparks() {
  const found = [];
  for (let first = 0; first < pairedClasses.length; first++) {
    for (let second = first + 1; second < pairedClasses.length; second++) {
      const courses = runs.map((_, r) => pairCourse(r, first, second, "none"));
      if (courses[0].values.some(Number.isFinite)) found.push({ first, second, courses, twin: pairCourse(0, first, second, "untrained") });
    }
  }
  const start = ({ courses }) => courses[0].values.find(Number.isFinite) ?? 1;
  found.sort((a, b) => start(a) - start(b) || a.first - b.first || a.second - b.second);
  document.getElementById("sparks").append(...found.slice(0, MAX_SPARKS).map(sparkOf));
  if (found.length > MAX_SPARKS) document.getElementById("sparks").after(chartNote(`The ${MAX_SPARKS} pairs that are mixed most at ${layerNames[0]}, of ${found.length}.`));
}

function sparkOf({ first, second, courses, twin }) {
  const button = document.createElement("button"), name = document.createElement("span"), ends = document.createElement("span");
  button.type = "button";
  button.dataset.spark = `${first} ${second}`;
  name.textContent = `${classes[first]} · ${classes[second]}`;
  name.className = "pair";
  const { values } = courses[0], rises = values.slice(1).map((value, i) => value - values[i]), step = rises.indexOf(Math.max(...rises.filter(Number.isFinite)));
  ends.textContent = [values[0], values.at(-1)].map((value) => (Number.isFinite(value) ? Math.round(100 * value) : "–")).join("→");
  ends.className = "ends";
  button.append(name, " ", ...courses.map((course, r) => sparkline(course.values, { low: 0.5, mark: r ? -1 : step + 1, colour: r ? "#e76300" : "var(--link)", band: course, control: twin })), ends);
  const told = (course) => layerNames.map((layer, i) => `${layer} ${percent(course.values[i])}`).join(", ");
  button.title = [...courses.map((course, r) => `${runs.length > 1 ? `${"AB"[r]}: ` : ""}${told(course)}`), ...(twin.values.some(Number.isFinite) ? [`untrained: ${told(twin)}`] : [])].join("; ");
  button.setAttribute("aria-label", `${name.textContent} ${ends.textContent}: ${button.title}`);
  button.addEventListener("click", () => {
    if (step >= 0) moveTo(step + 1);
    selectPair(first, second);
    document.getElementById("maps").scrollIntoView({ block: "nearest" });
  });
  return button;
}

pairSlider?.addEventListener("input", drawLadders);
if (known.labels) for (const draw of [makeSparks, makeLadders, drawLadders]) addPanel(draw, true);
else if (pairSlider) document.getElementById("pairs").hidden = true;
