// What lies over the points: the selection, bright on a veil, rings around a sample and its neighbours, its trail, names.

// A canvas of a map, emptied, in the map's size; null while the map is not laid out, and hidden where nothing is drawn.
function cleared(view, canvas, pixels, used) {
  const width = Math.round(view.inside.width * pixels), height = Math.round(view.inside.height * pixels);
  if (!width || !height) return null;
  const resized = canvas.width !== width || canvas.height !== height, wasEmpty = canvas.hidden;
  if (resized) Object.assign(canvas, { width, height });
  canvas.hidden = !used;
  if (resized || (wasEmpty && !used)) return used ? canvas.getContext("2d") : null;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  return used ? context : null;
}

function drawOverlay(view) {
  const pixels = window.devicePixelRatio || 1, context = cleared(view, view.overlay, pixels, selectedRows().length > 0);
  if (context) drawSelection(view, context, pixels);
  if (view.large) placeNames(view);
  drawMarks(view);
}

// What follows the pointer has a canvas of its own, so that the rest stays as it is.
function drawMarks(view) {
  const shape = view.shape?.moved && view.shape.tool !== "pan";
  const pixels = window.devicePixelRatio || 1, context = cleared(view, view.marks, pixels, shape || state.focus !== null);
  view.element.classList.toggle("quiet", Boolean(state.focus?.pinned)); // the trail has names, too
  if (!context) return;
  context.setTransform(pixels, 0, 0, pixels, 0, 0);
  if (state.focus) {
    if (view.large && state.focus.pinned) drawTrail(view, context);
    drawNeighbours(view, context);
  }
  if (shape) drawShape(view, context);
}

function veilNumber() {
  const parts = getComputedStyle(document.documentElement).getPropertyValue("--veil").split(",").map(Number);
  return ((199 << 24) | (parts[2] << 16) | (parts[1] << 8) | parts[0]) >>> 0;
}

function drawSelection(view, context, pixels) {
  const { width, height } = view.overlay, picture = context.createImageData(width, height);
  new Uint32Array(picture.data.buffer).fill(veilNumber());
  const points = { x: view.xs, y: view.ys, colours: colourNumbers(view.run, view.layer) };
  paintPoints(picture, points, selectedMask(), inPixels(view.scale, pixels), (markerSize(view.large) / 2 + 0.4) * pixels, 1);
  context.putImageData(picture, 0, 0);
  if (payload.sprite && view.large && view.zoomed > 2.5) {
    const few = view.rowsInside();
    if (few.length <= IMAGES_UP_TO) drawImages(view, context, few.filter((row) => state.selected[row]), pixels);
  }
}

// Rings in every map: a thick one around the sample, thin ones around its nearest neighbours in the layer pointed at.
function drawNeighbours(view, context) {
  const { row, layer } = state.focus;
  const { neighbours, k } = view.run.layers[layer];
  const { scale, xs, ys } = view;
  const ring = (place, radius, width) => {
    context.beginPath();
    context.arc(scale.x(xs[place]), scale.y(ys[place]), radius, 0, 2 * Math.PI);
    context.lineWidth = width + 2;
    context.strokeStyle = "rgba(255, 255, 255, 0.85)";
    context.stroke();
    context.lineWidth = width;
    context.strokeStyle = "#111";
    context.stroke();
  };
  const base = markerSize(view.large) / 2;
  for (let i = 0; neighbours && i < k; i++) {
    const place = neighbours[row * k + i];
    if (place >= 0 && state.visible[place]) ring(place, base + 1.5, 1.1);
  }
  ring(row, base + 4, 2.2);
}

// Where the sample is in all maps, each laid on the square of the large one.
function drawTrail(view, context) {
  const { row } = state.focus, { scale, square } = view;
  const places = view.run.layers.map((layer) => {
    layer.square ??= squareAround(layer.x, layer.y);
    const by = square.half / layer.square.half;
    return [scale.x(square.x + (layer.x[row] - layer.square.x) * by), scale.y(square.y + (layer.y[row] - layer.square.y) * by)];
  });
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink"), paper = style.getPropertyValue("--paper");
  const path = () => {
    context.beginPath();
    places.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  };
  Object.assign(context, { lineJoin: "round", lineWidth: 4, strokeStyle: paper });
  path();
  Object.assign(context, { lineWidth: 1.6, strokeStyle: ink });
  path();
  context.font = "600 11px system-ui, sans-serif";
  places.forEach(([x, y], i) => {
    Object.assign(context, { lineWidth: 3, strokeStyle: paper, fillStyle: ink });
    context.beginPath();
    context.arc(x, y, 2.6, 0, 2 * Math.PI);
    context.fill();
    context.strokeText(layerNames[i], x + 6, y - 5);
    context.fillText(layerNames[i], x + 6, y - 5);
  });
}

function drawShape(view, context) {
  const style = getComputedStyle(document.documentElement);
  context.beginPath();
  view.shape.corners.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
  Object.assign(context, { fillStyle: "rgba(63, 144, 218, 0.15)", strokeStyle: style.getPropertyValue("--link"), lineWidth: 1.5 });
  context.fill();
  context.stroke();
}

// Class names, each at the middle of the densest part of its class on the map; hidden classes have none.
const MAX_NAMES = 40;
const heartsKept = new Map();

function heartsOf(layer) {
  if (!heartsKept.has(layer)) {
    const rows = classes.map(() => []);
    for (let row = 0; row < count; row++) if (rows[labels[row]].length < 400) rows[labels[row]].push(row);
    heartsKept.set(layer, rows.map((members) => {
      let best = null, least = Infinity;
      for (const row of members.slice(0, 120)) {
        const gaps = members.map((other) => Math.hypot(layer.x[other] - layer.x[row], layer.y[other] - layer.y[row])).sort((a, b) => a - b);
        const near = gaps[Math.floor(gaps.length / 2)];
        if (near < least) [best, least] = [row, near];
      }
      return best;
    }));
  }
  return heartsKept.get(layer);
}

function placeNames(view) {
  if (!known.labels || classes.length > MAX_NAMES) return;
  view.names ??= classes.map((name, place) => {
    const text = document.createElement("span");
    text.className = "name";
    text.textContent = name;
    text.style.setProperty("--own", payload.class_colours[place]);
    view.element.append(text);
    return text;
  });
  const hearts = heartsOf(view.layer), { scale, xs, ys } = view, { width, height } = view.inside;
  view.names.forEach((text, place) => {
    const row = hearts[place];
    const x = row === null ? -1 : scale.x(xs[row]), y = row === null ? -1 : scale.y(ys[row]);
    text.hidden = !state.names || row === null || !shownClasses[place] || x < 0 || y < 0 || x > width || y > height;
    // In hundredths of the map, which is printed in another size.
    text.style.setProperty("--x", ((100 * x) / width).toFixed(2));
    text.style.setProperty("--y", ((100 * y) / height).toFixed(2));
  });
}

for (const change of ["selection", "theme", "names"]) when(change, () => views.forEach((view) => scheduleDraw(view, OVERLAY)));
when("focus", () => views.forEach((view) => scheduleDraw(view, MARKS)));
