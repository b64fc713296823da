// Colours, filters, tools, search and theme.

const control = (id) => document.getElementById(id);
const classBoxes = [...document.querySelectorAll("#classes input")];
const toolChoices = [...document.querySelectorAll("input[name=tool]")];
const shownClasses = classes.map(() => true);
const ranges = {}; // histogram -> { low, high, value: () => (row) => number }: what its brush leaves

function isDoubtful(row) {
  return runs.some((run) => run.layers[shownLayer()].false_neighbours[row] >= 0.5);
}

// What a sample must be to be shown: only the conditions that leave something out.
function conditions() {
  const all = Object.values(ranges).map(({ low, high, value }) => {
    const of = value();
    return (row) => of(row) >= low && of(row) <= high;
  });
  if (known.labels && !shownClasses.every(Boolean)) all.push((row) => shownClasses[labels[row]]);
  if (control("only-wrong")?.checked) all.push((row) => runs.some((run) => isWrong(run, row)));
  if (control("only-late")?.checked) all.push((row) => runs.some((run) => run.late[row] === 1));
  if (control("only-doubtful")?.checked) all.push(isDoubtful);
  return all;
}

function applyFilters() {
  classBoxes.forEach((box) => { shownClasses[Number(box.value)] = box.checked; });
  const visible = new Uint8Array(count).fill(1);
  for (const fits of conditions()) for (let row = 0; row < count; row++) if (visible[row] && !fits(row)) visible[row] = 0;
  setVisible(visible);
}

function setClasses(checked) {
  for (const box of classBoxes) box.checked = checked;
  applyFilters();
}

function resetFilters() {
  for (const box of classBoxes) box.checked = true;
  for (const id of ["only-wrong", "only-late", "only-doubtful"]) if (control(id)) control(id).checked = false;
  for (const name of Object.keys(ranges)) delete ranges[name];
  changed("ranges");
  applyFilters();
}

function say(text) {
  control("status").textContent = text;
}

function describeState() {
  const visible = visibleRows().length, selected = selectedRows().length;
  say(`${visible.toLocaleString("en")} of ${count.toLocaleString("en")} samples shown, ${selected.toLocaleString("en")} selected`);
}

// A sample by its id, or all samples of a label: its name, or "label 4" where a name is an id, too.
function search() {
  const text = control("search").value.trim();
  if (!text) return;
  const row = /^\d+$/.test(text) ? rowOfId.get(Number(text)) : undefined;
  const label = known.labels ? classes.indexOf(text.replace(/^label\s+/i, "")) : -1;
  if (row === undefined && label >= 0) {
    select(visibleRows().filter((each) => labels[each] === label));
  } else if (row === undefined) {
    say(`there is no sample ${text} on this page`);
  } else if (!state.visible[row]) {
    say(`sample ${text} is hidden by the filters`);
  } else {
    select([row]);
  }
}

// The sample and its nearest in the shown layer.
function selectLike(row) {
  const { neighbours, k } = runs[0].layers[shownLayer()];
  select([row, ...Array.from(neighbours.subarray(row * k, row * k + k)).filter((each) => each >= 0)]);
}

function chooseColour(name) {
  control("colour").value = name;
  setColour(name);
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  control("theme").textContent = dark ? "Light" : "Dark";
  control("theme").setAttribute("aria-pressed", String(dark));
  changed("theme");
}

for (const box of [...classBoxes, control("only-wrong"), control("only-late"), control("only-doubtful")]) {
  box?.addEventListener("change", applyFilters);
}
control("all-classes")?.addEventListener("click", () => setClasses(true));
control("no-classes")?.addEventListener("click", () => setClasses(false));
for (const option of [...control("colour").options]) if (!known[COLOURS[option.value].needs]) option.remove();
control("colour").value = state.colour;
control("colour").addEventListener("change", (event) => setColour(event.target.value));
for (const choice of toolChoices) {
  choice.addEventListener("change", () => {
    state.tool = choice.value;
    state.touchDraws = true;
    document.body.dataset.tool = state.tool;
  });
}
control("reset-view").addEventListener("click", () => views.forEach((view) => view.resetView()));
control("reset-filters").addEventListener("click", resetFilters);
control("clear").addEventListener("click", () => select([]));
control("select-shown").addEventListener("click", () => select(visibleRows()));
control("show-names").addEventListener("change", (event) => {
  state.names = event.target.checked;
  changed("names");
});
control("search").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); search(); } });
control("search").addEventListener("change", search);
control("controls").addEventListener("submit", (event) => event.preventDefault());
control("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
control("more").addEventListener("click", () => showMore(control("advanced").hidden));

function showMore(open) {
  control("advanced").hidden = !open;
  control("more").setAttribute("aria-expanded", String(open));
  changed("more");
}

when("selection", describeState);
when("layer", () => {
  if (control("doubt-layer")) control("doubt-layer").textContent = layerNames[shownLayer()];
  if (control("only-doubtful")?.checked || Object.values(ranges).some((range) => range.ofLayer)) applyFilters();
});
