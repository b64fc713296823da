// The large map: its points move from each layer's map to the next one's with the slider.

const slider = document.getElementById("depth");
const playButton = document.getElementById("play");
const SECONDS_PER_LAYER = 1.6;
let playing = null;

function drawLargeMaps() {
  const first = Math.min(Math.floor(state.depth), layerNames.length - 1), last = Math.min(first + 1, layerNames.length - 1);
  const share = state.depth - first;
  for (const view of views.filter((each) => each.large)) {
    const from = view.run.layers[first], to = view.run.layers[last];
    const x = new Float32Array(count), y = new Float32Array(count);
    for (let row = 0; row < count; row++) {
      x[row] = share ? from.x[row] + share * (to.x[row] - from.x[row]) : from.x[row];
      y[row] = share ? from.y[row] + share * (to.y[row] - from.y[row]) : from.y[row];
    }
    const kept = view.colouredFor === shownLayer() + state.colour;
    const colour = kept ? view.source.data.colour : coloursOf(view.run, view.layer);
    view.colouredFor = shownLayer() + state.colour;
    view.source.data = { x, y, colour };
    const [here, next] = [from, to].map((layer) => (layer.square ??= squareAround(layer.x, layer.y)));
    const between = (name) => here[name] + share * (next[name] - here[name]);
    view.fit({ x: between("x"), y: between("y"), half: between("half") });
    view.element.parentElement.querySelector(".layer").textContent =
      share ? `${layerNames[first]} → ${layerNames[last]}` : layerNames[first];
  }
}

function describeMaps() {
  for (const view of views) {
    const of = runs.length > 1 ? ` of ${view.run.name}` : "";
    view.element.setAttribute(
      "aria-label", `t-SNE map${of}, layer ${view.layer.name}: ${visibleRows().length} samples, ${selectedRows().length} selected`);
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

slider.addEventListener("input", () => {
  stopPlaying();
  // Within a hair of a layer the slider rests on it.
  const depth = Number(slider.value), nearest = Math.round(depth);
  setDepth(Math.abs(depth - nearest) < 0.04 ? nearest : depth);
});
slider.addEventListener("keydown", (event) => {
  // Arrows go from layer to layer.
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  stopPlaying();
  moveTo(Math.min(layerNames.length - 1, Math.max(0, Math.round(state.depth) + step)));
});
slider.addEventListener("change", () => { slider.value = state.depth; });
playButton.addEventListener("click", () => (playing === null ? startPlaying() : stopPlaying()));
when("depth", drawLargeMaps);
when("layer", describeMaps);
when("colour", drawLargeMaps);
when("visible", describeMaps);
when("selection", describeMaps);
