// The large map: one slider moves its points from each layer's map to the next, another moves them through training.

const timeSlider = document.getElementById("time"); // only where weights were kept
const slider = document.getElementById("depth");
const playButton = document.getElementById("play");
const SECONDS_PER_LAYER = 1.6;
let playing = null;

// The map at a depth: between the maps of two layers, at one time of training.
function mapAt(maps, depth) {
  const low = Math.min(Math.floor(depth), maps.length - 1), high = Math.min(low + 1, maps.length - 1), share = depth - low;
  for (const map of [maps[low], maps[high]]) map.square ??= squareAround(map.x, map.y);
  const square = (name) => maps[low].square[name] + share * (maps[high].square[name] - maps[low].square[name]);
  return { ...between(maps[low], maps[high], share), square: { x: square("x"), y: square("y"), half: square("half") },
           names: share ? [maps[low].name, maps[high].name] : [maps[low].name] };
}

// The map at the shown depth and time: a straight line between the two times about it, whose maps lie on each other.
function mapNow(run) {
  const low = Math.min(Math.floor(state.time), run.times.length - 1), share = state.time - low;
  const here = mapAt(run.times[low], state.depth);
  if (!share) return here;
  const there = mapAt(run.times[low + 1], state.depth);
  const mix = (one, other) => one + share * (other - one);
  return { x: here.x.map((value, row) => mix(value, there.x[row])), y: here.y.map((value, row) => mix(value, there.y[row])),
           square: Object.fromEntries(["x", "y", "half"].map((name) => [name, mix(here.square[name], there.square[name])])), names: here.names };
}

function drawLargeMaps() {
  for (const view of views.filter((each) => each.large)) {
    const map = mapNow(view.run);
    view.places = map;
    view.fit(map.square);
    const names = map.names.join(" → ");
    setText(view.element.parentElement.querySelector(".layer"), timeNames.length ? `${names}, ${timeText()}` : names);
    scheduleDraw(view);
  }
  const shown = runs[0].layers[shownLayer()];
  setText(document.getElementById("about"), shown.about);
  slider.setAttribute("aria-valuetext", `${shown.name}: ${shown.about}`);
  if (timeSlider) timeSlider.setAttribute("aria-valuetext", timeText());
  for (const view of views) if (!view.large) view.element.parentElement.classList.toggle("shown", view.layerIndex === shownLayer());
}

// A text that stays the same costs no layout.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function timeText() {
  const name = (index) => (index === timeNames.length ? "trained" : `${timeNames[index]} epoch${timeNames[index] === "1" ? "" : "s"}`);
  const low = Math.floor(state.time), high = Math.ceil(state.time);
  return low === high ? name(low) : `${name(low)} → ${name(high)}`;
}

function describeMaps() {
  for (const view of views) {
    const of = runs.length > 1 ? ` of ${view.run.name}` : "";
    view.element.setAttribute(
      "aria-label", `${view.run.method.title} map${of}, layer ${view.layer.name}: ${visibleRows().length} samples, ${selectedRows().length} selected`);
  }
}

function stopPlaying() {
  cancelAnimationFrame(playing);
  playing = null;
  playButton.textContent = "▶ play";
  playButton.setAttribute("aria-pressed", "false");
}

function startPlaying() {
  const end = layerNames.length - 1;
  if (state.depth >= end) moveTo(0);
  playButton.textContent = "❚❚ pause";
  playButton.setAttribute("aria-pressed", "true");
  // Readers who want no motion see one layer after another.
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const from = state.depth, begin = performance.now();
  const step = (now) => {
    const passed = from + (now - begin) / 1000 / SECONDS_PER_LAYER;
    const depth = Math.min(end, still ? Math.floor(passed) : eased(passed));
    if (depth !== state.depth) moveTo(depth);
    if (depth >= end) stopPlaying();
    else playing = requestAnimationFrame(step);
  };
  playing = requestAnimationFrame(step);
}

// Rest a while at each layer.
function eased(depth) {
  const whole = Math.floor(depth), part = Math.min(1, Math.max(0, (depth - whole - 0.2) / 0.6));
  return whole + part * part * (3 - 2 * part);
}

function showTime(time) {
  timeSlider.value = time;
  setTime(time);
}

function moveTo(depth) {
  slider.value = depth;
  setDepth(depth);
}

// Very close to a map, the slider snaps to it; arrow keys go from map to map.
function followSlider(element, last, value, set) {
  element.addEventListener("input", () => {
    stopPlaying();
    const wanted = Number(element.value), nearestMap = Math.round(wanted);
    set(Math.abs(wanted - nearestMap) < 0.04 ? nearestMap : wanted);
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    stopPlaying();
    set(Math.min(last, Math.max(0, Math.round(value()) + step)));
    element.value = value();
  });
  element.addEventListener("change", () => { element.value = value(); });
}

followSlider(slider, layerNames.length - 1, () => state.depth, setDepth);
if (timeSlider) followSlider(timeSlider, timeNames.length, () => state.time, setTime);
playButton.addEventListener("click", () => (playing === null ? startPlaying() : stopPlaying()));
when("depth", drawLargeMaps);
for (const change of ["layer", "visible", "selection"]) when(change, describeMaps);
