// The layer over the maps: the selection, bright on a veil, and rings around a sample and its neighbours.

const waiting = new Set();

function scheduleOverlay(view) {
  if (!waiting.size) requestAnimationFrame(drawWaiting);
  waiting.add(view);
}

function drawWaiting() {
  for (const view of waiting) drawOverlay(view);
  waiting.clear();
}

function drawOverlay(view) {
  if (!view.bokehView) return;
  const { overlay, element } = view;
  const pixels = window.devicePixelRatio || 1;
  const width = Math.round(element.clientWidth * pixels), height = Math.round(element.clientHeight * pixels);
  if (overlay.width !== width || overlay.height !== height) Object.assign(overlay, { width, height });
  const context = overlay.getContext("2d");
  context.setTransform(pixels, 0, 0, pixels, 0, 0);
  context.clearRect(0, 0, width, height);
  const rows = selectedRows();
  if (rows.length) drawSelection(view, context, rows);
  if (state.focus) drawNeighbours(view, context);
}

function drawSelection(view, context, rows) {
  const veil = getComputedStyle(document.documentElement).getPropertyValue("--veil");
  context.fillStyle = `rgba(${veil}, 0.78)`;
  context.fillRect(0, 0, view.element.clientWidth, view.element.clientHeight);
  const { scale, xs, ys, run, layer } = view, radius = markerSize(view.large) / 2 + 0.4;
  const { perX, perY } = scale, left = scale.x(0), bottom = scale.y(0);
  const square = rows.length > 2000; // thousands of circles take too long to draw
  const { of } = COLOURS[state.colour];
  const byColour = new Map();
  for (const row of rows) {
    const colour = of(run, layer, row);
    if (!byColour.has(colour)) byColour.set(colour, new Path2D());
    const path = byColour.get(colour), x = left + xs[row] * perX, y = bottom - ys[row] * perY;
    if (square) {
      path.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    } else {
      path.moveTo(x + radius, y);
      path.arc(x, y, radius, 0, 2 * Math.PI);
    }
  }
  for (const [colour, path] of byColour) {
    context.fillStyle = colour;
    context.fill(path);
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
  for (let i = 0; i < k; i++) {
    const place = neighbours[row * k + i];
    if (place >= 0 && state.visible[place]) ring(place, base + 1.5, 1.1);
  }
  ring(row, base + 4, 2.2);
}

for (const change of ["selection", "focus", "theme", "colour"]) when(change, () => views.forEach(scheduleOverlay));
when("depth", () => views.filter((view) => view.large).forEach(scheduleOverlay));
