// One map: its points on a canvas, what part of it is shown, and what the reader does on it.

const views = [];
const CLICK = 4; // pixels that a pointer may move in a click
const IMAGES_UP_TO = 260; // images replace dots when no more samples than this are in a map that is zoomed in

function markerSize(large) {
  return (large ? 6 : 3.4) * Math.min(1.6, Math.max(0.42, (1000 / count) ** 0.22));
}

class MapView {
  // `layerIndex` is null in a large map, whose points follow the slider.
  constructor(element, runIndex, layerIndex) {
    this.element = element;
    this.runIndex = runIndex;
    this.run = runs[runIndex];
    this.layerIndex = layerIndex;
    this.large = layerIndex === null;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "points";
    this.overlay = document.createElement("canvas");
    this.overlay.className = "overlay";
    this.marks = document.createElement("canvas");
    this.marks.className = "marks";
    element.append(this.canvas, this.overlay, this.marks);
    for (const canvas of [this.overlay, this.marks]) canvas.hidden = true; // a canvas costs in every frame, even an empty one
    this.measure();
    this.places = this.layer;
    this.square = squareAround(this.layer.x, this.layer.y);
    this.window = { ...this.square }; // the part of the map that is shown
    this.shape = null; // corners of the shape being drawn, in pixels
    views.push(this);
  }

  // The layer whose neighbours are shown.
  get layer() {
    return this.run.layers[this.large ? shownLayer() : this.layerIndex];
  }

  get xs() {
    return this.places.x;
  }

  get ys() {
    return this.places.y;
  }

  attach() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => this.begin(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.end(event));
    element.addEventListener("pointercancel", () => { this.shape = null; scheduleDraw(this, MARKS); });
    element.addEventListener("pointerleave", (event) => { if (!this.shape && event.pointerType !== "touch") pointAt(this, null); });
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("dblclick", () => this.resetView());
    new ResizeObserver(() => {
      this.measure();
      scheduleDraw(this);
    }).observe(element);
  }

  // The map's inside in pixels, kept: to ask for it would have the browser lay the page out before each picture.
  measure() {
    const { clientWidth, clientHeight, clientLeft, clientTop } = this.element;
    this.inside = { width: clientWidth, height: clientHeight, left: clientLeft, top: clientTop };
  }

  resetView() {
    this.window = { ...this.square };
    scheduleDraw(this);
    changed("window");
  }

  // Whether the reader has zoomed or moved the map.
  get touched() {
    return ["x", "y", "half"].some((name) => this.window[name] !== this.square[name]);
  }

  get zoomed() {
    return this.square.half / this.window.half;
  }

  // A large map fits every layer, unless the reader has zoomed or moved it.
  fit(square) {
    const { touched } = this;
    this.square = square;
    if (!touched) this.window = { ...square };
  }

  // Pixels of the map's inside for its coordinates.
  get scale() {
    const { width, height } = this.inside, { x, y, half } = this.window;
    const perX = Math.min(width, height) / (2 * half), left = width / 2 - x * perX, bottom = height / 2 + y * perX;
    return { perX, perY: perX, left, bottom, x: (value) => left + value * perX, y: (value) => bottom - value * perX };
  }

  at(event) {
    const box = this.element.getBoundingClientRect();
    const sx = event.clientX - box.left - this.inside.left, sy = event.clientY - box.top - this.inside.top;
    const { left, bottom, perX } = this.scale;
    return { sx, sy, x: (sx - left) / perX, y: (bottom - sy) / perX };
  }

  begin(event) {
    if (event.button !== 0) return;
    const start = this.at(event);
    // A finger scrolls the page; it draws shapes only in the large map, once a tool for it is chosen.
    this.touch = event.pointerType === "touch" && !(this.large && state.touchDraws);
    this.shape = { tool: state.tool, corners: [[start.sx, start.sy]], window: { ...this.window }, moved: false };
    if (!this.touch) this.element.setPointerCapture(event.pointerId);
  }

  move(event) {
    const here = this.at(event), { shape } = this;
    if (!shape) return event.pointerType === "touch" ? undefined : pointAt(this, here);
    const [x0, y0] = shape.corners[0];
    if (!shape.moved && Math.hypot(here.sx - x0, here.sy - y0) < CLICK) return undefined;
    shape.moved = true;
    if (this.touch) return undefined;
    pointAt(this, null);
    if (shape.tool === "pan") {
      const { perX } = this.scale;
      this.window = { ...this.window, x: shape.window.x - (here.sx - x0) / perX, y: shape.window.y + (here.sy - y0) / perX };
    } else if (shape.tool === "box") {
      shape.corners = [[x0, y0], [here.sx, y0], [here.sx, here.sy], [x0, here.sy]];
    } else {
      shape.corners.push([here.sx, here.sy]);
    }
    return scheduleDraw(this, shape.tool === "pan" ? ALL : MARKS);
  }

  end(event) {
    const { shape } = this, mode = event.shiftKey ? "append" : event.altKey || event.ctrlKey || event.metaKey ? "subtract" : "replace";
    this.shape = null;
    if (!shape || (this.touch && shape.moved)) return;
    if (!shape.moved) this.tap(this.at(event), mode, event.pointerType === "touch");
    else if (shape.tool !== "pan") this.selectInside(shape.corners, mode);
    else changed("window");
    scheduleDraw(this, MARKS);
  }

  wheel(event) {
    const out = event.deltaY > 0;
    if (out && this.zoomed <= 1.001) return; // nothing to zoom out of: the page scrolls
    event.preventDefault();
    const { x, y } = this.at(event), factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY / 500)));
    const half = Math.min(this.square.half, Math.max(this.square.half / 400, this.window.half * factor)), by = half / this.window.half;
    this.window = half === this.square.half ? { ...this.square }
      : { x: x + (this.window.x - x) * by, y: y + (this.window.y - y) * by, half };
    scheduleDraw(this);
    changed("window");
  }

  // A click on a small map brings it into the large one; on the large map it selects.
  tap(here, mode, touch) {
    if (!this.large) {
      moveTo(this.layerIndex);
      return;
    }
    const row = this.nearest(here.x, here.y);
    if (row !== null) select([row], mode);
    else if (mode === "replace") select([]);
    if (touch && row !== null) showCardBelow(row, this.runIndex);
  }

  selectInside(corners, mode) {
    const { left, bottom, perX } = this.scale, rows = [], { xs, ys } = this;
    const px = corners.map(([x]) => (x - left) / perX), py = corners.map(([, y]) => (bottom - y) / perX);
    const [low, high, under, over] = [Math.min(...px), Math.max(...px), Math.min(...py), Math.max(...py)];
    for (let row = 0; row < count; row++) {
      const x = xs[row], y = ys[row];
      if (state.visible[row] && x >= low && x <= high && y >= under && y <= over && insidePolygon(x, y, px, py)) rows.push(row);
    }
    select(rows, mode);
  }

  // The visible sample nearest to a position, if it is within some pixels.
  nearest(x, y, pixels = 12) {
    const { xs, ys } = this;
    let best = null, least = (pixels / this.scale.perX) ** 2;
    for (let row = 0; row < count; row++) {
      if (!state.visible[row]) continue;
      const distance = (xs[row] - x) ** 2 + (ys[row] - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  // The visible rows in the part that is shown.
  rowsInside() {
    const { x, y, half } = this.window, { xs, ys } = this;
    return visibleRows().filter((row) => Math.abs(xs[row] - x) < half && Math.abs(ys[row] - y) < half);
  }

  draw() {
    drawPoints(this, this.canvas, window.devicePixelRatio || 1);
    drawOverlay(this);
  }
}

// The points of a map on a canvas of the map's size times `pixels`.
function drawPoints(view, canvas, pixels) {
  const width = Math.round(view.inside.width * pixels), height = Math.round(view.inside.height * pixels);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
  const few = payload.sprite && view.large && view.zoomed > 2.5 ? view.rowsInside() : null;
  if (few && few.length <= IMAGES_UP_TO) {
    context.clearRect(0, 0, width, height);
    drawImages(view, context, few, pixels);
    return;
  }
  const points = { x: view.xs, y: view.ys, colours: colourNumbers(view.run, view.layer) };
  paintPoints(picture, points, state.visible, inPixels(view.scale, pixels), (markerSize(view.large) * pixels) / 2, 0.85);
  context.putImageData(picture, 0, 0);
}

function inPixels({ left, bottom, perX, perY }, pixels) {
  return { left: left * pixels, bottom: bottom * pixels, perX: perX * pixels, perY: perY * pixels };
}

// Each sample's image at its place, in a frame of its colour.
function drawImages(view, context, rows, pixels) {
  const { scale } = view, { palette, at } = COLOURS[state.colour], place = at(view.run, view.layer);
  const side = Math.max(14, Math.min(44, (view.inside.width / Math.sqrt(rows.length + 1)) * 0.7));
  const width = (side * IMAGE_WIDTH) / Math.max(IMAGE_WIDTH, IMAGE_HEIGHT), height = (side * IMAGE_HEIGHT) / Math.max(IMAGE_WIDTH, IMAGE_HEIGHT);
  context.imageSmoothingEnabled = false;
  for (const row of rows) {
    const x = scale.x(view.xs[row]) - width / 2, y = scale.y(view.ys[row]) - height / 2;
    context.fillStyle = palette[place(row)];
    context.fillRect((x - 2) * pixels, (y - 2) * pixels, (width + 4) * pixels, (height + 4) * pixels);
    if (!drawImageAt(context, row, x * pixels, y * pixels, width * pixels, height * pixels)) sheetOf(row).ready.then(() => scheduleDraw(view));
  }
}

function insidePolygon(x, y, xs, ys) {
  let inside = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) inside = !inside;
  }
  return inside;
}

function makeMaps() {
  runs.forEach((_, r) => new MapView(document.querySelector(`#large-${r} .plot`), r, null));
  runs.forEach((run, r) => run.layers.forEach((_, l) => new MapView(document.querySelector(`#map-${r}-${l} .plot`), r, l)));
  for (const view of views) {
    view.element.setAttribute("role", view.large ? "application" : "img");
    if (view.large) view.element.tabIndex = 0;
    view.attach();
  }
}

// Maps that wait to be drawn, all at the next frame: only the marks, or the selection, too, or all.
const MARKS = 0, OVERLAY = 1, ALL = 2;
const waiting = new Map();

function scheduleDraw(view, depth = ALL) {
  if (!waiting.size) requestAnimationFrame(drawWaiting);
  waiting.set(view, Math.max(depth, waiting.get(view) ?? MARKS));
}

function drawWaiting() {
  const drawn = [...waiting];
  waiting.clear();
  const how = [drawMarks, drawOverlay, (view) => view.draw()];
  for (const [view, depth] of drawn) how[depth](view);
}

for (const change of ["visible", "colour"]) when(change, () => views.forEach((view) => scheduleDraw(view)));
