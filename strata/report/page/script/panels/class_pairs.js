// The ladder of class pairs: how separable each pair is at each layer. A cell selects its pair in all maps.

const MAX_PAIRED = 40; // the first 40 classes, as in the page's data
const pairedClasses = classes.slice(0, MAX_PAIRED);
const pairSlider = document.getElementById("pair-depth");
const pairsByRun = runs.map((run) => {
  const table = new Map();
  for (const row of rowsOf(run.pairs)) table.set(`${row.layer} ${row.class} ${row.other_class}`, row.separability);
  return table;
});

function separability(r, layer, first, second) {
  return pairsByRun[r].get(`${layer} ${Math.min(first, second)} ${Math.max(first, second)}`);
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

function headCell(name, scope) {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = name;
  return cell;
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
      button.style.color = isDark(colour) ? "#fff" : "#111";
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
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  return 0.3 * red + 0.59 * green + 0.11 * blue < 140;
}

function selectPair(first, second) {
  select(visibleRows().filter((row) => labels[row] === first || labels[row] === second));
}

if (pairSlider) {  // without labels there are no pairs
  pairSlider.addEventListener("input", drawLadders);
  addPanel(makeLadders);
  addPanel(drawLadders);
}
