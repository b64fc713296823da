// The large map: one slider moves its points from each layer's map to the next, another moves them through training.

const timeSlider = document.getElementById("time"); // only where weights were kept
const slider = document.getElementById("depth");
const playButton = document.getElementById("play");
const SECONDS_PER_LAYER = 1.6;
let playing = null;

// The maps that the large map is interpolated from (two layers at two times), and their weights, which sum to 1.
function corners(run) {
  const around = (value, last) => {
    const low = Math.min(Math.floor(value), last), share = value - low;
    return share ? [[low, 1 - share], [Math.min(low + 1, last), share]] : [[low, 1]];
  };
  return around(state.time, run.times.length - 1).flatMap(([time, part]) =>
    around(state.depth, layerNames.length - 1).map(([layer, share]) => ({ map: run.times[time][layer], weight: part * share })));
}

function drawLargeMaps() {
  for (const view of views.filter((each) => each.large)) {
    const parts = corners(view.run);
    const x = new Float32Array(count), y = new Float32Array(count);
    for (const { map, weight } of parts) {
      for (let row = 0; row < count; row++) {
        x[row] += weight * map.x[row];
        y[row] += weight * map.y[row];
      }
    }
    const kept = view.colouredFor === shownLayer() + state.colour;
    const colour = kept ? view.source.data.colour : coloursOf(view.run, view.layer);
    view.colouredFor = shownLayer() + state.colour;
    view.source.data = { x, y, colour };
    for (const { map } of parts) map.square ??= squareAround(map.x, map.y);
    const between = (name) => parts.reduce((sum, { map, weight }) => sum + weight * map.square[name], 0);
    view.fit({ x: between("x"), y: between("y"), half: between("half") });
    const names = [...new Set(parts.map(({ map }) => map.name))].join(" → ");
    view.element.parentElement.querySelector(".layer").textContent = timeNames.length ? `${names}, ${timeText()}` : names;
  }
  if (timeSlider) timeSlider.setAttribute("aria-valuetext", timeText());
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

function moveTo(depth) {
  slider.value = depth;
  setDepth(depth);
}

// Very close to a map, the slider snaps to it; arrow keys go from map to map.
function followSlider(element, last, value, set) {
  element.addEventListener("input", () => {
    stopPlaying();
    const wanted = Number(element.value), nearest = Math.round(wanted);
    set(Math.abs(wanted - nearest) < 0.04 ? nearest : wanted);
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
when("layer", describeMaps);
when("colour", drawLargeMaps);
when("visible", describeMaps);
when("selection", describeMaps);
