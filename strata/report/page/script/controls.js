// Colours, filters, tools, search and theme.

const control = (id) => document.getElementById(id);
const classBoxes = [...document.querySelectorAll("#classes input")];
const filterBoxes = ["only-wrong", "only-late", "only-doubtful"].map(control); // null where that is not known
const toolChoices = [...document.querySelectorAll("input[name=tool]")];

function isDoubtful(row) {
  return runs.some((run) => run.layers[shownLayer()].false_neighbours[row] >= 0.5);
}

function applyFilters() {
  const shown = classBoxes.map((box) => box.checked);
  const [wrong, late, doubtful] = filterBoxes.map((box) => box?.checked);
  const visible = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    visible[row] = (!labels || shown[labels[row]])
      && (!wrong || runs.some((run) => isWrong(run, row)))
      && (!late || runs.some((run) => run.late[row] === 1))
      && (!doubtful || isDoubtful(row)) ? 1 : 0;
  }
  setVisible(visible);
}

function setClasses(checked) {
  for (const box of classBoxes) box.checked = checked;
  applyFilters();
}

function describeState() {
  const visible = visibleRows().length, selected = selectedRows().length;
  control("status").textContent =
    `${visible.toLocaleString("en")} of ${count.toLocaleString("en")} samples shown, ${selected.toLocaleString("en")} selected`;
}

function search() {
  const text = control("search").value.trim();
  if (!text) return;
  const row = /^\d+$/.test(text) ? rowOfId.get(Number(text)) : undefined;
  if (row === undefined) {
    control("status").textContent = `there is no sample ${text} on this page`;
  } else if (!state.visible[row]) {
    control("status").textContent = `sample ${text} is hidden by the filters`;
  } else {
    select([row]);
  }
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  control("theme").textContent = dark ? "Light" : "Dark";
  control("theme").setAttribute("aria-pressed", String(dark));
  changed("theme");
}

for (const box of [...classBoxes, ...filterBoxes]) {
  box?.addEventListener("change", applyFilters);
}
control("all-classes")?.addEventListener("click", () => setClasses(true));
control("no-classes")?.addEventListener("click", () => setClasses(false));
control("colour").addEventListener("change", (event) => {
  state.colour = event.target.value;
  changed("colour");
});
for (const choice of toolChoices) {
  choice.addEventListener("change", () => {
    state.tool = choice.value;
    views.forEach((view) => view.useTool(state.tool));
  });
}
control("reset-view").addEventListener("click", () => views.forEach((view) => view.resetView()));
control("clear").addEventListener("click", () => select([]));
control("search").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); search(); } });
control("search").addEventListener("change", search);
control("controls").addEventListener("submit", (event) => event.preventDefault());
control("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
when("selection", describeState);
when("layer", () => {
  control("doubt-layer").textContent = layerNames[shownLayer()];
  if (control("only-doubtful").checked) applyFilters();
});
